"""Hostile media read nothing, call nobody, and end in bounds of time, memory and space."""

from __future__ import annotations

import contextlib
import hashlib
import re
import resource
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from rushes.errors import RushesError
from rushes.media import make_media, probe_media
from rushes.records import Media, Source, Verified
from rushes.video import TranscodeConfig, get_video_info, transcode_video
from rushes.video.binaries import find
from rushes.video.config import PROFILES
from rushes.video.frames import extract_frames
from rushes.video.sheet import contact_sheet, thumbnail
from rushes.workspace import Workspace
from tests.hostile_media import CASES, NAMES, Case, Lure, table
from tests.rushes.video.clips import card, number

FAST = TranscodeConfig(preset="ultrafast")
LONGEST_S = 60.0
MOST_MEMORY_KB = 1536 * 1024
MOST_GROWTH_KB = 768 * 1024
MOST_MADE_BYTES = 32 * 2**20


class Canary(NamedTuple):
    """A secret file and a server that nobody should touch, and a folder to work in."""

    token: str
    lure: Lure
    server: socket.socket
    folder: Path

    def called(self) -> bool:
        try:
            self.server.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    token = secrets.token_hex(16)
    secret = tmp_path / "secret.txt"
    secret.write_text(f"{token}\n" * 50)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        lure = Lure(str(secret), f"http://127.0.0.1:{server.getsockname()[1]}")
        yield Canary(token, lure, server, tmp_path / "work")


def test_the_canary_sees_what_ffmpeg_does_when_it_is_let(canary: Canary) -> None:
    canary.folder.mkdir()
    playlist = canary.folder / "a.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary.lure.url}/a.ts\n#EXT-X-ENDLIST\n")
    allowed = ("-rw_timeout", "1000000", "-protocol_whitelist", "file,http,tcp", "-f", "hls")
    done = subprocess.run(
        [find("ffmpeg"), "-nostdin", *allowed, "-i", playlist, "-f", "null", "-"], capture_output=True
    )
    assert done.returncode != 0
    assert canary.called()


def _outcome(step: Callable[[], object]) -> tuple[str, str, object]:
    """Returns how a step ends, what is said of it, and what it gives."""
    try:
        given = step()
    except RushesError as error:
        return error.code, f"{error} {error.__cause__}", None
    return "ok", repr(given), given


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_hostile_file_reads_nothing_calls_nobody_and_ends_in_bounds(canary: Canary, case: Case) -> None:
    path, verified = _arrived(canary, case)
    config = replace(PROFILES["web"], fps=case.fps)
    with _bounds():
        code, said, made = _outcome(lambda: make_media(verified, Workspace(canary.folder), config))
        probe_code, probe_said, _ = _outcome(lambda: probe_media(path))
        cut_said = _outcome(lambda: extract_frames(path, [0, 1, 2, 50], canary.folder / "cut"))[1]
        if isinstance(made, Media):
            again = canary.folder / made.path
            cut_said += _outcome(lambda: extract_frames(again, [0, 1, 2], canary.folder / "cut2"))[1]
    assert code in case.outcome.split(", "), said
    assert probe_code in ("ok", code), probe_said
    files = _untouched(canary, path, said + probe_said + cut_said)
    assert bool(files) <= (probe_code == "ok")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_look_at_a_hostile_file_does_no_more(canary: Canary, case: Case) -> None:
    path, _ = _arrived(canary, case)
    with _bounds():
        sheet, sheet_said, _ = _outcome(lambda: contact_sheet(path, canary.folder / "sheet.png"))
        small, small_said, _ = _outcome(lambda: thumbnail(path, canary.folder / "small.jpg"))
    assert {sheet, small} <= set(case.looked_at.split(", ")), sheet_said + small_said
    files = _untouched(canary, path, sheet_said + small_said)
    assert {file.name for file in files} == {
        name for name, code in (("sheet.png", sheet), ("small.jpg", small)) if code == "ok"
    }


def _arrived(canary: Canary, case: Case) -> tuple[Path, Verified]:
    path = canary.folder / case.name
    canary.folder.mkdir()
    content = case.make(canary.lure)
    path.write_bytes(content)
    source = Source("a", "http://h/a")
    return path, Verified(source, case.name, hashlib.sha256(content).hexdigest(), len(content))


@contextlib.contextmanager
def _bounds() -> Iterator[None]:
    """Checks that the block takes no more of processors and of memory than any item may."""
    began, used, own = _cpu_s(), _peak_kb(resource.RUSAGE_CHILDREN), _peak_kb(resource.RUSAGE_SELF)
    yield
    assert _cpu_s() - began < LONGEST_S
    assert _peak_kb(resource.RUSAGE_CHILDREN) <= max(used, MOST_MEMORY_KB)
    assert _peak_kb(resource.RUSAGE_SELF) - own <= MOST_GROWTH_KB


