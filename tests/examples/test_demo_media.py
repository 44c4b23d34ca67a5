"""The demo media's truth lies on the pixels of the generated files themselves."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo.media import CLIPS, PICTURES, DemoItem, boxes, draw, generate
from rushes.video.binaries import find
from tests.truth import assert_truth, load_upright


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def items(media: Path) -> dict[str, DemoItem]:
    return {item.name: item for item in generate(media)}


@pytest.mark.parametrize("name", [clip.name for clip in CLIPS])
def test_every_label_of_a_clip_lies_on_its_object(media: Path, items: dict[str, DemoItem], name: str) -> None:
    item = items[name]
    frames = _decode(media / name, item)
    assert len(frames) == item.frames
    for index in {label["frame"] for label in item.annotations}:
        assert_truth(frames[index], [(a["class"], a["box"]) for a in item.annotations if a["frame"] == index])


@pytest.mark.parametrize("name", [picture.name for picture in PICTURES])
def test_every_label_of_a_picture_lies_on_its_object(media: Path, items: dict[str, DemoItem], name: str) -> None:
    pixels = load_upright(media / name)
    assert pixels.shape[:2] == (items[name].upright_height, items[name].upright_width)
    assert_truth(pixels, [(a["class"], a["box"]) for a in items[name].annotations])


def test_the_set_has_a_hundred_and_some_labelled_frames(items: dict[str, DemoItem]) -> None:
    frames = {(item.name, label.get("frame")) for item in items.values() for label in item.annotations}
    assert 100 <= len(frames) <= 150


def test_one_clip_is_unevenly_spaced_and_one_lies_on_its_side(media: Path, items: dict[str, DemoItem]) -> None:
    assert len(set(np.diff(_times(media / "dashcam.mkv")))) > 2
    assert (items["phone.mp4"].width, items["phone.mp4"].height) == (480, 270)
    assert (items["phone.mp4"].upright_width, items["phone.mp4"].upright_height) == (270, 480)


def test_the_same_bytes_come_out_each_time_and_files_that_are_there_stay(tmp_path: Path, media: Path) -> None:
    generate(tmp_path)
    (tmp_path / "street.mp4").write_bytes(b"mine")
    generate(tmp_path)
    assert (tmp_path / "street.mp4").read_bytes() == b"mine"
    (tmp_path / "street.mp4").unlink()
    generate(tmp_path)
    assert _digests(tmp_path) == _digests(media)


@pytest.mark.parametrize(("dx", "dy", "dw", "dh"), [(4, 0, 0, 0), (0, -4, 0, 0), (0, 0, 4, 0), (0, 0, 0, -4)])
def test_the_check_sees_a_label_that_is_four_pixels_off(dx: int, dy: int, dw: int, dh: int) -> None:
    [(label, (x, y, w, h))] = boxes(320, 240, ["car"], 0.5)
    pixels = draw(320, 240, [(label, (x, y, w, h))])
    assert_truth(pixels, [(label, (x, y, w, h))])
    with pytest.raises(AssertionError, match="the pixels say"):
        assert_truth(pixels, [(label, (x + dx, y + dy, w + dw, h + dh))])


def test_the_check_sees_a_wrong_class_and_an_object_without_a_label() -> None:
    objects = boxes(320, 240, ["car", "person"], 0.5)
    pixels = draw(320, 240, objects)
    with pytest.raises(AssertionError, match="none of its colour"):
        assert_truth(pixels, [("bicycle", objects[0][1]), objects[1]])
    with pytest.raises(AssertionError, match="carry no label"):
        assert_truth(pixels, objects[:1])


def _decode(path: Path, item: DemoItem) -> NDArray[np.uint8]:
    options = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    raw = _ffmpeg("-i", str(path), "-map", "0:v", *options)
    return np.frombuffer(raw, np.uint8).reshape(-1, item.upright_height, item.upright_width, 3)


def _times(path: Path) -> list[int]:
    lines = _ffmpeg("-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framehash", "-").decode().splitlines()
    return [int(line.split(",")[2]) for line in lines if line and line[0] != "#"]


def _ffmpeg(*arguments: str) -> bytes:
    command = [str(find("ffmpeg")), "-nostdin", "-loglevel", "error", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
