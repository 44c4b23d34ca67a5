"""Decoding begins near the frames that are wanted, and gives the very pixels that decoding from the beginning does."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from rushes.video import stretches as module
from rushes.video.config import Still
from rushes.video.frames import extract_frames
from rushes.video.stretches import Stretch, stretches
from rushes.video.timeline import Timeline, read_timeline
from tests.rushes.video.clips import coloured, ffmpeg, number

FRAMES = 40
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params")
OPEN = (*H264, "keyint=6:min-keyint=6:bframes=3:open-gop=1:scenecut=0")
UNEVEN = ("-vf", "setpts=PTS*(1+N/7)", "-fps_mode", "vfr", "-enc_time_base", "1:1000")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params")
KINDS: dict[str, tuple[str, ...]] = {
    "closed.mp4": (*H264, "keyint=5:scenecut=0:bframes=3"),
    "open.mp4": OPEN,
    "open.mkv": OPEN,
    "uneven.mp4": (*OPEN, *UNEVEN),
    "uneven.mkv": (*OPEN, *UNEVEN),
    "late.mp4": (*OPEN, "-output_ts_offset", "0.7"),
    "late.mkv": (*OPEN, "-output_ts_offset", "100.7"),
    "pieces.mp4": (*OPEN, "-movflags", "frag_keyframe+empty_moov"),
    "refreshed.mp4": (*H264, "keyint=6:intra-refresh=1:bframes=2"),
    "hevc.mp4": (*HEVC, "keyint=6:min-keyint=6:bframes=3:open-gop=1:log-level=none"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-b:v", "1M", "-g", "5", "-pix_fmt", "yuv420p"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-q:v", "2", "-bf", "2", "-g", "6"),
}


def timeline(keys: set[int], frames: int = 10_000) -> Timeline:
    """A video of 25 frames a second, whose ticks are milliseconds."""
    shown = tuple(40 * index for index in range(frames))
    return Timeline(shown, tuple(index in keys for index in range(frames)), (1, 1000), 0.0, stamped=True)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes stretches of two frames, so that a short clip has many."""
    monkeypatch.setattr(module, "_AT_ONCE", 2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("still", [Still(), Still("png")], ids=["jpeg", "png"])
@pytest.mark.parametrize("name", KINDS)
def test_frames_that_are_sought_have_the_pixels_of_those_that_are_decoded_up_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, still: Still
) -> None:
    clip = coloured(tmp_path / name, *KINDS[name], frames=FRAMES)
    sought = list(stretches(range(FRAMES), read_timeline(clip), seekable=True))
    assert sum(stretch.begin_s is not None for stretch in sought) > FRAMES / 4
    found = extract_frames(clip, range(FRAMES), tmp_path / "sought", still)
    assert {index: number(file) for index, file in found.items()} == {index: index % 27 for index in range(FRAMES)}
    monkeypatch.setattr(module, "_AT_ONCE", FRAMES)
    whole = extract_frames(clip, range(FRAMES), tmp_path / "whole", still)
    assert [file.read_bytes() for file in found.values()] == [file.read_bytes() for file in whole.values()]


@pytest.mark.usefixtures("short")
def test_behind_an_edit_list_the_same_frames_are_found(tmp_path: Path) -> None:
    whole, cut = coloured(tmp_path / "whole.mp4", *OPEN, frames=FRAMES), tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.7", "-i", whole, "-c", "copy", cut)
    found = extract_frames(cut, range(FRAMES - 7), tmp_path / "frames")
    assert [number(file) for file in found.values()] == [(index + 7) % 27 for index in range(FRAMES - 7)]


@pytest.mark.usefixtures("short")
def test_where_the_decoder_misses_something_it_begins_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Refreshed bit by bit, with frames that refer far back: what a player shows after a seek is wrong for a while.
    clip, frames = tmp_path / "noise.mkv", range(200)
    noise = ("-f", "lavfi", "-i", "testsrc2=s=160x112:r=10:d=20,noise=alls=20:allf=t:all_seed=1")
    ffmpeg(*noise, *H264, "keyint=12:intra-refresh=1:bframes=0:ref=4", "-preset", "fast", "-crf", "20", clip)
    found = extract_frames(clip, frames[::3], tmp_path / "sought")
    monkeypatch.setattr(module, "_AT_ONCE", len(frames))
    whole = extract_frames(clip, frames[::3], tmp_path / "whole")
    assert [file.read_bytes() for file in found.values()] == [file.read_bytes() for file in whole.values()]


def test_much_that_nobody_wants_is_not_decoded() -> None:
    video = timeline(keys=set(range(0, 10_000, 250)))
    found = list(stretches([3, 900, 1000, 9000], video, seekable=True))
    assert found == [Stretch((3,)), Stretch((900, 1000), begin_s=20.0), Stretch((9000,), begin_s=350.0)]


def test_as_much_is_decoded_for_the_last_frames_as_for_the_first() -> None:
    video = timeline(keys=set(range(0, 10_000, 250)))
    found = list(stretches(range(10_000), video, seekable=True))
    assert [index for stretch in found for index in stretch.indices] == list(range(10_000))
    assert [stretch.begin_s for stretch in found] == [None, 50.0, 110.0, 170.0, 230.0, 290.0, 350.0]
    assert all(after.indices[0] == before.indices[-1] + 1 for before, after in pairwise(found))


@pytest.mark.parametrize("video", [timeline(keys={0}), timeline(keys=set())], ids=["one key frame", "none"])
def test_without_key_frames_to_begin_at_all_is_decoded(video: Timeline) -> None:
    assert list(stretches([3, 9000], video, seekable=True)) == [Stretch((3, 9000))]


def test_what_cannot_be_sought_is_decoded_from_the_beginning() -> None:
    video = timeline(keys=set(range(0, 10_000, 250)))
    assert list(stretches([3, 9000], video, seekable=False)) == [Stretch((3, 9000))]
