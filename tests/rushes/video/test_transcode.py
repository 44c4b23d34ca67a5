import contextlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import (
    ConfigError,
    CorruptMediaError,
    DiskFullError,
    MediaError,
    NotMediaError,
    TranscodingFailedError,
    UnsupportedFormatError,
)
from rushes.video import TranscodeConfig, optimize_for_web, transcode_video
from rushes.video.beside import beside
from rushes.video.config import fit
from rushes.video.frames import extract_frames, frame_times
from rushes.video.names import CONTAINERS
from rushes.video.probe import examine, probe
from tests.rushes.video.clips import card, coloured, ffmpeg, number, turned

REAL = Path(__file__).parents[4] / "shared" / "media"
EXACT = ("-fps_mode", "passthrough", "-enc_time_base", "1:1000")
FAST = TranscodeConfig(preset="ultrafast", crf=20)


def test_the_output_is_what_was_asked_for(clips: Path, tmp_path: Path) -> None:
    made = transcode_video(str(clips / "card.mp4"), str(tmp_path / "new" / "out.mp4"), FAST)
    info = probe(made)
    assert made == tmp_path / "new" / "out.mp4"
    assert (info.width, info.height, info.frames, info.duration_s) == (128, 96, 25, 1.0)
    assert (info.video_codec, info.audio_codec) == ("h264", "aac")
    assert list(made.parent.iterdir()) == [made]


def test_the_same_input_gives_the_same_bytes(clips: Path, tmp_path: Path) -> None:
    transcode_video(clips / "card.mp4", tmp_path / "a.mp4", FAST)
    transcode_video(clips / "card.mp4", tmp_path / "b.mp4", FAST)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_progress_never_goes_back_and_ends_with_100(clips: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    transcode_video(clips / "card.mp4", tmp_path / "out.mp4", FAST, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 100.0
    assert all(0 <= value <= 99.9 for value in seen[:-1])


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".flv"])
def test_every_frame_and_its_time_is_kept(clips: Path, tmp_path: Path, suffix: str) -> None:
    uneven = tmp_path / f"uneven{suffix}"
    ffmpeg("-i", clips / "coloured.mp4", "-vf", "setpts=PTS*(1+N/7)", *EXACT, "-c:v", "libx264", uneven)
    made = transcode_video(uneven, tmp_path / "made.mp4", FAST)
    assert frame_times(made) == pytest.approx(frame_times(uneven), abs=0.01)
    files = extract_frames(made, range(20), tmp_path / "frames")
    assert [number(file) for file in files.values()] == list(range(20))


def test_frames_hidden_by_an_edit_list_stay_out(clips: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", clips / "coloured.mp4", "-c", "copy", cut)
    made = transcode_video(cut, tmp_path / "made.mp4", FAST)
    files = extract_frames(made, range(99), tmp_path / "frames")
    assert [number(file) for file in files.values()] == list(range(5, 20))


def test_frames_closer_together_than_the_average_are_kept(tmp_path: Path) -> None:
    # Ten frames within a tenth of a second, then one every half second.
    burst = "setpts='if(lt(N,10),N/100,0.1+(N-10)/2)/TB'"
    options = (
        "-vf",
        f"settb=1/1000,{burst}",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1:1000",
        "-c:v",
        "libx264",
    )
    clip = coloured(tmp_path / "burst.mkv", *options, "-pix_fmt", "yuv420p")
    made = transcode_video(clip, tmp_path / "made.mp4", FAST)
    assert frame_times(made) == pytest.approx(frame_times(clip), abs=0.002)


def test_a_turned_video_comes_out_upright_and_fits_the_box(clips: Path, tmp_path: Path) -> None:
    clip = turned(tmp_path / "turned.mp4", clips / "halves.mp4", -90)
    made = probe(transcode_video(clip, tmp_path / "made.mp4", TranscodeConfig(preset="fast", resolution="1280x48")))
    assert (made.width, made.height, made.rotation) == (32, 48, 0)


def test_odd_sides_and_deep_colours_become_what_players_take(tmp_path: Path) -> None:
    odd = card(tmp_path / "odd.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv444p10le", size="65x49")
    made = transcode_video(odd, tmp_path / "made.mp4", FAST)
    info = probe(made)
    assert (info.width, info.height) == (64, 48)
    assert b"High 4:4:4" not in made.read_bytes()


def test_pixels_become_square(tmp_path: Path) -> None:
    wide = coloured(tmp_path / "wide.mp4", "-vf", "setsar=2", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    made = probe(transcode_video(wide, tmp_path / "made.mp4", FAST))
    assert (made.width, made.height) == (128, 48)


def test_interlaced_video_keeps_its_number_of_frames(tmp_path: Path) -> None:
    fields = card(tmp_path / "fields.mpg", "-vf", "interlace", "-c:v", "mpeg2video", "-flags", "+ilme+ildct")
    made = transcode_video(fields, tmp_path / "made.mp4", FAST)
    assert probe(made).frames == probe(fields).frames
    assert not examine(made).interlaced


def test_a_piece_at_another_rate(clips: Path, tmp_path: Path) -> None:
    config = TranscodeConfig(preset="fast", fps=20, start_time=0.5, duration=1.0)
    made = transcode_video(clips / "coloured.mp4", tmp_path / "piece.mp4", config)
    info = probe(made)
    assert (info.fps, info.frames, info.vfr) == (20.0, 20, False)
    assert number(extract_frames(made, [0], tmp_path)[0]) == 5


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".flv"])
def test_a_piece_begins_where_it_should_also_where_no_index_says_what_is_where(tmp_path: Path, suffix: str) -> None:
    """Picture and sound: a clip of one key frame, whose tone begins with its second half."""
    tone = ("-f", "lavfi", "-i", "sine=duration=4", "-af", "volume=0:enable='lt(t,2)'", "-c:a", "aac")
    path = tmp_path / f"clip{suffix}"
    ffmpeg("-i", coloured(tmp_path / "silent.mp4", frames=40), *tone, "-c:v", "libx264", path)
    made = transcode_video(path, tmp_path / "made.mp4", replace(FAST, start_time=1.5, duration=1.0))
    assert number(extract_frames(made, [0], tmp_path)[0]) == 15
    assert probe(made).frames == 10
    assert loud_from(made) == pytest.approx(loud_from(path) - 1.5, abs=0.002)


