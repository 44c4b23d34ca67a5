"""Libav's workers say of every file what ffprobe says of it, or nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.errors import RushesError
from rushes.video.answer import HEAD_PACKETS, WHOLE_BYTES
from rushes.video.ffprobe import sniff_video
from rushes.video.pool import Pool, why_not
from rushes.video.probe import examine
from rushes.video.probed import Probed, read
from tests.damaged_clips import damaged_files
from tests.hostile_media import CASES, Lure
from tests.rushes.video.clips import ffmpeg, turned

REAL = Path(__file__).parents[4] / "shared" / "media"
NOT_HERE = why_not()
pytestmark = pytest.mark.skipif(NOT_HERE is not None, reason=f"probing is by ffprobe alone: {NOT_HERE}")

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
ODD: dict[str, tuple[str, ...]] = {
    "plain.mp4": (*H264, "-c:a", "aac"),
    "faststart.mp4": (*H264, "-c:a", "aac", "-movflags", "+faststart"),
    "fragmented.mp4": (*H264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "reordered.mp4": ("-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"),
    "baseline.mov": (*H264, "-profile:v", "baseline", "-an"),
    "ten-bit.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
    "whole-colour.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv444p"),
    "full-range.mp4": ("-c:v", "libx264", "-pix_fmt", "yuvj420p"),
    "fields.mp4": ("-vf", "interlace", *H264, "-flags", "+ilme+ildct"),
    "fields-below-first.mp4": ("-vf", "interlace=scan=bff", *H264, "-x264-params", "bff=1"),
    "wide-pixels.mp4": ("-vf", "setsar=4/3", *H264),
    "uneven.mp4": ("-vf", "setpts=PTS*(1+N/10)", "-fps_mode", "vfr", *H264),
    "uneven.mkv": ("-vf", "setpts=PTS*(1+N/10)", "-fps_mode", "vfr", *H264),
    "late.mp4": ("-vf", "setpts=PTS+1/TB", *H264),
    "timecode.mov": (*H264, "-timecode", "01:00:00:00"),
    "tags.mp4": (*H264, "-metadata", "title=Zürich\n\n  x\\"),
    "h265.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "mpeg4.mp4": ("-c:v", "mpeg4"),
    "prores.mov": ("-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "raw.mov": ("-c:v", "rawvideo", "-pix_fmt", "uyvy422"),
    "h264.mkv": (*H264, "-c:a", "ac3"),
    "mjpeg.mkv": ("-c:v", "mjpeg", "-c:a", "flac"),
    "ffv1.mkv": ("-c:v", "ffv1", "-c:a", "libvorbis"),
    "vp8.webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"),
    "live.webm": ("-c:v", "libvpx", "-c:a", "libopus", "-live", "1"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "h264.avi": (*H264, "-bf", "2", "-c:a", "pcm_s16le"),
    "h264.flv": (*H264, "-c:a", "aac"),
    "sorenson.flv": ("-c:v", "flv", "-c:a", "libmp3lame", "-ar", "44100"),
    "h264.ts": (*H264, "-c:a", "aac"),
    "h264.m2ts": (*H264, "-c:a", "ac3"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "mpeg1.mpg": ("-c:v", "mpeg1video", "-c:a", "mp2"),
    "fields.mpg": ("-vf", "interlace", "-c:v", "mpeg2video", "-flags", "+ilme+ildct"),
    "bare.m2v": ("-c:v", "mpeg2video", "-an"),
    "wmv2.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "sound.mp4": ("-vn", "-c:a", "aac"),
}
# ffmpeg's numbers for the colours of a stream, those that are reserved among them.
NUMBERS = range(1, 19)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    workers = Pool()
    workers.enter(1)
    yield workers
    workers.close()


def by_ffprobe(path: Path) -> Probed | tuple[type[RushesError], str]:
    try:
        return examine(path)
    except RushesError as error:
        return type(error), str(error)


def by_libav(pool: Pool, path: Path) -> Probed | tuple[type[RushesError], str] | None:
    """Returns what becomes of a file with a worker's answer; None where it gives none."""
    try:
        sniffed = sniff_video(path)
        whole = path.stat().st_size <= WHOLE_BYTES
        answer = pool.ask(path, sniffed, None if whole else HEAD_PACKETS)
        return read(path, sniffed, answer, whole) if answer else None
    except RushesError as error:
        return type(error), str(error)


