import re
import shutil
from pathlib import Path

import pytest

from rushes.errors import CorruptMediaError, MediaError, NotMediaError, StorageError, UnsupportedFormatError
from rushes.video import get_video_info, validate_video_format
from rushes.video.probe import examine, probe
from tests.rushes.video.clips import card, coloured, ffmpeg, turned

# Audio only, no index, no frame, text. AV1 and VVC are left out: what is decoded depends on the ffmpeg at hand.
REFUSED = {
    "MEDIA.md",
    "media3_sample_audio_only.mp4",
    "media3_sample_malformed_free_box.mp4",
    "mp4parse_invalid_userdata.mp4",
    "pxt_bad_video.mp4",
}
REAL = Path(__file__).parents[4] / "shared" / "media"


def test_a_plain_clip_is_described(clips: Path) -> None:
    info = probe(clips / "card.mp4")
    assert (info.media_type, info.width, info.height, info.rotation) == ("video/mp4", 128, 96, 0)
    assert (info.duration_s, info.fps, info.frames, info.vfr) == (1.0, 25.0, 25, False)
    assert (info.video_codec, info.audio_codec) == ("h264", "aac")


def test_the_dictionary_has_the_documented_keys(clips: Path) -> None:
    info = get_video_info(str(clips / "coloured.mp4"))
    assert info["duration"] == 2.0
    assert (info["width"], info["height"], info["video_codec"], info["audio_codec"]) == (64, 48, "h264", None)
    assert info["fps"] == 10.0


@pytest.mark.parametrize(("counter_clockwise", "clockwise"), [(90, 270), (180, 180), (270, 90)])
def test_sizes_are_those_shown_upright(clips: Path, tmp_path: Path, counter_clockwise: int, clockwise: int) -> None:
    clip = turned(tmp_path / "turned.mp4", clips / "halves.mp4", -counter_clockwise)
    info = probe(clip)
    assert info.rotation == clockwise
    assert (info.width, info.height) == ((96, 64) if clockwise == 180 else (64, 96))


def test_a_slanted_picture_is_refused(clips: Path, tmp_path: Path) -> None:
    clip = turned(tmp_path / "slanted.mp4", clips / "halves.mp4", -30)
    with pytest.raises(UnsupportedFormatError, match=r"33[01] degrees"):
        probe(clip)


def test_pixels_that_are_not_square_widen_the_picture(tmp_path: Path) -> None:
    wide = coloured(tmp_path / "wide.mp4", "-vf", "setsar=4/3", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    assert (probe(wide).width, probe(wide).height) == (85, 48)


def test_uneven_frames_are_told_from_rounding(clips: Path, tmp_path: Path) -> None:
    rounded = tmp_path / "rounded.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30:d=1", rounded)
    uneven = tmp_path / "uneven.mkv"
    ffmpeg("-i", clips / "coloured.mp4", "-vf", "setpts=PTS*(1+N/10)", "-fps_mode", "vfr", uneven)
    assert (probe(rounded).vfr, probe(rounded).fps) == (False, 30.0)
    assert probe(uneven).vfr


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".flv", ".ts", ".mov", ".mpg", ".wmv"])
def test_rate_and_frames_are_right_in_every_container(tmp_path: Path, suffix: str) -> None:
    codec = {".mpg": "mpeg1video", ".wmv": "wmv2", ".avi": "mpeg4"}.get(suffix, "libx264")
    path = card(tmp_path / f"clip{suffix}", "-c:v", codec, "-pix_fmt", "yuv420p")
    info = probe(path)
    assert info.fps == pytest.approx(25, abs=0.1)
    assert info.frames == 25
    assert not info.vfr


def test_a_cover_picture_is_no_video(clips: Path, tmp_path: Path) -> None:
    cover, song = tmp_path / "cover.jpg", tmp_path / "song.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1", "-c:v", "mjpeg", cover)
    ffmpeg(
        *("-i", clips / "card.mp4", "-i", cover, "-map", "0:a", "-map", "1:v"),
        *("-c:a", "copy", "-c:v", "copy", "-disposition:v", "attached_pic", song),
    )
    with pytest.raises(NotMediaError, match="without a video stream"):
        probe(song)


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"<html><body>Not found</body></html>", "text/html"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text/plain"),
        (b"ffconcat version 1.0\nfile 'other.mp4'\n", "text/plain"),
        (b"", "an empty file"),
        (bytes(range(256)), "no known type"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes, looks: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(NotMediaError, match=looks):
        probe(path)
    assert not validate_video_format(path)


def test_a_name_counts_for_nothing(clips: Path, tmp_path: Path) -> None:
    for name in ("-i", "a:b.txt", "http:x.html", "100%d.png"):
        shutil.copy(clips / "coloured.mp4", tmp_path / name)
        assert validate_video_format(tmp_path / name)
        assert probe(tmp_path / name).frames == 20


def test_a_clip_without_its_index_is_corrupt(clips: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes((clips / "card.mp4").read_bytes()[:3000])
    with pytest.raises(CorruptMediaError, match=r"cut\.mp4: video/mp4 that cannot be opened"):
        probe(cut)


def test_a_clip_with_its_index_in_front_and_its_end_missing_is_corrupt(tmp_path: Path) -> None:
    whole = card(tmp_path / "whole.mp4", "-c:v", "libx264", "-movflags", "+faststart")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(CorruptMediaError, match="the container lists 25 frames"):
        probe(cut)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone\.mp4: cannot be read"):
        probe(tmp_path / "gone.mp4")
    assert not validate_video_format(tmp_path / "gone.mp4")


def test_interlaced_video_is_noticed(tmp_path: Path) -> None:
    path = card(tmp_path / "fields.mpg", "-vf", "interlace", "-c:v", "mpeg2video", "-flags", "+ilme+ildct")
    assert examine(path).interlaced
    assert not examine(card(tmp_path / "frames.mpg", "-c:v", "mpeg2video")).interlaced


@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not here")
@pytest.mark.parametrize(
    "path", sorted(path for path in REAL.glob("*.*") if not re.search("av1|vvc", path.name)), ids=lambda path: path.name
)
def test_real_clips_are_described_or_refused_in_words(path: Path) -> None:
    if path.name in REFUSED:
        with pytest.raises((MediaError, UnsupportedFormatError), match=re.escape(path.name)):
            probe(path)
        return
    info = probe(path)
    assert info.width > 0
    assert info.fps is not None
    assert 1 <= info.fps <= 240
