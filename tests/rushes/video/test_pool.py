"""Workers make probing faster and change nothing else, whatever becomes of them."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from rushes.sniff import sniff
from rushes.video import pool as module
from rushes.video import worker as worker_module
from rushes.video.answer import Answer
from rushes.video.binaries import find
from rushes.video.pool import WORTH_FILES, Pool, many_files, why_not
from rushes.video.probe import examine, probe

NOT_HERE = why_not()
pytestmark = pytest.mark.skipif(NOT_HERE is not None, reason=f"probing is by ffprobe alone: {NOT_HERE}")


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The pool of this process, new and empty."""
    fresh = Pool()
    monkeypatch.setattr(module, "_pool", fresh)
    yield fresh
    fresh.close()


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def asked(workers: Pool, clip: Path) -> Answer | None:
    return workers.ask(clip, sniff(clip), None)


def test_one_worker_serves_one_thread_for_as_long_as_it_lives(workers: Pool, clips: Path) -> None:
    with many_files(["a.mp4"] * 1000, 1):
        (worker,) = workers.idle
        for _ in range(5):
            assert probe(clips / "card.mp4").frames == 25
        assert workers.idle == [worker]
    with many_files(["a.MKV"] * 1000, 1):
        assert workers.idle == [worker]


def test_few_files_or_no_videos_start_no_worker(workers: Pool, clips: Path) -> None:
    for paths in (["a.mp4"] * (WORTH_FILES - 1), ["a.jpg"] * 1000):
        with many_files(paths, 4):
            assert probe(clips / "card.mp4").frames == 25
    assert workers.idle == []


def test_a_process_that_met_many_by_and_by_starts_one(workers: Pool, clips: Path) -> None:
    for _ in range(WORTH_FILES):
        assert workers.idle == []
        with many_files(["a.mp4"], 1):
            assert probe(clips / "card.mp4").frames == 25
    assert len(workers.idle) == 1


def test_there_are_as_many_workers_as_blocks_want(workers: Pool) -> None:
    with many_files(["a.mp4"] * 1000, 2):
        assert len(workers.idle) == 2
        with many_files(["a.mp4"], 2):
            assert len(workers.idle) == 3
    with many_files(["a.mp4"] * 1000, 3):
        assert len(workers.idle) == 3


def test_outside_a_block_no_worker_is_asked(workers: Pool, clips: Path) -> None:
    with many_files(["a.mp4"] * 1000, 1):
        pass
    os.kill(workers.idle[0].pid, signal.SIGSTOP)
    assert asked(workers, clips / "card.mp4") is None


def test_a_worker_that_is_gone_is_replaced(workers: Pool, clips: Path) -> None:
    workers.enter(1)
    first = workers.idle[0]
    assert first.release()
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not first.alive)
    assert probe_here(workers, clips / "card.mp4") == 25
    assert asked(workers, clips / "card.mp4") is not None
    assert workers.idle != [first]


def test_one_that_ended_for_want_of_questions_is_replaced_before_the_next(workers: Pool) -> None:
    workers.enter(1)
    first = workers.idle[0]
    workers.leave(1)
    os.kill(first.pid, signal.SIGTERM)
    wait_for(lambda: not first.alive)
    workers.enter(1)
    assert len(workers.idle) == 1
    assert workers.idle[0].alive


def test_a_worker_that_dies_at_its_work_costs_no_more_than_that_answer(workers: Pool, clips: Path) -> None:
    workers.enter(1)
    worker = workers.idle[0]
    assert worker.release()
    os.kill(worker.pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (worker.pid, signal.SIGKILL))
    killer.start()
    assert probe_here(workers, clips / "card.mp4") == 25
    killer.join()
    assert worker not in workers.idle
    assert asked(workers, clips / "card.mp4") is not None


def test_a_worker_that_hangs_is_ended(workers: Pool, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "TIMEOUT_S", 0.3)
    workers.enter(1)
    worker = workers.idle[0]
    assert worker.release()
    os.kill(worker.pid, signal.SIGSTOP)
    assert probe_here(workers, clips / "card.mp4") == 25
    assert not psutil.pid_exists(worker.pid)


