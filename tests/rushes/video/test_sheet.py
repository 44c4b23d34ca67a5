"""Pictures of clips whose frames can be told apart, read back pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rushes.errors import ConfigError, CorruptMediaError, NotMediaError, RushesError
from rushes.video import timeline
from rushes.video.sheet import Picture, clock, contact_sheet, thumbnail
from tests.rushes.video.clips import LEVELS, RATE, card, coloured, ffmpeg, number, turned

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-sc_threshold", "0")


def frames_of(sheet: Picture, columns: int, size: tuple[int, int] = (64, 48)) -> list[int]:
    """Says which frame of a coloured clip stands in each cell: 8 pixels between cells, 22 for the time below each."""
    found = []
    width = max(size[0], 80)
    with Image.open(sheet.path) as picture:
        for place in range(len(sheet.times_s)):
            row, column = divmod(place, columns)
            at = (8 + column * (width + 8) + width // 2, 8 + row * (size[1] + 22 + 8) + size[1] // 2)
            pixel = picture.convert("RGB").getpixel(at)
            assert isinstance(pixel, tuple)
            digits = [min(range(3), key=lambda level: abs(LEVELS[level] - value)) for value in pixel]
            found.append(digits[0] + 3 * digits[1] + 9 * digits[2])
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".flv", ".ts", ".mov"])
def test_a_sheet_shows_all_of_a_video_and_says_when_each_frame_is(tmp_path: Path, suffix: str) -> None:
    codec = ("-c:v", "mpeg4") if suffix == ".avi" else H264
    clip = coloured(tmp_path / f"clip{suffix}", *codec)
    sheet = contact_sheet(clip, tmp_path / "sheet.png", columns=5, rows=2)
    shown = frames_of(sheet, 5)
    assert [round(time_s * RATE) for time_s in sheet.times_s] == shown
    assert shown == sorted(set(shown))
    assert all(abs(frame - (2 * place + 1)) <= 2 for place, frame in enumerate(shown)), shown
    assert (sheet.width, sheet.height) == (5 * 88 + 8, 2 * 78 + 8)


def test_key_frames_are_taken_where_they_are_close_enough(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "keys.mp4", *H264, "-g", "5")
    sheet = contact_sheet(clip, tmp_path / "sheet.png", columns=4, rows=1)
    assert sheet.times_s == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert frames_of(sheet, 4) == [0, 5, 10, 15]


def test_a_clip_of_few_frames_gives_a_smaller_sheet(tmp_path: Path) -> None:
    sheet = contact_sheet(coloured(tmp_path / "clip.mp4", frames=3), tmp_path / "sheet.png")
    assert sheet.times_s == pytest.approx([0.0, 0.1, 0.2])
    assert (frames_of(sheet, 3), sheet.width, sheet.height) == ([0, 1, 2], 3 * 88 + 8, 78 + 8)


def test_below_each_frame_stands_its_time(clips: Path, tmp_path: Path) -> None:
    sheet = contact_sheet(clips / "coloured.mp4", tmp_path / "sheet.png", columns=2, rows=1)
    with Image.open(sheet.path) as picture:
        below = [picture.convert("L").crop((left, 56, left + 80, 78)) for left in (8, 96)]
    assert all(max(strip.tobytes()) > 200 for strip in below)
    assert below[0].tobytes() != below[1].tobytes()


def test_times_count_from_where_the_file_begins(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "late.ts", *H264, "-output_ts_offset", "100")
    sheet = contact_sheet(clip, tmp_path / "sheet.png", columns=4, rows=1)
    assert [round(time_s * RATE) for time_s in sheet.times_s] == frames_of(sheet, 4)


@pytest.mark.parametrize("counter_clockwise", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, clips: Path, counter_clockwise: int) -> None:
    clip = turned(tmp_path / "turned.mp4", clips / "halves.mp4", -counter_clockwise)
    made = thumbnail(clip, tmp_path / "small.png", size="48x48")
    expected = Image.new("RGB", (48, 32), (20, 20, 220))
    expected.paste((220, 20, 20), (0, 0, 24, 32))
    expected = expected.rotate(counter_clockwise, expand=True)
    with Image.open(made.path) as picture:
        assert picture.size == (made.width, made.height) == expected.size
        for at in ((4, 4), (picture.width - 4, picture.height - 4)):
            assert picture.getpixel(at) == pytest.approx(expected.getpixel(at), abs=16)


def test_pictures_have_square_pixels_and_are_never_enlarged(tmp_path: Path) -> None:
    wide = coloured(tmp_path / "wide.mp4", "-vf", "setsar=2", *H264)
    assert thumbnail(wide, tmp_path / "a.png")[1:3] == (128, 48)
    assert thumbnail(wide, tmp_path / "b.png", size="64x64")[1:3] == (64, 24)


@pytest.mark.parametrize("whole_bytes", [10**9, 0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(("at_s", "frame"), [(0.0, 0), (0.75, 7), (0.8, 8), (1.99, 19)])
def test_a_thumbnail_is_the_frame_that_is_on_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, at_s: float, frame: int, whole_bytes: int
) -> None:
    monkeypatch.setattr(timeline, "_WHOLE_BYTES", whole_bytes)
    made = thumbnail(coloured(tmp_path / f"clip{suffix}", *H264, "-g", "7"), tmp_path / "small.png", at_s)
    assert number(made.path) == frame
    assert made.times_s == pytest.approx([frame / RATE], abs=0.002)


def test_a_thumbnail_of_slow_frames_is_the_one_before(tmp_path: Path) -> None:
    slow = tmp_path / "slow.mp4"
    ffmpeg("-i", coloured(tmp_path / "clip.mp4", *H264), "-vf", "setpts=20*PTS", "-r", "1/2", *H264, slow)
    assert thumbnail(slow, tmp_path / "small.png", 7.9).times_s == (6.0,)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP")]
)
def test_the_suffix_names_the_format_and_the_same_clip_gives_the_same_bytes(
    clips: Path, tmp_path: Path, name: str, kind: str
) -> None:
    once, again = (contact_sheet(clips / "card.mp4", tmp_path / part / name) for part in ("once", "again"))
    with Image.open(once.path) as picture:
        assert (picture.format, picture.size) == (kind, (once.width, once.height))
    assert once.path.read_bytes() == again.path.read_bytes()
    assert [path.name for path in once.path.parent.iterdir()] == [name]


def test_names_are_names_and_nothing_else(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    odd = Path("-i http:%03d\n.mp4")
    odd.write_bytes((clips / "coloured.mp4").read_bytes())
    assert contact_sheet(odd, "-%02d.png").path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["-%02d.png", odd.name]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"columns": 0}, "columns = 0: expected 1 to 40"),
        ({"rows": 41}, "rows = 41: expected 1 to 40"),
        ({"size": "small"}, "size = small: expected WIDTHxHEIGHT"),
        ({"output": "sheet.gif"}, r"sheet\.gif: expected a picture's name"),
        ({"output": "sheet"}, "sheet: expected a picture's name, which ends in"),
    ],
)
def test_a_wrong_wish_is_said_in_one_line(
    clips: Path, tmp_path: Path, options: dict[str, str | int], expected: str
) -> None:
    output = tmp_path / str(options.pop("output", "sheet.png"))
    with pytest.raises(ConfigError, match=expected):
        contact_sheet(clips / "coloured.mp4", output, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    clip = card(tmp_path / "card.mp4", size="640x480", seconds=0.1)
    with pytest.raises(ConfigError, match="expected 67108864 at most"):
        contact_sheet(clip, tmp_path / "sheet.png", 40, 40, "640x640")


@pytest.mark.parametrize("at_s", [-1.0, 2.0, 99.0])
def test_a_time_outside_the_video_is_said(clips: Path, tmp_path: Path, at_s: float) -> None:
    with pytest.raises(ConfigError, match=r"coloured\.mp4 lasts 2 s"):
        thumbnail(clips / "coloured.mp4", tmp_path / "small.png", at_s)


def test_the_input_is_never_the_output(clips: Path, tmp_path: Path) -> None:
    same = tmp_path / "clip.png"
    same.write_bytes((clips / "coloured.mp4").read_bytes())
    with pytest.raises(ConfigError, match="the same file"):
        thumbnail(same, tmp_path / "." / "clip.png")


def test_what_is_damaged_is_shown_as_far_as_it_decodes(damaged: Path, tmp_path: Path) -> None:
    sheet = contact_sheet(damaged, tmp_path / "sheet.png")
    assert 1 <= len(sheet.times_s) <= 12


@pytest.mark.parametrize(
    ("content", "error"), [(b"no video\n" * 99, NotMediaError), (b"\0\0\0\x18ftypmp42" + bytes(400), CorruptMediaError)]
)
def test_what_is_no_video_is_said(tmp_path: Path, content: bytes, error: type[RushesError]) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    for make in (contact_sheet, thumbnail):
        with pytest.raises(error, match=r"clip\.mp4"):
            make(tmp_path / "clip.mp4", tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_clocks_are_as_people_write_them() -> None:
    assert [clock(time_s) for time_s in (0, 4.25, 59.9996, 62.5, 3723.45)] == [
        "0:00.000",
        "0:04.250",
        "1:00.000",
        "1:02.500",
        "1:02:03.450",
    ]
