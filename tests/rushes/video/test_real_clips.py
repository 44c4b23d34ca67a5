"""Clips of many encoders come out as was written down before, or are refused with the error that was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rushes.errors import RushesError
from rushes.media import make_media
from rushes.records import Source, Verified
from rushes.video import transcode_video
from rushes.video.binaries import decoders, find
from rushes.video.config import PROFILES
from rushes.video.frames import frame_times
from rushes.video.mp4 import index_in_front
from rushes.video.probe import examine
from rushes.video.verdict import judge
from rushes.workspace import Workspace
from tests.rushes.video.real_clips import CLIPS, Made, Refused

REAL = Path(__file__).parents[4] / "shared" / "media"
# The preset changes how well a picture is packed, and nothing that is looked at here.
WEB = replace(PROFILES["web"], preset="ultrafast")

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not here")


def outcome(name: str) -> Made | Refused:
    """Returns what should come of a clip with the ffmpeg at hand."""
    expected = CLIPS[name]
    if isinstance(expected, Made) and expected.decoder and expected.decoder not in decoders(find("ffmpeg")):
        return Refused("unsupported_format")
    return expected


def test_each_clip_has_its_outcome() -> None:
    assert {path.name for path in REAL.iterdir() if path.name != "MEDIA.md"} == set(CLIPS)


@pytest.mark.parametrize("name", CLIPS)
def test_a_real_clip_comes_out_as_expected(name: str, tmp_path: Path) -> None:
    workspace, expected = Workspace(tmp_path), outcome(name)
    verified = Verified(Source("a", "http://h/a"), str(REAL / name), "ab" * 32, (REAL / name).stat().st_size)
    if isinstance(expected, Refused):
        with pytest.raises(RushesError, match=r"\w") as caught:
            make_media(verified, workspace, WEB)
        assert caught.value.code == expected.code
        assert name in str(caught.value)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        return
    media = make_media(verified, workspace, WEB)
    made = workspace.path(media.path)
    found = examine(made)
    assert (media.action, (media.info.width, media.info.height)) == (expected.action, expected.size)
    assert expected.says in media.reason
    assert len(frame_times(made)) == media.info.frames == expected.frames
    assert (found.info.video_codec, found.info.audio_codec) == ("h264", "aac" if expected.sound else None)
    assert (found.pixel_format, found.square, found.info.rotation, found.others) == ("yuv420p", True, 0, {})
    assert index_in_front(made)


def test_a_clip_trimmed_to_where_no_key_frame_is_begins_with_the_first_frame_that_is_shown(tmp_path: Path) -> None:
    """ffmpeg counts its time from the eleventh frame, and would cut what comes before."""
    source, made = REAL / "media3_sample_edit_list_no_sync_frame_before_edit.mp4", tmp_path / "made.mp4"
    small = replace(WEB, resolution="96x96")
    assert (frame_times(source)[0], round(examine(source).early_s, 3)) == (0.0, 0.333)
    transcode_video(source, made, small)
    assert frame_times(made) == pytest.approx(frame_times(source), abs=0.001)
    transcode_video(source, made, replace(small, start_time=1.0, duration=0.5))
    piece = [at - 1.0 for at in frame_times(source) if 0.999 < at < 1.499]
    assert frame_times(made) == pytest.approx([at - piece[0] for at in piece], abs=0.001)


def test_what_is_made_for_the_web_is_kept_when_it_comes_in_again(tmp_path: Path) -> None:
    """Also of a clip whose brightness used the whole range, which players do not expect of a video."""
    made = transcode_video(REAL / "torchcodec_bt709_full_range.mp4", tmp_path / "made.mp4", WEB)
    assert judge(made, examine(made), WEB).action == "kept"
