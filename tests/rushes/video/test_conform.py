"""No needless work: what already is what was asked for is kept or copied, frame for frame, and the reason is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rushes.errors import CorruptMediaError
from rushes.media import make_media
from rushes.records import Media, Source, Verified
from rushes.video.binaries import find
from rushes.video.config import TranscodeConfig
from rushes.video.mp4 import index_in_front
from rushes.video.probe import examine
from rushes.video.verdict import judge
from rushes.workspace import Workspace
from tests.rushes.video.clips import ffmpeg, turned

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=10:duration=2")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-g", "5")
AAC = ("-c:a", "aac", "-b:a", "96k")
FRONT = ("-movflags", "+faststart")
CONFIG = TranscodeConfig(preset="ultrafast")


def made(path: Path, *options: str, sound: bool = True) -> Path:
    ffmpeg(*PICTURE, *(SOUND if sound else ()), *options, path)
    return path


def conformed(path: Path, tmp_path: Path, config: TranscodeConfig = CONFIG) -> tuple[Media, Path]:
    workspace = Workspace(tmp_path)
    verified = Verified(Source("a", "http://h/a"), path.name, "ab" * 32, path.stat().st_size)
    media = make_media(verified, workspace, config)
    return media, workspace.path(media.path)


def packets(path: Path, stream: str) -> str:
    """Returns the digest of what a decoder would be given."""
    command = [str(find("ffmpeg")), "-v", "error", "-i", str(path), "-map", stream, "-c", "copy"]
    # Parameter sets stand in front of each key frame or in the header, by container: the bare stream has them all.
    bare = ["-bsf:v", "h264_mp4toannexb"] if stream.endswith("v") else []
    done = subprocess.run([*command, *bare, "-f", "streamhash", "-hash", "md5", "-"], capture_output=True, check=True)
    return done.stdout.decode()


def pictures(path: Path) -> str:
    command = [str(find("ffmpeg")), "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    return "\n".join(line.split(",")[-1] for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("options", [AAC, ()], ids=["sound", "silent"])
def test_a_video_that_conforms_is_kept_as_it_is(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = made(tmp_path / "a.mp4", *H264, *options, *FRONT, sound=bool(options))
    media, used = conformed(path, tmp_path)
    assert (media.action, media.reason, used) == ("kept", "conforms already", path)
    assert not (tmp_path / "derived").exists()


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("late.mp4", (*H264, *AAC), "index behind the media"),
        ("in-pieces.mp4", (*H264, *AAC, "-movflags", "+frag_keyframe+empty_moov"), "index behind the media"),
        ("a.mkv", (*H264, *AAC), "video/x-matroska container, not video/mp4"),
        ("a.mov", (*H264, *AAC), "video/quicktime container, not video/mp4"),
        ("a.flv", (*H264, *AAC), "video/x-flv container, not video/mp4"),
        ("a.ts", (*H264, *AAC), "video/mp2t container, not video/mp4"),
        ("two-sounds.mp4", (*H264, *AAC, *FRONT, "-map", "0:v", "-map", "1:a", "-map", "1:a"), "other streams: audio"),
    ],
)
def test_a_video_in_another_container_is_remuxed_packet_for_packet(
    tmp_path: Path, name: str, options: tuple[str, ...], reason: str
) -> None:
    path = made(tmp_path / name, *options)
    media, used = conformed(path, tmp_path)
    assert (media.action, media.reason) == ("remuxed", reason)
    assert (media.info.media_type, media.info.frames, media.info.audio_codec) == ("video/mp4", 20, "aac")
    assert index_in_front(used)
    assert pictures(used) == pictures(path)
    assert packets(used, "0:a:0").splitlines()[-1] == packets(path, "0:a:0").splitlines()[-1] or name.endswith("ts")


@pytest.mark.parametrize(
    ("options", "config", "reason"),
    [
        (("-c:a", "libmp3lame"), CONFIG, "mp3 sound, not aac"),
        (("-c:a", "aac", "-ac", "6"), CONFIG, "6 channels of sound"),
        (AAC, TranscodeConfig(preset="ultrafast", audio_bitrate="32k"), "sound at"),
    ],
)
def test_a_picture_that_conforms_is_copied_where_only_the_sound_does_not(
    tmp_path: Path, options: tuple[str, ...], config: TranscodeConfig, reason: str
) -> None:
    path = made(tmp_path / "a.mp4", *H264, *options, *FRONT)
    media, used = conformed(path, tmp_path, config)
    assert media.action == "partly"
    assert media.reason.startswith(reason)
    assert packets(used, "0:v") == packets(path, "0:v")
    assert 1 <= examine(used).audio_channels <= 2
    assert media.info.audio_codec == "aac"


@pytest.mark.parametrize(
    ("options", "config", "reason"),
    [
        (("-c:v", "mpeg4"), CONFIG, "mpeg4 video, not h264"),
        ((*H264, "-pix_fmt", "yuv444p", "-profile:v", "high444"), CONFIG, "profile High 4:4:4 Predictive"),
        ((*H264, "-pix_fmt", "yuvj420p"), CONFIG, "pixel format yuvj420p, not yuv420p"),
        ((*H264, "-vf", "setsar=4/3"), CONFIG, "pixels that are not square"),
        ((*H264, "-flags", "+ildct+ilme", "-x264opts", "tff=1"), CONFIG, "interlaced"),
        (H264, TranscodeConfig(preset="ultrafast", resolution="64x64"), "128x96: not the size that is asked for"),
        (H264, TranscodeConfig(preset="ultrafast", fps=5), "cut, or given a frame rate"),
        (H264, TranscodeConfig(preset="ultrafast", start_time=1), "cut, or given a frame rate"),
        (H264, TranscodeConfig(preset="ultrafast", vcodec="libx265"), "h264 video, not hevc"),
    ],
)
def test_a_picture_that_does_not_conform_is_encoded(
    tmp_path: Path, options: tuple[str, ...], config: TranscodeConfig, reason: str
) -> None:
    path = made(tmp_path / "a.mp4", *options, *FRONT, sound=False)
    verdict = judge(path, examine(path), config)
    assert (verdict.action, verdict.reason) == ("transcoded", reason)


def test_a_turned_picture_is_encoded_upright(tmp_path: Path) -> None:
    path = made(tmp_path / "flat.mp4", *H264, *FRONT, sound=False)
    clip = turned(tmp_path / "turned.mp4", path, -90)
    verdict = judge(clip, examine(clip), CONFIG)
    assert (verdict.action, verdict.reason.split()[0]) == ("transcoded", "turned")


def test_what_is_damaged_is_not_kept(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mp4", *H264, *FRONT, sound=False)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + 600 : start + 4000] = bytes(3400)
    path.write_bytes(content)
    with pytest.raises(CorruptMediaError, match="decoding stopped"):
        conformed(path, tmp_path)


def test_the_same_file_is_judged_the_same_after_a_crash(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mkv", *H264, *AAC)
    first, _ = conformed(path, tmp_path)
    again, _ = conformed(path, tmp_path)
    assert again == first


@pytest.mark.parametrize(
    "content", [b"", b"1234567", b"\0\0\0\x04free", b"\0\0\0\x10mdat" + bytes(8), b"\0\0\0\1wide" + bytes(8)]
)
def test_what_is_no_whole_mp4_has_no_index_in_front(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert not index_in_front(tmp_path / "a")
