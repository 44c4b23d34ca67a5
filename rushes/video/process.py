"""Runs ffmpeg and ffprobe: pipes that never fill up, a deadline, progress, and no process left behind."""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from rushes.errors import FFmpegNotFoundError, MediaLimitsError, TranscodingFailedError
from rushes.video.limits import NOTHING_WRITTEN, Limits, restrict

__all__ = ["Finished", "leash", "run"]

_TAIL_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024
_OUTPUT_BYTES = 256 * 1024 * 1024
_WORDS = 500
_GRACE_S = 1.0
_STUCK_S = 60.0
# PR_SET_PDEATHSIG with SIGKILL, for a Linux without util-linux; exec keeps it.
_SHIM = "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,9,0,0,0);os.execv(sys.argv[1],sys.argv[1:])"
_ADDRESS = re.compile(r"(?:\[[^]]* @ 0x[0-9a-f]+\] )+")
# What ffmpeg adds once the cause is said.
_AFTERMATH = re.compile(
    r"[Tt]ask finished|Terminating thread|Conversion failed|Nothing was written|Last message repeated"
    r"|Could not open encoder before EOF|Failed to inject frame|Failed to set value"
    r"|Error (?:selecting an encoder|opening output file|muxing a packet|writing trailer|closing file|while filtering"
    r"|while opening encoder|initializing output stream|while processing the decoded data|sending frames to consumers"
    r"|parsing global options)"
)
_OUT_TIME = re.compile(rb"^out_time_us=([0-9]+)\s*$", re.MULTILINE)


class Finished(NamedTuple):
    """How a process ended.

    Attributes:
        code: Exit status; negative for a signal.
        output: What it wrote to standard output and nobody took; empty where that was progress.
        errors: The last lines that it wrote to standard error.
    """

    code: int
    output: bytes
    errors: list[str]

    def last_words(self, *paths: Path) -> str:
        """Returns the line that says why it ended, without memory addresses and with file names for paths."""
        lines = [line for line in self.errors if line.strip() and not _AFTERMATH.search(line)] or self.errors
        text = _ADDRESS.sub("", lines[-1]) if lines else f"exit status {self.code}"
        for path in paths:
            text = text.replace(f"file:{path.absolute()}", path.name).replace(str(path.absolute()), path.name)
            text = text.removeprefix(f"{path.name}: ")
        # A file may put anything into them.
        return "".join(letter if letter.isprintable() else "\ufffd" for letter in text.strip())[:_WORDS].rstrip(".")

    def complaints(self, *paths: Path) -> str | None:
        """Returns what there was to complain of although it ended well: how much, and the last of it."""
        lines = len(self.errors)
        return f"{lines} complaints while decoding: {self.last_words(*paths)}" if lines else None


def run(
    argv: Sequence[str],
    *,
    timeout_s: float | None = None,
    on_progress: Callable[[float], None] | None = None,
    on_output: Callable[[bytearray], None] | None = None,
    limits: Limits = NOTHING_WRITTEN,
) -> Finished:
    """Runs a program to its end, in the calling thread, and takes it down with whatever interrupts that thread.

    Args:
        argv: The program and its arguments.
        timeout_s: How long it may take.
        on_progress: Called with the seconds of output that exist so far; standard output must then be what ffmpeg's
            `-progress pipe:1` writes.
        on_output: Called with what standard output brought and nobody took yet; it takes out what it is done with, and
            the program waits for it.
        limits: What else it may have; where it wants more, the kernel refuses, or ends it.

    Raises:
        MediaLimitsError: It took longer than `timeout_s`, or wrote more to standard output than any answer is long.
        TranscodingFailedError: It said and did nothing for a minute or two.
        FFmpegNotFoundError: It cannot be started.
    """
    process = _start(argv)
    take = partial(_report, on_progress=on_progress) if on_progress is not None else on_output
    try:
        restrict(process.pid, limits, timeout_s)
        output, errors = _drain(process, timeout_s, take)
        code = process.wait()
    except BaseException:  # an interrupt too: no encoder may outlive the one who waits for it
        _end(process)
        raise
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return Finished(code, output, errors.decode("utf-8", "replace").splitlines())


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [*leash(), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise FFmpegNotFoundError(f"{argv[0]}: cannot be started: {error.strerror}. See `rushes doctor`.") from error


@cache
def leash() -> tuple[str, ...]:
    """Returns the prefix by which the kernel kills the program when the thread that started it is gone."""
    if not sys.platform.startswith("linux"):
        return ()
    if setpriv := shutil.which("setpriv"):
        return (setpriv, "--pdeathsig", "KILL")
    return (sys.executable, "-I", "-S", "-c", _SHIM)


def _drain(
    process: subprocess.Popen[bytes], timeout_s: float | None, take: Callable[[bytearray], None] | None
) -> tuple[bytes, bytes]:
    """Reads both pipes until they close; keeps of the output what is not taken, and the tail of the errors."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    idle_since: int | None = None
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, output), (process.stderr, errors)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, kept)
        while selector.get_map():
            left = _left(deadline, timeout_s)
            ready = selector.select(_STUCK_S if left is None else min(left, _STUCK_S))
            idle_since = None if ready else _still_at_work(process, idle_since)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            del errors[:-_TAIL_BYTES]
            if take is not None:
                take(output)
            if len(output) > _OUTPUT_BYTES:
                raise MediaLimitsError("ffmpeg: has more to say of the file than 256 MiB. Split it, or leave it out.")
    return bytes(output), bytes(errors)


def _still_at_work(process: subprocess.Popen[bytes], before: int | None) -> int | None:
    """Returns how much processor time a silent program has used, and takes for stuck what has used none since `before`.

    ffmpeg's threads may wait for each other for ever when one of them meets damage.
    """
    used = _used_ticks(process.pid)
    if used is not None and used == before:
        raise TranscodingFailedError(
            f"ffmpeg: stuck, nothing done for {_STUCK_S:.0f} s, and ended. Run again: the item is tried anew."
        )
    return used


def _used_ticks(pid: int) -> int | None:
    """Returns the processor time of all of a process's threads, where /proc tells it (proc_pid_stat(5))."""
    try:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except (OSError, ValueError):
        return None
    return int(user) + int(system)


def _left(deadline: float | None, timeout_s: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise MediaLimitsError(
            f"ffmpeg: not done after {timeout_s:.0f} s, and ended. The file may be hostile, or the machine busy: "
            "try it alone."
        )
    return left


def _report(output: bytearray, on_progress: Callable[[float], None]) -> None:
    """Takes whole lines out of the progress stream and passes the newest time on."""
    whole = output.rfind(b"\n") + 1
    times = _OUT_TIME.findall(output, 0, whole)
    del output[:whole]
    if times:
        on_progress(int(times[-1]) / 1e6)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks, waits a second, and kills: ffmpeg ignores SIGTERM while it duplicates frames.

    An encoder that is asked makes the frames first that it looked ahead, which takes longer, and nobody wants them.
    """
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
