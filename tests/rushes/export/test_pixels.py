"""In the pixels of exported pictures: the right frame is shown, and its label lies around its object."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from rushes.video.binaries import find
from rushes.workspace import Workspace
from tests.rushes.export.marked import FPS, FRAMES, H264, Stored, check, exported, label, marked
from tests.rushes.video.clips import ffmpeg, turned

ALL = [label(number) for number in range(FRAMES)]
FRONT = ("-movflags", "+faststart")
OPEN_GROUPS = ("-x264-params", "keyint=6:min-keyint=6:bframes=3:open-gop=1:scenecut=0")
UNEVEN = ("-vf", "setpts=PTS*(1+N/7)", "-fps_mode", "vfr", "-enc_time_base", "1:1000")


def uneven_s(number: int) -> float:
    return round(number / FPS * (1 + number / 7), 3)


@pytest.mark.parametrize("resolution", [None, "96x96"])
@pytest.mark.parametrize(("width", "height"), [(160, 112), (161, 113)])
@pytest.mark.parametrize("sar", ["1/1", "4/3", "2/3"])
@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_labels_follow_turn_shape_of_pixels_odd_sides_and_scaling(
    workspace: Workspace, tmp_path: Path, clockwise: int, sar: str, width: int, height: int, resolution: str | None
) -> None:
    over, under = sar.split("/")
    stored = Stored(width, height, int(over) / int(under), clockwise)
    options = ("-vf", f"setsar={sar}", *H264[:-1], "yuv444p")
    path = turned(tmp_path / "turned.mp4", marked(tmp_path / "clip.mp4", *options, stored=stored, frames=4), clockwise)
    media, found, dropped = exported(path, workspace, [label(k, stored) for k in range(4)], resolution=resolution)
    check(found, workspace, range(4), stored)
    assert all(len(sample.annotations) == 1 for sample in found)
    assert (media.info.rotation, dropped) == (0, {})
    assert media.info.width % 2 == media.info.height % 2 == 0


@pytest.mark.parametrize("sar", ["1/1", "4/3"])
@pytest.mark.parametrize("clockwise", [0, 90])
def test_labels_follow_a_picture_that_is_enlarged(
    workspace: Workspace, tmp_path: Path, clockwise: int, sar: str
) -> None:
    over, under = sar.split("/")
    stored = Stored(sar=int(over) / int(under), clockwise=clockwise)
    clip = marked(tmp_path / "clip.mp4", "-vf", f"setsar={sar}", *H264, stored=stored, frames=4)
    path = turned(tmp_path / "turned.mp4", clip, clockwise)
    labels = [label(k, stored) for k in range(4)]
    media, found, _ = exported(path, workspace, labels, resolution="300x300", upscale=True)
    check(found, workspace, range(4), stored)
    assert all(len(sample.annotations) == 1 for sample in found)
    assert max(media.info.width, media.info.height) == 300


@pytest.mark.parametrize("transcode", [{}, {"resolution": "96x96"}], ids=["as it is", "smaller"])
@pytest.mark.parametrize(
    ("name", "options", "action"),
    [
        ("kept.mp4", (*H264, *FRONT), "kept"),
        ("late.mp4", H264, "remuxed"),
        ("a.mkv", H264, "remuxed"),
        ("a.ts", H264, "remuxed"),
        ("a.flv", H264, "remuxed"),
        ("open.mp4", (*H264, *OPEN_GROUPS), "remuxed"),
        ("open.ts", (*H264, *OPEN_GROUPS), "remuxed"),
        ("uneven.mkv", (*H264, *UNEVEN), "remuxed"),
        ("uneven.mp4", (*H264, *UNEVEN), "remuxed"),
        ("full-range.mp4", (*H264[:-1], "yuvj420p"), "transcoded"),
    ],
)
def test_frame_k_is_frame_k_however_it_is_made(
    workspace: Workspace, tmp_path: Path, name: str, options: tuple[str, ...], action: str, transcode: dict[str, str]
) -> None:
    media, found, dropped = exported(marked(tmp_path / name, *options), workspace, ALL, **transcode)
    assert media.action == ("transcoded" if transcode else action)
    assert [sample.frame for sample in found] == list(range(FRAMES))
    check(found, workspace, range(FRAMES))
    assert (sum(len(sample.annotations) for sample in found), dropped) == (FRAMES, {})


def test_only_the_sound_is_made_anew(workspace: Workspace, tmp_path: Path) -> None:
    path, silent = tmp_path / "a.mp4", marked(tmp_path / "silent.mp4")
    tone = ("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "libmp3lame", "-c:v", "copy")
    ffmpeg("-i", silent, *tone, path)
    media, found, _ = exported(path, workspace, ALL)
    assert media.action == "partly"
    check(found, workspace, range(FRAMES))


@pytest.mark.parametrize("transcode", [{}, {"resolution": "96x96"}], ids=["as it is", "smaller"])
def test_frames_hidden_by_an_edit_list_count_for_nothing(
    workspace: Workspace, tmp_path: Path, transcode: dict[str, str]
) -> None:
    whole, cut = marked(tmp_path / "whole.mp4"), tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", whole, "-c", "copy", cut)
    _, found, dropped = exported(cut, workspace, [label(k + 5, frame=k) for k in range(15)], **transcode)
    assert [sample.frame for sample in found] == list(range(15))
    check(found, workspace, range(5, 20))
    assert (sum(len(sample.annotations) for sample in found), dropped) == (15, {})


@pytest.mark.parametrize("transcode", [{}, {"resolution": "96x96"}], ids=["as it is", "smaller"])
def test_a_picture_that_begins_after_the_sound_keeps_its_frames_and_their_times(
    workspace: Workspace, tmp_path: Path, transcode: dict[str, str]
) -> None:
    path = tmp_path / "late.mp4"
    tone = ("-f", "lavfi", "-i", "sine=duration=2.5", "-c:a", "aac", "-c:v", "copy")
    ffmpeg("-itsoffset", "0.5", "-i", marked(tmp_path / "whole.mp4"), *tone, path)
    labels = [label(k, time_s=0.5 + k / FPS) for k in range(FRAMES)]
    _, found, dropped = exported(path, workspace, labels, **transcode)
    check(found, workspace, range(FRAMES))
    assert [sample.time_s for sample in found] == pytest.approx([0.5 + k / FPS for k in range(FRAMES)], abs=0.001)
    assert (sum(len(sample.annotations) for sample in found), dropped) == (FRAMES, {})


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("transcode", [{}, {"resolution": "96x96"}, {"fps": 25}, {"start_time": 1.0}], ids=str)
def test_labels_by_time_find_their_frames_at_uneven_times(
    workspace: Workspace, tmp_path: Path, suffix: str, transcode: dict[str, object]
) -> None:
    path = marked(tmp_path / f"uneven{suffix}", *H264, *UNEVEN)
    numbers = [k for k in range(FRAMES) if uneven_s(k) >= float(str(transcode.get("start_time", 0)))]
    _, found, dropped = exported(path, workspace, [label(k, time_s=uneven_s(k)) for k in range(FRAMES)], **transcode)
    check(found, workspace, numbers)
    assert [sample.frame for sample in found] == numbers
    assert sum(len(sample.annotations) for sample in found) == len(numbers)
    assert sum(dropped.values()) == FRAMES - len(numbers)


@pytest.mark.parametrize(
    ("transcode", "numbers"),
    [
        ({"start_time": 0.6}, range(6, 20)),
        ({"start_time": 0.55}, range(6, 20)),
        ({"duration": 0.8}, range(8)),
        ({"start_time": 0.6, "duration": 0.8}, range(6, 14)),
        ({"start_time": 0.55, "duration": 0.8}, range(6, 14)),
        ({"fps": 5}, range(0, 20, 2)),
        ({"fps": 2.5}, range(0, 20, 4)),
        ({"fps": 20}, range(20)),
        ({"fps": 25}, range(20)),
        ({"fps": 29.97}, range(20)),
        ({"start_time": 0.6, "duration": 0.8, "fps": 5}, range(6, 14, 2)),
        ({"start_time": 0.6, "duration": 0.8, "fps": 25}, range(6, 14)),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [H264, (*H264, *OPEN_GROUPS)], ids=["closed", "open"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".flv"])
def test_cuts_and_rates_show_the_frame_that_is_labelled(
    workspace: Workspace,
    tmp_path: Path,
    suffix: str,
    options: tuple[str, ...],
    transcode: dict[str, object],
    numbers: range,
) -> None:
    path = marked(tmp_path / f"clip{suffix}", *options)
    _, found, dropped = exported(path, workspace, ALL, **transcode)
    check(found, workspace, numbers)
    assert [sample.frame for sample in found] == list(numbers)
    assert [len(sample.annotations) for sample in found] == [1] * len(numbers)
    assert sum(dropped.values()) == FRAMES - len(numbers)


@pytest.mark.parametrize("transcode", [{}, {"resolution": "96x96"}], ids=["as it is", "smaller"])
def test_a_stream_that_begins_in_an_open_group_labels_no_wrong_frame(
    workspace: Workspace, tmp_path: Path, transcode: dict[str, str]
) -> None:
    """The first frames in order of time lean on what was before the cut, and are gone."""
    whole, cut = marked(tmp_path / "whole.ts", *H264, *OPEN_GROUPS), tmp_path / "cut.ts"
    packets = _packets(whole)
    content, keys = whole.read_bytes(), [packet for packet in packets if "K" in packet.flags]
    cut.write_bytes(content[: 3 * 188] + content[keys[1].pos :])  # its tables, and all from the second key frame on
    leading = sorted(packet.pts for packet in _packets(cut)).index(keys[1].pts)
    assert leading > 0
    first = sorted(packet.pts for packet in packets).index(keys[1].pts) - leading
    labels = [label(number, frame=number - first) for number in range(first, FRAMES)]
    _, found, _ = exported(cut, workspace, labels, **transcode)
    check(found, workspace, [first + (sample.frame or 0) for sample in found])
    assert len(found) >= FRAMES - first - leading


class _Packet(NamedTuple):
    pts: int
    pos: int
    flags: str


def _packets(path: Path) -> list[_Packet]:
    command = [str(find("ffprobe")), "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,pos,flags"]
    done = subprocess.run([*command, "-of", "csv=p=0", str(path)], capture_output=True, check=True, text=True)
    rows = (line.split(",") for line in done.stdout.split())
    return [_Packet(int(pts), int(pos), flags) for pts, pos, flags, *_ in rows]


@pytest.mark.parametrize("frames", ["annotated", {"every_s": 0.5}], ids=str)
def test_a_label_whose_frame_a_lower_rate_leaves_out_is_on_no_other(
    workspace: Workspace, tmp_path: Path, frames: object
) -> None:
    path, labels = marked(tmp_path / "clip.mp4"), [label(number) for number in (1, 3, 10, 11, 16)]
    _, found, dropped = exported(path, workspace, labels, frames=frames, fps=2, duration=1.5)
    assert [sample.frame for sample in found if sample.annotations] == [10]
    check(found, workspace, [10] if frames == "annotated" else [0, 5, 10])
    assert dropped == {"frame_not_taken": 3, "outside_clip": 1}
