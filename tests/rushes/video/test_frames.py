from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rushes.errors import CorruptMediaError, NotMediaError
from rushes.video.config import Still
from rushes.video.frames import extract_frames, frame_times, keyframe_indices
from rushes.video.probe import probe
from tests.rushes.video.clips import RATE, coloured, ffmpeg, number, turned

PNG = Still("png")
both = pytest.mark.parametrize("still", [Still(), PNG], ids=["jpeg", "png"])


def shown(path: Path, folder: Path, still: Still | None = None) -> dict[int, int]:
    """Extracts every frame of a coloured clip and says which colour each shows."""
    files = extract_frames(path, range(len(frame_times(path))), folder, still)
    return {index: number(file) for index, file in files.items()}


@both
def test_frame_k_is_frame_k_with_b_frames(clips: Path, tmp_path: Path, still: Still) -> None:
    assert shown(clips / "coloured.mp4", tmp_path, still) == {index: index for index in range(20)}


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".flv", ".ts", ".mov", ".mpg", ".webm"])
def test_frame_k_is_frame_k_in_every_container(tmp_path: Path, suffix: str) -> None:
    codec = {".mpg": "mpeg2video", ".webm": "libvpx", ".avi": "mpeg4"}.get(suffix, "libx264")
    rate = ["-r", "25"] if suffix == ".mpg" else []
    bits = ["-b:v", "2M"] if codec != "libx264" else []
    clip = coloured(tmp_path / f"clip{suffix}", *rate, "-c:v", codec, *bits, "-pix_fmt", "yuv420p")
    numbers = list(shown(clip, tmp_path / "frames").values())
    assert sorted(set(numbers)) == list(range(20))
    assert numbers == sorted(numbers)


@both
def test_frame_k_is_frame_k_at_uneven_times(clips: Path, tmp_path: Path, still: Still) -> None:
    uneven = tmp_path / "uneven.mkv"
    stretch = ("-vf", "setpts=PTS*(1+N/7)", "-fps_mode", "vfr", "-enc_time_base", "1:1000")
    ffmpeg("-i", clips / "coloured.mp4", *stretch, "-bf", "3", uneven)
    assert shown(uneven, tmp_path / "frames", still) == {index: index for index in range(20)}
    times = frame_times(uneven)
    assert times == pytest.approx([index / RATE * (1 + index / 7) for index in range(20)], abs=0.002)


@both
def test_frames_that_an_edit_list_hides_are_not_counted(clips: Path, tmp_path: Path, still: Still) -> None:
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", clips / "coloured.mp4", "-c", "copy", cut)
    found = shown(cut, tmp_path / "frames", still)
    assert found == {index: index + 5 for index in range(15)}
    assert frame_times(cut)[0] == pytest.approx(0, abs=0.01)