def made(path: Path, *options: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=128x96:d=1:r=25", "-f", "lavfi", "-i", "sine=d=1", *options, path)
    return path


@pytest.mark.parametrize("name", ODD)
def test_an_odd_clip_is_the_same_to_both(pool: Pool, tmp_path: Path, name: str) -> None:
    clip = made(tmp_path / name, *ODD[name])
    assert by_libav(pool, clip) == by_ffprobe(clip)


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_turned_clips_are_the_same_to_both(pool: Pool, clips: Path, tmp_path: Path, clockwise: int) -> None:
    clip = turned(tmp_path / "turned.mp4", clips / "card.mp4", clockwise)
    found = by_libav(pool, clip)
    assert isinstance(found, Probed)
    assert found.info.rotation == clockwise
    assert found == by_ffprobe(clip)


@pytest.mark.parametrize("number", NUMBERS)
def test_colours_are_the_same_to_both(pool: Pool, clips: Path, tmp_path: Path, number: int) -> None:
    clip = tmp_path / "clip.mp4"
    names = ("colour_primaries", "transfer_characteristics", "matrix_coefficients")
    said = ":".join(f"{name}={min(number, 14) if name == names[2] else number}" for name in names)
    ffmpeg("-i", clips / "coloured.mp4", "-c", "copy", "-bsf:v", f"h264_metadata={said}", clip)
    assert by_libav(pool, clip) in (by_ffprobe(clip), None)
    if number in (1, 2, 4, 5, 6, 7, 8, 9):
        assert by_libav(pool, clip) is not None


def test_clips_of_many_streams_are_the_same_to_both(pool: Pool, clips: Path, tmp_path: Path) -> None:
    text, chapters, cover = tmp_path / "a.srt", tmp_path / "chapters", tmp_path / "cover.jpg"
    text.write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n")
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=a\n")
    ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1", "-c:v", "mjpeg", cover)
    inputs = ("-i", cover, "-i", clips / "card.mp4", "-i", text, "-i", chapters)
    maps = ("-map", "1:a", "-map", "1:v", "-map", "1:a", "-map", "2", "-map_chapters", "3", "-c", "copy")
    ffmpeg(*inputs, *maps, tmp_path / "all.mkv")
    ffmpeg(*inputs, *maps, "-c:s", "mov_text", tmp_path / "all.mp4")
    ffmpeg(*inputs, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", tmp_path / "cover.mp4")
    ffmpeg(*inputs, "-map", "1:a", "-map", "0", "-c", "copy", "-disposition:v", "attached_pic", tmp_path / "song.mp4")
    for name in ("all.mkv", "all.mp4", "cover.mp4", "song.mp4"):
        assert by_libav(pool, tmp_path / name) == by_ffprobe(tmp_path / name)


def test_clips_that_begin_between_key_frames_are_the_same_to_both(pool: Pool, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole.mp4", "-c:v", "libx264", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p")
    clip = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.3", "-i", whole, "-c", "copy", clip)
    assert isinstance(by_libav(pool, clip), Probed)
    assert by_libav(pool, clip) == by_ffprobe(clip)


@pytest.mark.parametrize(
    "said", ["title=Display Matrix: rotation of 90.00 degrees", "Display Matrix: rotation of 90.00 degrees\n=x"]
)
def test_a_tag_turns_no_picture(pool: Pool, clips: Path, tmp_path: Path, said: str) -> None:
    clip = tmp_path / "tagged.mkv"
    ffmpeg("-i", clips / "card.mp4", "-c", "copy", "-metadata", said, clip)
    assert by_libav(pool, clip) in (by_ffprobe(clip), None)


def test_damaged_clips_are_the_same_to_both_or_left_to_ffprobe(pool: Pool, tmp_path: Path) -> None:
    answered = 0
    for path, name, damage in damaged_files(120, tmp_path):
        found = by_libav(pool, path)
        answered += found is not None
        assert found in (by_ffprobe(path), None), f"{path.name}, {name}, {damage}"
    assert answered > 60


def test_hostile_files_are_the_same_to_both_or_left_to_ffprobe(pool: Pool, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("f0e1d2c3b4a5\n" * 50)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        lure = Lure(str(secret), f"http://127.0.0.1:{server.getsockname()[1]}")
        for case in CASES:
            path = tmp_path / "work" / case.name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(case.make(lure))
            found = by_libav(pool, path)
            assert "f0e1d2c3b4a5" not in repr(found)
            assert found in (by_ffprobe(path), None), case.what
        with pytest.raises(BlockingIOError):
            server.accept()
    assert {path.name for path in tmp_path.iterdir()} == {"secret.txt", "work"}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not here")
def test_real_clips_are_the_same_to_both(pool: Pool) -> None:
    found = {path: by_libav(pool, path) for path in sorted(REAL.glob("*.*")) if path.suffix != ".md"}
    left = {path.name for path, one in found.items() if one is None}
    assert left == {"media3_sample_malformed_free_box.mp4", *(name for name in left if "av1" in name)}
    for path, one in found.items():
        assert one in (by_ffprobe(path), None), path.name