def _untouched(canary: Canary, path: Path, said: str) -> list[Path]:
    """Checks that nothing was read, called or left over; returns what was made."""
    assert not canary.called()
    assert canary.token not in said
    files = [file for file in canary.folder.rglob("*") if file.is_file() and file != path]
    assert not [file for file in files if canary.token.encode() in file.read_bytes()]
    assert sum(file.stat().st_size for file in files) < MOST_MADE_BYTES
    assert not [file for file in files if ".part" in file.name]
    return files


def _cpu_s() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(used.ru_utime + used.ru_stime for used in found)


def _peak_kb(who: int) -> int:
    return resource.getrusage(who).ru_maxrss


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_video_may_be_called_anything(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("in", "out 100%d", "cut %03d"):
        Path(folder).mkdir()
    source, target = Path("in", name), Path("out 100%d", name)
    source.write_bytes((clips / "coloured.mp4").read_bytes())
    assert get_video_info(source)["frames"] == 20
    assert transcode_video(source, target, FAST) == target
    assert get_video_info(target)["frames"] == 20
    found = extract_frames(source, [3, 7], Path("cut %03d"))
    assert {index: number(path) for index, path in found.items()} == {3: 3, 7: 7}
    # Without a folder in front, too.
    assert transcode_video(Path("in", name), Path(name), FAST) == Path(name)
    assert get_video_info(Path(name))["frames"] == 20
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {f"in/{name}", f"out 100%d/{name}", name, "cut %03d/000003.jpg", "cut %03d/000007.jpg"}


SLOW = """
import sys
from pathlib import Path
from rushes.video import TranscodeConfig, transcode_video
try:
    transcode_video(sys.argv[1], sys.argv[2], TranscodeConfig(preset="veryslow", crf=0, fps=240))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's leash is Linux's")
@pytest.mark.parametrize("with_what", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_whoever_is_ended_takes_ffmpeg_along(tmp_path: Path, with_what: signal.Signals) -> None:
    source = card(tmp_path / "source.mp4", size="640x480", seconds=20)
    (tmp_path / "out").mkdir()
    parent = subprocess.Popen([sys.executable, "-c", SLOW, source, tmp_path / "out" / "made.mp4"])
    encoder = _encoder(parent.pid, time.monotonic() + 30)
    parent.send_signal(with_what)
    began = time.monotonic()
    assert parent.wait(20) == (130 if with_what is signal.SIGINT else -with_what)
    psutil.wait_procs([encoder], timeout=20)
    assert not encoder.is_running()
    assert time.monotonic() - began < 8
    assert not (tmp_path / "out" / "made.mp4").exists()
    if with_what is not signal.SIGINT:  # who is killed cannot tidy up; who comes next does
        assert [path.suffixes[1:] for path in (tmp_path / "out").iterdir()] == [[".part", ".mp4"]]
        card(tmp_path / "short.mp4")
        transcode_video(tmp_path / "short.mp4", tmp_path / "out" / "made.mp4", FAST)
        (tmp_path / "out" / "made.mp4").unlink()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("with_what", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_the_command_leaves_nothing_when_it_is_interrupted(tmp_path: Path, with_what: signal.Signals) -> None:
    source = card(tmp_path / "source.mp4", size="640x480", seconds=20)
    (tmp_path / "out").mkdir()
    slow = ("--set", "preset=veryslow", "--set", "crf=0", "--set", "fps=240")
    command = [sys.executable, "-m", "cli", "transcode", str(source), str(tmp_path / "out" / "made.mp4"), *slow]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    encoder = _encoder(parent.pid, time.monotonic() + 30)
    parent.send_signal(with_what)
    assert parent.wait(20) == 130
    assert not encoder.is_running()
    assert list((tmp_path / "out").iterdir()) == []


def _encoder(parent: int, deadline: float) -> psutil.Process:
    """Waits until an ffmpeg below a process has begun to write."""
    while time.monotonic() < deadline:
        for child in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.name().startswith("ffmpeg") and any(".part" in file.path for file in child.open_files()):
                    return child
        time.sleep(0.05)
    raise AssertionError("no ffmpeg began")


def test_the_table_names_each_case_once() -> None:
    assert len({case.what for case in CASES}) == len(CASES) >= 120
    assert not [case.what for case in CASES if re.search(r"[|;\n]", case.what)]


def test_the_page_of_media_has_this_table() -> None:
    page = (Path(__file__).parents[3] / "docs/media.md").read_text()
    assert table() in page, "Put what `python -m tests.hostile_media` prints into docs/media.md."