@both
def test_a_frame_that_does_not_decode_shifts_no_other(tmp_path: Path, still: Still) -> None:
    # An open group of pictures, cut at its key frame: what follows in time order may lean on what is gone.
    options = ("-c:v", "libx264", "-x264-params", "keyint=6:min-keyint=6:bframes=3:open-gop=1:scenecut=0")
    whole = coloured(tmp_path / "whole.ts", *options, "-pix_fmt", "yuv420p")
    packets = whole.read_bytes()
    for start in range(0, len(packets) // 2, 188 * 3):
        cut = tmp_path / f"cut{start}.ts"
        cut.write_bytes(packets[start:])
        try:
            times, found = frame_times(cut), shown(cut, tmp_path / f"frames{start}", still)
        except (CorruptMediaError, NotMediaError):
            continue
        steps = {round((times[b] - times[a]) * RATE) - (found[b] - found[a]) for a, b in pairwise(found)}
        assert steps <= {0}, start


@both
@pytest.mark.parametrize("counter_clockwise", [0, 90, 180, 270])
def test_frames_come_out_upright(clips: Path, tmp_path: Path, counter_clockwise: int, still: Still) -> None:
    clip = turned(tmp_path / "turned.mp4", clips / "halves.mp4", -counter_clockwise)
    file = extract_frames(clip, [2], tmp_path / "frames", still)[2]
    info = probe(clip)
    with Image.open(file) as image:
        assert image.size == (info.width, info.height)
        expected = Image.new("RGB", (96, 64), (20, 20, 220))
        expected.paste((220, 20, 20), (0, 0, 48, 64))
        expected = expected.rotate(counter_clockwise, expand=True)
        for x, y in ((8, 8), (image.width - 8, image.height - 8)):
            assert image.getpixel((x, y)) == pytest.approx(expected.getpixel((x, y)), abs=16)


def test_frames_have_square_pixels(tmp_path: Path) -> None:
    wide = coloured(tmp_path / "wide.mp4", "-vf", "setsar=2", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    with Image.open(extract_frames(wide, [0], tmp_path)[0]) as image:
        assert image.size == (128, 48)


def test_colours_survive_the_video_matrix_and_the_jpeg_range(tmp_path: Path) -> None:
    matrix = ("-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    clip = coloured(tmp_path / "hd.mp4", *matrix, frames=3)
    with Image.open(extract_frames(clip, [2], tmp_path)[2]) as image:
        assert image.getpixel((30, 20)) == pytest.approx((226, 30, 30), abs=8)


@pytest.mark.parametrize("codec", ["ffv1", "qtrle", "libx264rgb"])
def test_a_png_has_the_very_pixels_of_a_lossless_video(tmp_path: Path, codec: str) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
    clip = tmp_path / "noise.mov"
    ffmpeg(*_raw("rgb24"), "-c:v", codec, *(("-crf", "0") if codec == "libx264rgb" else ()), clip, feed=noise.tobytes())
    files = extract_frames(clip, [3, 1], tmp_path, PNG)
    assert [file.name for file in files.values()] == ["000001.png", "000003.png"]
    for index, file in files.items():
        with Image.open(file) as image:
            assert (image.format, image.mode) == ("PNG", "RGB")
            assert np.array_equal(np.asarray(image), noise[index])


@pytest.mark.parametrize(("matrix", "red", "blue"), [("bt709", 0.2126, 0.0722), ("smpte170m", 0.299, 0.114)])
def test_a_png_is_off_the_standards_formula_by_no_more_than_rounding(
    tmp_path: Path, matrix: str, red: float, blue: float
) -> None:
    planes = np.random.default_rng(7).integers(80, 160, (3, 48, 64), dtype=np.uint8)
    options = ("-vf", f"setparams=colorspace={matrix}:range=tv", "-c:v", "libx264", "-qp", "0", "-colorspace", matrix)
    ffmpeg(*_raw("yuv444p"), *options, tmp_path / "clip.mkv", feed=planes.tobytes())
    # ITU-R BT.601 and BT.709, section 3, the other way round.
    luma, cb, cr = (planes[0] - 16.0) / 219, (planes[1] - 128.0) / 224, (planes[2] - 128.0) / 224
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    expected = 255 * np.stack([r, (luma - red * r - blue * b) / (1 - red - blue), b], axis=-1)
    with Image.open(extract_frames(tmp_path / "clip.mkv", [0], tmp_path, PNG)[0]) as image:
        assert np.abs(np.asarray(image) - expected.clip(0, 255)).max() < 0.6


def _raw(pixels: str) -> list[str]:
    return ["-f", "rawvideo", "-pix_fmt", pixels, "-s", "64x48", "-r", str(RATE), "-i", "-"]


def test_frames_the_video_does_not_have_are_missing(clips: Path, tmp_path: Path) -> None:
    assert list(extract_frames(clips / "coloured.mp4", [19, 20, -1, 3], tmp_path)) == [3, 19]


def test_existing_frames_are_kept_and_no_scraps_stay(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "000003.jpg").write_bytes(b"mine")
    extract_frames(clips / "coloured.mp4", [3, 4], tmp_path)
    assert (tmp_path / "000003.jpg").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000003.jpg", "000004.jpg"]


@both
def test_the_same_frames_have_the_same_bytes(clips: Path, tmp_path: Path, still: Still) -> None:
    once = extract_frames(clips / "coloured.mp4", [1, 7], tmp_path / "once", still)
    again = extract_frames(clips / "coloured.mp4", [7], tmp_path / "100% again", still)
    assert once[7].read_bytes() == again[7].read_bytes()


@both
def test_damage_in_the_middle_is_said(damaged: Path, tmp_path: Path, still: Still) -> None:
    with pytest.raises(CorruptMediaError, match=r"damaged\.mp4: damaged, decoding stopped"):
        extract_frames(damaged, range(25), tmp_path / "frames", still)
    assert list((tmp_path / "frames").iterdir()) == []


def test_key_frames_are_where_the_encoder_put_them(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "keys.mp4", "-c:v", "libx264", "-g", "6", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
    assert keyframe_indices(clip) == [0, 6, 12, 18]


def test_times_count_from_where_the_file_begins(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "late.ts", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-output_ts_offset", "100")
    assert frame_times(clip) == pytest.approx([index / RATE for index in range(20)], abs=0.001)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(10, 400), min_size=2, max_size=10))
def test_any_spacing_is_read_back(clips: Path, tmp_path: Path, steps: list[int]) -> None:
    clip = tmp_path / "spaced.mkv"
    clip.unlink(missing_ok=True)
    at = [sum(steps[:index]) for index in range(len(steps))]
    chain = "+".join(f"{time / 1000}*eq(N,{index})" for index, time in enumerate(at))
    picked = ("-frames:v", str(len(at)), "-fps_mode", "passthrough", "-enc_time_base", "1:1000")
    ffmpeg("-i", clips / "coloured.mp4", "-vf", f"settb=1/1000,setpts='({chain})/TB'", *picked, clip)
    assert frame_times(clip) == pytest.approx([time / 1000 for time in at], abs=0.002)


def test_thousands_of_frames_are_taken_at_once(tmp_path: Path) -> None:
    clip = tmp_path / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=60:d=50", "-c:v", "libx264", "-preset", "ultrafast", clip)
    files = extract_frames(clip, range(0, 3000, 2), tmp_path / "frames")
    assert list(files) == list(range(0, 3000, 2))
    numbers = [4, 1000, 2998]
    alone = extract_frames(clip, numbers, tmp_path / "alone")
    assert [files[index].read_bytes() for index in numbers] == [alone[index].read_bytes() for index in numbers]
