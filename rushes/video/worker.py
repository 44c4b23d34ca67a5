"""A worker that probes through libav, as the process that asks it sees it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from rushes.sniff import Sniffed
from rushes.video.answer import Answer
from rushes.video.limits import MAX_PIXELS, NOTHING_WRITTEN, restrict
from rushes.video.process import leash

__all__ = ["Worker"]

TIMEOUT_S = 20.0
"""Longer than any file takes that is worth the question."""
_START_S = 60.0
_PROCESSOR_S = 600.0  # of each core, over its life
_MOST_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024  # what a pipe holds
# What one file needed is kept for the next, up to 64 MiB; to hand it back to the kernel each time costs a quarter more.
_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_MMAP_THRESHOLD_": "33554432"}
_PROGRAM = Path(__file__).with_name("libav.py")


class Worker:
    """A process that answers one question at a time, and is of no further use once it did not."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*leash(), sys.executable, "-I", "-B", str(_PROGRAM), str(MAX_PIXELS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env=os.environ | _KEEP_MEMORY,
        )
        restrict(self._process.pid, NOTHING_WRITTEN, _PROCESSOR_S)
        self._stdin, self._stdout = (pipe.fileno() for pipe in (self._process.stdin, self._process.stdout) if pipe)
        self._answers = select.poll()
        self._answers.register(self._stdout, select.POLLIN)
        self._release: str | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs; it ends by itself when nobody asks."""
        return self._process.poll() is None

    def release(self) -> str | None:
        """Returns which ffmpeg its libraries are of, once it is ready; None where it does not get so far."""
        if self._release is None and (line := self._line(_START_S)):
            with suppress(msgspec.DecodeError):  # whatever else writes there when a Python starts
                self._release = msgspec.json.decode(line, type=str)
        return self._release

    def ask(self, path: Path, sniffed: Sniffed, most: int | None) -> tuple[Answer | None, bool]:
        """Returns what it says of a file, None where ffprobe is to be asked; and whether it can be asked again."""
        question = f"{most or 0} {sniffed.demuxers} {os.fsencode(path.absolute()).hex()}\n"
        try:
            os.write(self._stdin, question.encode())
            line = self._line(TIMEOUT_S)
            return (msgspec.json.decode(line, type=Answer | None, strict=False), True) if line else (None, False)
        except (OSError, msgspec.DecodeError):
            return None, False

    def end(self) -> None:
        """Ends it, whatever it is at."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        self._process.wait()

    def _line(self, timeout_s: float) -> bytes | None:
        """Returns its next line; None where there is none in time, or no end of it."""
        deadline, line = time.monotonic() + timeout_s, b""
        while not line.endswith(b"\n"):
            left_s = max(0.0, deadline - time.monotonic())
            if len(line) > _MOST_BYTES or not self._answers.poll(left_s * 1000):
                return None
            if not (chunk := os.read(self._stdout, _CHUNK_BYTES)):
                return None
            line += chunk
        return line
