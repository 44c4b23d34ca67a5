"""Commands over files, judged by the tools that people would use instead."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rushes.video.binaries import find
from rushes.video.frames import extract_frames
from tests.http_server import Server, ok, serve, status
from tests.rushes.video.clips import coloured, number

BODY = b"frames" * 1000


def rushes(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve({"/a.mp4": ok(BODY), "/gone.mp4": status(404)}) as running:
        yield running


def test_what_is_downloaded_stands_under_the_path_that_is_printed(server: Server, tmp_path: Path) -> None:
    done = rushes("download", server.url("/a.mp4"), "-o", tmp_path, "--allow-host", "127.0.0.1", "--json")
    assert done.returncode == 0, done.stderr
    path, last = done.stdout.splitlines()
    assert Path(path).read_bytes() == BODY
    assert json.loads(last)["files"][0]["path"] == path


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("a.mp4", [], "forbidden_host"),
        ("gone.mp4", ["--allow-host", "127.0.0.1"], "http_status"),
        ("a.mp4", ["--allow-host", "127.0.0.1", "--checksum", "sha256:" + "0" * 64], "checksum_mismatch"),
    ],
)
def test_a_download_that_fails_says_why_and_leaves_nothing(
    server: Server, tmp_path: Path, name: str, options: list[str], code: str
) -> None:
    done = rushes("download", server.url(f"/{name}"), "-o", tmp_path / "out", "--json", *options)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["files"][0]["error"]["code"] == code
    assert not [path for path in (tmp_path / "out").glob("*") if path.is_file()]


def test_checksums_are_those_of_sha256sum_and_it_takes_the_list(tmp_path: Path) -> None:
    for name in ("a.bin", "b b.bin"):
        (tmp_path / name).write_bytes(name.encode())
    done = rushes("checksum", "a.bin", "b b.bin", cwd=tmp_path)
    theirs = subprocess.run(["sha256sum", "a.bin", "b b.bin"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == theirs.stdout
    (tmp_path / "sums").write_text(done.stdout)
    assert rushes("checksum", "--check", "sums", cwd=tmp_path).returncode == 0
    (tmp_path / "a.bin").write_bytes(b"other")
    (tmp_path / "b b.bin").unlink()
    changed = rushes("checksum", "--check", "sums", cwd=tmp_path)
    assert changed.returncode == 1
    assert changed.stdout.splitlines() == ["a.bin: changed", "b b.bin: missing"]


def test_an_archive_comes_out_as_it_went_in(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.bin").write_bytes(BODY)
    assert rushes("archive", tmp_path / "in", tmp_path / "in.zip").returncode == 0
    assert rushes("unarchive", tmp_path / "in.zip", tmp_path / "out").returncode == 0
    assert hashlib.sha256((tmp_path / "out/in/deep/a.bin").read_bytes()).digest() == hashlib.sha256(BODY).digest()


def test_a_video_is_transcoded_to_the_fields_that_were_set(tmp_path: Path) -> None:
    made = ["-f", "lavfi", "-i", "testsrc2=s=128x96:d=1:r=10", "-c:v", "mpeg4", str(tmp_path / "in.avi")]
    subprocess.run([str(find("ffmpeg")), "-v", "error", *made], check=True)
    settings = ("--profile", "web", "--set", "resolution=64x64", "--set", "preset=ultrafast")
    done = rushes("transcode", tmp_path / "in.avi", tmp_path / "out.mp4", *settings)
    assert done.returncode == 0, done.stderr
    probed = rushes("probe", tmp_path / "out.mp4", "--json")
    facts = json.loads(probed.stdout.splitlines()[-1])["files"][0]
    assert (facts["width"], facts["height"], facts["video_codec"]) == (64, 48, "h264")


def test_a_transcode_says_what_is_not_as_it_was_asked_for(tmp_path: Path) -> None:
    clip = tmp_path / "in.mkv"
    (tmp_path / "in.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    streams = ["-f", "lavfi", "-i", "testsrc2=s=128x96:d=1:r=10", "-i", str(tmp_path / "in.srt")]
    subprocess.run([str(find("ffmpeg")), "-v", "error", *streams, "-c:v", "mpeg4", str(clip)], check=True)
    done = rushes("transcode", clip, tmp_path / "out.mp4", "--set", "vcodec=h264_videotoolbox", "--json")
    assert done.returncode == 0, done.stderr
    assert "libx264 instead of h264_videotoolbox: " in done.stderr
    assert "left out: 1 subtitle" in done.stderr
    file = json.loads(done.stdout.splitlines()[-1])["files"][0]
    assert file["remarks"].startswith("libx264 instead of h264_videotoolbox: ")
    assert file["dropped_streams"] == {"subtitle": 1}


def test_many_files_are_probed_in_their_order(tmp_path: Path) -> None:
    """Of which most are looked at by workers, as far as there are any here."""
    clip, files = coloured(tmp_path / "in.mp4"), []
    for index in range(80):
        files.append(tmp_path / f"{index:02}.mp4")
        files[-1].write_bytes(clip.read_bytes()[: 500 if index % 7 == 3 else None])
    (tmp_path / "a.png").write_bytes(clip.read_bytes())
    done = rushes("probe", *files, tmp_path / "a.png", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout.splitlines()[-1])["files"]
    assert [one["file"] for one in found] == [*map(str, files), str(tmp_path / "a.png")]
    assert [index for index, one in enumerate(found) if "error" in one] == list(range(3, 80, 7))
    assert {one["frames"] for one in found if "error" not in one} == {20}
    assert {one["error"]["code"] for one in found if "error" in one} == {"corrupt_media"}


def test_a_file_that_is_not_there_is_said_before_any_is_probed(tmp_path: Path) -> None:
    done = rushes("probe", coloured(tmp_path / "in.mp4"), tmp_path / "gone.mp4")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gone.mp4: no such file" in done.stderr


def test_a_clip_is_cut_to_the_frame(tmp_path: Path) -> None:
    coloured(tmp_path / "in.mp4")
    times = ("--start", "0:00.5", "--duration", "0.7")
    done = rushes("transcode", tmp_path / "in.mp4", tmp_path / "out.mp4", *times, "--set", "preset=ultrafast")
    assert done.returncode == 0, done.stderr
    files = extract_frames(tmp_path / "out.mp4", range(20), tmp_path / "frames")
    assert [number(file) for file in files.values()] == list(range(5, 12))


def test_pictures_of_a_video_say_what_they_show(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "in.mp4")
    done = rushes("sheet", clip, tmp_path / "sheet.png", "--columns", "5", "--rows", "2", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout.splitlines()[-1])["files"][0]
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (made["width"], made["height"])
    assert len(made["times_s"]) == 10
    done = rushes("thumbnail", clip, tmp_path / "small.png", "--at", "0:01.25", "--size", "32x32", "--json")
    made = json.loads(done.stdout.splitlines()[-1])["files"][0]
    assert (number(tmp_path / "small.png"), made["width"], made["height"], made["times_s"]) == (12, 32, 24, [1.2])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["transcode", "nowhere.mp4", "out.mp4", "--start", "soon"], "expected seconds, like 62.5 or 1:02.5"),
        (["sheet", "nowhere.mp4", "out.png"], "no such file"),
        (["thumbnail", "nowhere.mp4", "out.png"], "no such file"),
        (["transcode", "nowhere.mp4", "out.mp4"], "no such file"),
        (["transcode", "nowhere.mp4", "out.mp4", "--set", "crf=99"], "crf = 99"),
        (["transcode", "nowhere.mp4", "out.mp4", "--set", "profile=tiny"], "profile = 'tiny'"),
        (["checksum"], "expected either files, or --check"),
        (["checksum", "nowhere"], "no such file"),
        (["unarchive", "nowhere.zip", "out"], "no such file"),
        (["download", "http://a.example/1", "http://a.example/2", "--checksum", "0" * 64], "expected one URL"),
    ],
)
def test_bad_usage_is_exit_2_and_one_line(arguments: list[str], expected: str, tmp_path: Path) -> None:
    done = rushes(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert expected in done.stderr
