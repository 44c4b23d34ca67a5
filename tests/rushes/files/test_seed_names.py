"""Code that was written for `rushes.file` runs: each call in the shape in which such code makes it.

The imports stand where that code has them, because that a name can be had from there is what is tested.
"""

import asyncio
import base64
import hashlib
import importlib
import io
import json
from pathlib import Path

import pytest

from rushes import file, files, video
from rushes.file.video.transcode import TranscodeConfig
from tests.http_server import serve
from tests.rushes.video.clips import ffmpeg

LOOPBACK = ["127.0.0.1"]
SMALL = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half with sound."""
    path = tmp_path_factory.mktemp("clips") / "input.mkv"
    picture, sound = "testsrc2=s=64x48:r=5:d=95", "sine=duration=95:sample_rate=8000"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *SMALL, "-c:a", "aac", path)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "input.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", "-c:v", "mjpeg", path)
    return path


@pytest.mark.parametrize(
    "module", ["archive", "checksum", "chunking", "download", "encoding", "io", "video", "video.transcode"]
)
def test_each_module_has_the_same_names_as_ours(module: str) -> None:
    found = importlib.import_module(f"rushes.file.{module}")
    ours = video if module.startswith("video") else files
    assert found.__all__
    assert all(getattr(found, name) is getattr(ours, name) for name in found.__all__)


def test_the_package_has_all_functions_of_files() -> None:
    assert sorted(file.__all__) == sorted(files.__all__)
    assert all(getattr(file, name) is getattr(files, name) for name in file.__all__)


def test_archive(tmp_path: Path) -> None:
    from rushes.file.archive import archive, unarchive

    (tmp_path / "directory").mkdir()
    (tmp_path / "directory/a.txt").write_text("a")
    archive(str(tmp_path / "directory"), str(tmp_path / "output.zip"))
    unarchive(str(tmp_path / "output.zip"), str(tmp_path / "extracted"))
    assert (tmp_path / "extracted/directory/a.txt").read_text() == "a"


def test_chunks(tmp_path: Path) -> None:
    from rushes.file import read_file_in_chunks
    from rushes.file.chunking import read_file_in_chunks as the_same

    assert read_file_in_chunks is the_same
    path = tmp_path / "large_file.bin"
    path.write_bytes(bytes(25 * 1024 * 1024))
    assert [len(chunk) for chunk in read_file_in_chunks(str(path))] == [25 * 1024 * 1024]
    assert [len(chunk) >> 20 for chunk in read_file_in_chunks(str(path), chunk_size=1024 * 1024 * 10)] == [10, 10, 5]

    def calculate_hash_for_large_file(file_path: Path) -> str:
        hash_md5 = hashlib.md5()
        for chunk in read_file_in_chunks(file_path):
            hash_md5.update(chunk)
        return hash_md5.hexdigest()

    assert calculate_hash_for_large_file(path) == hashlib.md5(bytes(25 * 1024 * 1024)).hexdigest()
    with pytest.raises(FileNotFoundError):
        next(read_file_in_chunks(tmp_path / "missing"))


def test_checksums(tmp_path: Path) -> None:
    from rushes.file.checksum import calculate_checksum, get_checksum_from_file

    path = tmp_path / "file.bin"
    path.write_bytes(b"Hello, world!")
    assert calculate_checksum(str(path)) == hashlib.md5(b"Hello, world!").hexdigest()

    data = io.BytesIO(b"Hello, world!")
    checksum = get_checksum_from_file(data)
    checksum_md5 = get_checksum_from_file(data, digest_mod=hashlib.md5)
    checksum_sha256 = get_checksum_from_file(data, digest_mod=hashlib.sha256)
    assert checksum == hashlib.sha1(b"Hello, world!").hexdigest()
    assert checksum_md5 == hashlib.md5(b"Hello, world!").hexdigest()
    assert checksum_sha256 == hashlib.sha256(b"Hello, world!").hexdigest()
    assert get_checksum_from_file(io.StringIO("Hello, world!")) == checksum
    with path.open("rb") as opened:
        assert get_checksum_from_file(opened) == checksum


def test_downloads(tmp_path: Path) -> None:
    from rushes.file.download import adownload_file, afiles_url_to_path, download_file, files_url_to_path

    with serve({"/a.jpg": b"a", "/b.jpg": b"b"}) as server:
        # Of a server on this machine, which nobody may be led to by accident.
        url, destination = server.url("/a.jpg"), str(tmp_path)
        local_path = download_file(url, destination, allow_hosts=LOOPBACK)
        assert local_path.read_bytes() == b"a"
        assert asyncio.run(adownload_file(url, destination, allow_hosts=LOOPBACK)) == local_path
        url_list = [url, server.url("/b.jpg")]
        paths = files_url_to_path(url_list, destination, allow_hosts=LOOPBACK)
        assert [path.read_bytes() for path in paths] == [b"a", b"b"]
        assert asyncio.run(afiles_url_to_path(url_list, destination, allow_hosts=LOOPBACK)) == paths


def test_encoding(tmp_path: Path) -> None:
    from rushes.file.encoding import convert_file_to_base64

    (tmp_path / "file.jpg").write_bytes(b"\xff\xd8")
    base64_data = convert_file_to_base64(str(tmp_path / "file.jpg"))
    assert base64_data == "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8").decode()


def test_settings_and_temporary_paths(tmp_path: Path) -> None:
    from rushes.file.io import get_dict_from_file, get_temp_path

    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "settings.yaml").write_text("a: 1\n")
    assert get_dict_from_file(str(tmp_path / "config.json")) == get_dict_from_file(str(tmp_path / "settings.yaml"))
    assert get_temp_path("subdir/file.tmp") == get_temp_path() / "subdir" / "file.tmp"


def test_video_facts(long_clip: Path, clip: Path, tmp_path: Path) -> None:
    from rushes.file.video.transcode import get_video_info, validate_video_format

    (tmp_path / "notes.txt").write_text("no video")
    assert [validate_video_format(str(path)) for path in (clip, tmp_path / "notes.txt")] == [True, False]
    info = get_video_info(str(long_clip))
    assert f"{info['duration']:.0f} {info['width']}x{info['height']} {info['fps']:g}" == "95 64x48 5"
    assert (info["video_codec"], info["audio_codec"]) == ("h264", "aac")


def test_transcoding(long_clip: Path, clip: Path, tmp_path: Path) -> None:
    from rushes.file.video.transcode import get_video_info, optimize_for_web, transcode_video

    output_path = transcode_video(str(clip), str(tmp_path / "output.mp4"))
    assert get_video_info(output_path)["video_codec"] == "h264"

    config = TranscodeConfig(
        vcodec="libx264",
        preset="fast",
        crf=20,
        acodec="aac",
        audio_bitrate="128k",
        resolution="1920x1080",
        fps=30,
        start_time=10.0,
        duration=60.0,
    )
    info = get_video_info(transcode_video(str(long_clip), str(tmp_path / "output.mp4"), config))
    assert (info["fps"], info["duration"]) == (30, pytest.approx(60, abs=0.1))

    seen: list[str] = []

    def progress_callback(progress_percent: float) -> None:
        seen.append(f"{progress_percent:.1f}%")

    transcode_video(str(clip), str(tmp_path / "output.mp4"), progress_callback=progress_callback)
    assert seen[-1] == "100.0%"
    assert get_video_info(optimize_for_web(str(clip), str(tmp_path / "web_output.mp4")))["width"] == 64


CONFIGS = {
    "archive": TranscodeConfig(preset="slow", crf=18, audio_bitrate="256k"),
    "mobile": TranscodeConfig(preset="fast", crf=28, resolution="1280x720", audio_bitrate="96k"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_transcoding_for_a_purpose(clip: Path, tmp_path: Path, name: str) -> None:
    from rushes.file.video import get_video_info, transcode_video

    assert get_video_info(transcode_video(clip, tmp_path / f"{name}.mp4", CONFIGS[name]))["frames"] == 10


def test_cutting(long_clip: Path, tmp_path: Path) -> None:
    from rushes.file.video.transcode import get_video_info, transcode_video

    clip_config = TranscodeConfig(start_time=60.0, duration=30.0, crf=20)
    cut = transcode_video(long_clip, tmp_path / "clip.mp4", clip_config)
    assert get_video_info(cut)["duration"] == pytest.approx(30, abs=0.1)


def test_a_folder_of_videos(clip: Path, tmp_path: Path) -> None:
    from rushes.file.video.transcode import VideoTranscodeError, transcode_video, validate_video_format

    (clip.parent / "notes.txt").write_text("no video")
    done = []
    for video_file in clip.parent.glob("*"):
        if validate_video_format(video_file):
            try:
                done.append(transcode_video(video_file, tmp_path / f"{video_file.stem}.mp4"))
            except VideoTranscodeError as error:
                pytest.fail(str(error))
    assert done == [tmp_path / "input.mp4"]


def test_errors_of_a_transcode_are_told_apart(clip: Path, tmp_path: Path) -> None:
    from rushes.file.video.transcode import (
        FFmpegNotFoundError,
        TranscodingFailedError,
        UnsupportedFormatError,
        VideoTranscodeError,
        transcode_video,
    )

    told = (UnsupportedFormatError, FFmpegNotFoundError, TranscodingFailedError)
    assert all(issubclass(error, VideoTranscodeError) for error in told)
    with pytest.raises(TranscodingFailedError):
        transcode_video(clip, tmp_path / "output.mp4", TranscodeConfig(vcodec="no_such_encoder"))
