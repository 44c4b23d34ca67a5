from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.errors import StorageError
from rushes.sniff import sniff


def write(folder: Path, content: bytes, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("head", "media_type", "suffix", "demuxers"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4", ".mp4", "mov"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime", ".mov", "mov"),
        (b"\0\0\0\x18ftyp3gp4\0\0\0\0", "video/3gpp", ".3gp", "mov"),
        (b"\0\0\0\x18ftyp3g2a\0\0\0\0", "video/3gpp2", ".3g2", "mov"),
        (b"\0\0\0\x08free\0\0\0\x18ftyp", "video/mp4", ".mp4", "mov"),
        (b"\0\0\0\x08skip\0\0\0\x18ftyp", "video/mp4", ".mp4", "mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime", ".mov", "mov"),
        (b"\0\0\0\x01mdat\0\0\0\0", "video/quicktime", ".mov", "mov"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "video/x-matroska", ".mkv", "matroska"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm", ".webm", "matroska"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo", ".avi", "avi"),
        (b"FLV\x01\x05\0\0\0\x09", "video/x-flv", ".flv", "flv"),
        (b"\0\0\x01\xba\x44", "video/mpeg", ".mpg", "mpeg"),
        (b"\0\0\x01\xb3\x14", "video/mpeg", ".m2v", "mpegvideo"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", "video/x-ms-wmv", ".wmv", "asf"),
        (b"OggS\0\x02", "video/ogg", ".ogv", "ogg"),
        ((b"\x47\x40\0\x10" + b"\xff" * 184) * 4, "video/mp2t", ".ts", "mpegts"),
        ((b"\0\0\0\0\x47\x40\0\x10" + b"\xff" * 184) * 4, "video/mp2t", ".ts", "mpegts"),
        (b"\xff\xff\0" + (b"\x47\x40\0\x10" + b"\xff" * 184) * 9, "video/mp2t", ".ts", "mpegts"),
    ],
)
def test_video_containers_are_known_by_their_content(
    tmp_path: Path, head: bytes, media_type: str, suffix: str, demuxers: str
) -> None:
    found = sniff(write(tmp_path, head, "no-name"))
    assert (found.kind, found.media_type, found.suffix, found.demuxers) == ("video", media_type, suffix, demuxers)


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM\x46\0\0\0\0\0\0\0", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
    ],
)
def test_images_are_known_by_their_content(tmp_path: Path, head: bytes, media_type: str) -> None:
    found = sniff(write(tmp_path, head))
    assert (found.kind, found.media_type, found.demuxers) == ("image", media_type, None)


@pytest.mark.parametrize(
    ("content", "media_type", "suffix"),
    [
        (b"", "application/x-empty", ".bin"),
        (b"\0", "application/octet-stream", ".bin"),
        (b"\x47" * 2, "text/plain", ".txt"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nfile:///etc/passwd\n", "text/plain", ".txt"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text/plain", ".txt"),
        (b'<?xml version="1.0"?><MPD></MPD>', "text/plain", ".txt"),
        (b"The free lunch is over", "text/plain", ".txt"),
        (b"BMW and RIFF of the AVI ", "text/plain", ".txt"),
        (b"G" * 4096, "text/plain", ".txt"),
        ("한국어".encode("utf-16"), "text/plain", ".txt"),
        (b"<!DOCTYPE html><title>404</title>", "text/html", ".html"),
        (b"\xef\xbb\xbf\n <!-- x --> <HTML>", "text/html", ".html"),
        (b"ID3\x04\0\0", "audio/mpeg", ".mp3"),
    ],
)
def test_what_is_no_media_is_named_and_never_video(
    tmp_path: Path, content: bytes, media_type: str, suffix: str
) -> None:
    found = sniff(write(tmp_path, content))
    assert (found.kind, found.media_type, found.suffix, found.demuxers) == (None, media_type, suffix, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(), head=st.sampled_from(["#EXTM3U\n", "ffconcat version 1.0\n", "<MPD>", "[playlist]\n"]))
def test_no_playlist_is_ever_media(tmp_path: Path, head: str, body: str) -> None:
    assert sniff(write(tmp_path, (head + body).encode())).kind is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_get_an_answer(tmp_path: Path, content: bytes) -> None:
    found = sniff(write(tmp_path, content))
    assert (found.kind == "video") == (found.demuxers is not None)
    assert found.suffix.startswith(".")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone\.mp4: cannot be read: No such file"):
        sniff(tmp_path / "gone.mp4")