def probe_here(workers: Pool, clip: Path) -> int | None:
    """Probes with what the pool says, or with ffprobe where it says nothing."""
    assert workers.wanted
    return examine(clip).info.frames


@pytest.mark.parametrize(
    "program",
    [
        "",
        "import sys; sys.exit(3)",
        "print('Good morning', flush=True); input()",
        "print('\"5.1.9\"', flush=True); input(); print('{}', flush=True)",
        "print('\"8.1.2\"', flush=True); input()",
        "print('\"8.1.2\"', flush=True); input(); print('nonsense', flush=True)",
        "print('\"8.1.2\"', flush=True); input(); print('{\"streams\": 1}', flush=True)",
        "print('\"8.1.2\"', flush=True); input(); print('null', flush=True)",
        "print('\"8.1.2\"', flush=True); input(); sys.stdout.write('[' * 10**6)",
    ],
    ids=["silent", "broken", "chatty", "another release", "speechless", "mad", "wrong", "unsure", "endless"],
)
def test_what_a_worker_cannot_say_ffprobe_says(
    workers: Pool, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    other = tmp_path / "program.py"
    other.write_text(f"import sys\n{program}")
    monkeypatch.setattr(worker_module, "_PROGRAM", other)
    workers.enter(1)
    assert asked(workers, clips / "card.mp4") is None
    assert probe_here(workers, clips / "card.mp4") == 25


def test_names_that_are_no_utf8_are_found(workers: Pool, clips: Path, tmp_path: Path) -> None:
    workers.enter(1)
    for name in (b"caf\xe9.mp4", b"a\nb.mp4", b"-i.mp4", b"http:x.mp4", b"100%d.mp4", b" .mp4"):
        clip = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        shutil.copy(clips / "card.mp4", clip)
        assert asked(workers, clip) is not None


def test_named_in_the_environment_ffprobe_alone_is_asked(
    workers: Pool, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHES_FFPROBE", str(find("ffprobe")))
    with many_files(["a.mp4"] * 1000, 1):
        assert probe(clips / "card.mp4").frames == 25
    assert workers.idle == []
    assert why_not() == "RUSHES_FFPROBE names it"


def test_an_ffprobe_of_another_release_is_asked_alone(
    workers: Pool, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, ours = tmp_path / "ffprobe", find("ffprobe")
    other.write_text(f'#!/bin/sh\n[ "$1" = -version ] && echo "ffprobe version 5.1.9-0" && exit\nexec {ours} "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "5.1.9" in (why_not() or "")
    with many_files(["a.mp4"] * 1000, 1):
        assert probe(clips / "card.mp4").frames == 25
        assert asked(workers, clips / "card.mp4") is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of others are Linux's")
def test_a_worker_is_held_to_the_limits_of_ffprobe(workers: Pool) -> None:
    workers.enter(1)
    pid = workers.idle[0].pid
    assert resource.prlimit(pid, resource.RLIMIT_FSIZE) == (0, 0)
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    assert resource.prlimit(pid, resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY
    assert resource.prlimit(pid, resource.RLIMIT_CPU)[1] != resource.RLIM_INFINITY


PARENT = """
import sys, threading, time
from rushes.video.pool import _pool
def start():
    _pool.enter(1)
thread = threading.Thread(target=start)
thread.start()
thread.join()
print(_pool.idle[0].pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("with_what", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_workers_outlive_the_thread_that_asked_and_not_the_process(with_what: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.send_signal(with_what)
    parent.wait(20)
    parent.stdout.close()
    wait_for(lambda: not psutil.pid_exists(pid))


FORKED = """
import os, sys
from pathlib import Path
from rushes.sniff import sniff
from rushes.video import pool
clip = Path(sys.argv[1])
pool._pool.enter(1)
mine = pool._pool.idle[0].pid
assert pool.ask(clip, sniff(clip), None)
if os.fork() == 0:
    assert not pool._pool.idle
    pool._pool.enter(1)
    assert pool.ask(clip, sniff(clip), None)
    pool._pool.close()
    os._exit(0)
assert os.wait()[1] == 0
assert pool.ask(clip, sniff(clip), None)
assert [worker.pid for worker in pool._pool.idle] == [mine]
"""


def test_a_forked_child_has_workers_of_its_own(clips: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, clips / "card.mp4"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
