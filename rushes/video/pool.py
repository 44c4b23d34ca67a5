"""Probing many files: workers that are started once, where an ffprobe is started for each file.

Starting takes longer than reading the header of a small file. A worker (`rushes.video.libav`) is held to the limits of
an ffprobe and trusted no more: whatever it does not answer, for whatever reason, ffprobe is asked. So it makes probing
faster, and changes nothing else.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from rushes.errors import FFmpegNotFoundError
from rushes.sniff import Sniffed
from rushes.video.answer import Answer
from rushes.video.binaries import decoders, describe, find
from rushes.video.worker import Worker

__all__ = ["Pool", "ask", "end_workers", "many_files", "why_not"]

WORTH_FILES = 32
"""Fewer videos than this are probed in the time that a worker takes to start; a process counts all that it has met."""
_VIDEO_NAME = re.compile(
    r"\.(?:3g2|3gp|asf|avi|flv|m2ts|m2v|m4v|mkv|mov|mp4|mpeg|mpg|mts|ogg|ogv|ps|ts|vob|webm|wmv)$", re.IGNORECASE
)
_RELEASE = re.compile(r"n?([0-9]+\.[0-9]+)(?![0-9])")


class Pool:
    """The workers of a process: those that wait for a question, and how many are wanted."""

    def __init__(self) -> None:
        self.idle: list[Worker] = []
        self.wanted = 0
        self._asked = 0
        self._seen = 0
        self._refused = False
        self._lock = Lock()
        # The kernel ends a worker with the thread that started it; this one lasts as long as the process.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="rushes-probe")

    def worth(self, videos: int) -> bool:
        """Counts videos that will be probed, and tells whether there were enough of them by now for a worker."""
        with self._lock:
            self._seen += videos
            return self._seen >= WORTH_FILES and not self._refused

    def enter(self, count: int) -> None:
        """Wants so many workers more, and starts those that are missing; they get ready while others work."""
        with self._lock:
            self.wanted += count
            for worker in [worker for worker in self.idle if not worker.alive]:
                self.idle.remove(worker)
                worker.end()
            missing = self.wanted - len(self.idle) - self._asked
        for _ in range(missing):
            self._start()

    def leave(self, count: int) -> None:
        """Wants so many less; they wait for what comes next, and end by themselves if nothing does."""
        with self._lock:
            self.wanted -= count

    def ask(self, path: Path, sniffed: Sniffed, most: int | None) -> Answer | None:
        """Returns what a worker says of a file; None where ffprobe is to be asked."""
        if (worker := self._taken()) is None:
            return None
        fit = False
        try:
            if not _same_release(worker.release()):
                self._refused = True
                return None
            answer, fit = worker.ask(path, sniffed, most)
            return answer if answer and _decoded_alike(answer) else None
        finally:  # an interrupt too: it may be at work on an answer that nobody takes
            self._give_back(worker, fit)

    def close(self) -> None:
        """Ends the workers that wait."""
        while self.idle:
            self.idle.pop().end()

    def _taken(self) -> Worker | None:
        with self._lock:
            if not self.wanted or self._refused or not self.idle:
                return None
            self._asked += 1
            return self.idle.pop()

    def _give_back(self, worker: Worker, fit: bool) -> None:
        with self._lock:
            self._asked -= 1
            if fit:
                self.idle.append(worker)
        if not fit:
            worker.end()
            if not self._refused:
                self._start()

    def _start(self) -> None:
        with suppress(OSError, RuntimeError):  # no process to be had, or this one is about to end
            self.idle.append(self._starter.submit(Worker).result())


_pool = Pool()


def ask(path: Path, sniffed: Sniffed, most: int | None) -> Answer | None:
    """Returns what libav says of a file, in a block of `many_files`; None where ffprobe is to be asked.

    Args:
        path: A video.
        sniffed: What its first bytes say.
        most: How many packets to read; None for all.
    """
    return _pool.ask(path, sniffed, most)


@contextmanager
def many_files(paths: Iterable[str | Path], at_a_time: int) -> Iterator[None]:
    """Has videos that are probed in this block, in any thread, probed by workers, if that is worth their start.

    It is where a process has met many videos by now, in one block or in several.

    Args:
        paths: What will be probed. Names are taken at their word here, as nothing but speed depends on it.
        at_a_time: How many threads will ask.
    """
    videos, pool = sum(bool(_VIDEO_NAME.search(os.fspath(path))) for path in paths), _pool
    if not pool.worth(videos) or not _may():
        yield
        return
    count = max(1, min(at_a_time, videos // WORTH_FILES))
    pool.enter(count)
    try:
        yield
    finally:
        pool.leave(count)


@atexit.register
def end_workers() -> None:
    """Ends the workers of this process that wait for a question; they would end by themselves after a while."""
    _pool.close()


def why_not() -> str | None:
    """Returns why ffprobe alone is asked here, for people; None where libav is asked as well.

    Raises:
        FFmpegNotFoundError: There is no ffprobe.
    """
    ffprobe = describe("ffprobe")
    if ffprobe.origin == "RUSHES_FFPROBE":
        return "RUSHES_FFPROBE names it"
    if find_spec("av") is None:
        return "with `pip install 'rushes[ffmpeg]'`, many files are probed several times as fast"
    worker = Worker()
    release = worker.release()
    worker.end()
    if _same_release(release):
        return None
    return f"it is of ffmpeg {ffprobe.version}, and PyAV brings {release or 'libraries that do not start here'}"


def _may() -> bool:
    """Tells what can be told without a worker."""
    try:
        return describe("ffprobe").origin != "RUSHES_FFPROBE" and find_spec("av") is not None
    except FFmpegNotFoundError:  # which each video will say for itself
        return False


def _same_release(release: str | None) -> bool:
    """Tells whether ffprobe is of the same release, up to mends: another one may see other times in a file."""
    ours, theirs = _RELEASE.match(release or ""), _RELEASE.match(describe("ffprobe").version)
    return ours is not None and theirs is not None and ours[1] == theirs[1]


def _decoded_alike(answer: Answer) -> bool:
    """Tells whether ffprobe has a decoder for each stream, too; without one it goes by what the container says."""
    codecs = {stream.codec_name for stream in answer.streams if stream.codec_type in ("video", "audio")}
    return codecs <= decoders(find("ffprobe"))


def _forget() -> None:
    """Leaves the workers of a process to it, in a child that was forked from it."""
    global _pool
    _pool = Pool()


os.register_at_fork(after_in_child=_forget)