def loud_from(path: Path) -> float:
    """Returns when the sound of a clip begins to be loud, in seconds."""
    raw = ("-map", "0:a", "-f", "s16le", "-ac", "1", "-ar", "8000")
    ffmpeg("-i", path, *raw, path.with_suffix(".raw"))
    samples = np.fromfile(path.with_suffix(".raw"), dtype="<i2")
    return float(np.flatnonzero(np.abs(samples) > 500)[0]) / 8000


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
@pytest.mark.parametrize("sound", [(), ("-f", "lavfi", "-i", "sine=duration=2", "-shortest", "-c:a", "aac")])
@pytest.mark.parametrize("fps", [None, 20.0])
def test_a_piece_after_the_last_frame_began_is_refused(
    tmp_path: Path, suffix: str, sound: tuple[str, ...], fps: float | None
) -> None:
    source = tmp_path / f"clip{suffix}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=2:d=2", *sound, "-c:v", "libx264", "-bf", "0", source)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=r"start_time = 1\.8: .* shows no new frame then\. Begin earlier"):
        transcode_video(source, tmp_path / "made.mp4", replace(FAST, start_time=1.8, fps=fps))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (TranscodeConfig(start_time=2.0), "start_time = 2: coloured.mp4 lasts 2 s only"),
        (TranscodeConfig(start_time=-1.0), "start_time = -1"),
        (TranscodeConfig(duration=0.0), "duration = 0"),
    ],
)
def test_a_piece_that_is_not_there_is_refused(clips: Path, tmp_path: Path, config: TranscodeConfig, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        transcode_video(clips / "coloured.mp4", tmp_path / "out.mp4", config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", ["itself", "symlink", "hardlink"])
def test_the_input_is_never_overwritten(clips: Path, tmp_path: Path, link: str) -> None:
    source = tmp_path / "in.mp4"
    shutil.copy(clips / "coloured.mp4", source)
    target = source if link == "itself" else tmp_path / "out.mp4"
    if link == "symlink":
        target.symlink_to(source)
    if link == "hardlink":
        target.hardlink_to(source)
    with pytest.raises(ConfigError, match="same file"):
        transcode_video(source, target)
    assert source.read_bytes() == (clips / "coloured.mp4").read_bytes()


def test_a_damaged_input_is_corrupt_and_leaves_what_was_there(damaged: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"before")
    with pytest.raises(CorruptMediaError, match=r"damaged\.mp4: damaged, decoding stopped"):
        transcode_video(damaged, target, FAST)
    assert target.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.mp4", "out.mp4"]


def test_a_cut_off_input_is_corrupt(tmp_path: Path) -> None:
    whole = card(tmp_path / "whole.mkv", "-c:v", "libx264", seconds=4)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(CorruptMediaError, match=r"cut\.mkv: "):
        transcode_video(cut, tmp_path / "out.mp4", FAST)


def test_times_that_contradict_what_the_container_says_are_the_inputs_fault(clips: Path, tmp_path: Path) -> None:
    content = bytearray((clips / "card.mp4").read_bytes())
    at = content.index(b"mdhd") + 16
    content[at : at + 4] = bytes(4)  # ticks a second
    (tmp_path / "slow.mp4").write_bytes(content)
    with pytest.raises(CorruptMediaError, match=r"slow\.mp4: says 1\.00 s of video, and its frames take 512\.00 s"):
        transcode_video(tmp_path / "slow.mp4", tmp_path / "out.mp4", FAST)


def test_a_failure_of_the_settings_is_not_blamed_on_the_input(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(TranscodingFailedError, match=r"coloured\.mp4: .*no-such-encoder") as caught:
        transcode_video(clips / "coloured.mp4", tmp_path / "out.mp4", TranscodeConfig(vcodec="no-such-encoder"))
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "part.mp4"
    part.symlink_to("/dev/full")  # a device that is always full
    monkeypatch.setattr("rushes.video.transcode.beside", lambda target: contextlib.nullcontext(part))
    with pytest.raises(DiskFullError, match="no space left"):
        transcode_video(clips / "coloured.mp4", tmp_path / "out.mp4", FAST)


def test_who_builds_sweeps_up_what_nobody_builds_any_more(tmp_path: Path) -> None:
    target, names = (
        tmp_path / "a[1].mp4",
        (".a[1].0123abcd.part.mp4", ".a[1].0123abcd.part.mkv", ".a1.0123abcd.part.mp4"),
    )
    for name in names:
        (tmp_path / name).write_bytes(b"left behind")
    with beside(target) as first:
        first.write_bytes(b"under way")
        with beside(target) as second:
            assert sorted(tmp_path.iterdir()) == sorted([first, second, *(tmp_path / name for name in names[1:])])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


@pytest.mark.parametrize("name", ["list.mp4", "list.avi", "list.mkv"])
def test_a_playlist_by_another_name_reads_no_other_file(clips: Path, tmp_path: Path, name: str) -> None:
    target = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clips / 'coloured.mp4'}\n#EXT-X-ENDLIST\n"
    (tmp_path / name).write_text(target)
    with pytest.raises(NotMediaError, match="text/plain"):
        transcode_video(tmp_path / name, tmp_path / "out.mp4")


def test_names_that_mean_something_to_ffmpeg(clips: Path, tmp_path: Path) -> None:
    shutil.copy(clips / "coloured.mp4", tmp_path / "-i a:b.mp4")
    assert probe(transcode_video(tmp_path / "-i a:b.mp4", tmp_path / "-y http:%d.mp4", FAST)).frames == 20


def test_web_output_begins_with_its_index(clips: Path, tmp_path: Path) -> None:
    content = optimize_for_web(clips / "card.mp4", tmp_path / "web.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(2, 4096), st.integers(2, 4096))
def test_the_fitted_size_is_even_and_inside_both(width: int, height: int, box_width: int, box_height: int) -> None:
    made_width, made_height = fit(width, height, (box_width, box_height))
    assert made_width % 2 == made_height % 2 == 0
    assert 2 <= made_width <= max(2, min(width, box_width))
    assert 2 <= made_height <= max(2, min(height, box_height))


def test_a_size_that_fits_exactly_is_hit_exactly() -> None:
    assert fit(1920, 1080, (1280, 720)) == (1280, 720)
    assert fit(1080, 1920, (1280, 720)) == (404, 720)
    assert fit(640, 360, (1280, 720)) == (640, 360)


REAL_NAMES = [
    "carphone_distorted.mp4",
    "decord_corrupted.mp4",
    "decord_unordered.mov",
    "decord_video_180.mov",
    "media3_dolbyVision-hdr.MOV",
    "media3_sample.avi",
    "media3_sample.flv",
    "media3_sample_android_slow_motion.mp4",
    "media3_sample_audio_only.mp4",
    "media3_sample_av1.mkv",
    "media3_sample_h262_mpeg_audio.ps",
    "media3_sample_scte35.ts",
    "media3_sample_with_srt.mkv",
    "moviepy_no_duration.webm",
    "moviepy_video-with-dash-.mp4",
    "mp4parse_h264_white_frame_sar_16_9.mp4",
    "mp4parse_invalid_userdata.mp4",
    "pxt_bad_video.mp4",
    "torchcodec_h264_10bits.mp4",
]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not here")
@pytest.mark.parametrize("name", REAL_NAMES)
def test_real_clips_are_made_frame_for_frame_or_refused_in_words(name: str, tmp_path: Path) -> None:
    source = REAL / name
    config = TranscodeConfig(preset="ultrafast", resolution="320x320")
    try:
        made = transcode_video(source, tmp_path / "made.mp4", config)
    except (MediaError, UnsupportedFormatError) as error:
        assert name in str(error)  # noqa: PT017  # which clips are refused depends on the ffmpeg at hand
        return
    info = probe(made)
    assert len(frame_times(made)) == len(frame_times(source))
    assert max(info.width, info.height) <= 320
    assert (info.rotation, info.video_codec) == (0, "h264")


@pytest.mark.parametrize("name", ["a.m3u8", "a.mpd", "a.webm", "a.gif", "a.jpg", "a.h264", "a.part", "a", "."])
def test_what_is_no_container_of_one_file_is_refused_before_anything_is_written(
    clips: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"must end in its container, like .*\.mp4; expected one of \.mp4 \.m4v"):
        transcode_video(clips / "card.mp4", tmp_path / name, FAST)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_each_container_takes_what_is_made(clips: Path, tmp_path: Path, suffix: str) -> None:
    made = transcode_video(clips / "card.mp4", tmp_path / f"a{suffix}", FAST)
    assert probe(made).frames == probe(clips / "card.mp4").frames
