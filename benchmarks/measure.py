"""Time and memory of a command, with everything it starts."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

__all__ = ["Measurement", "in_turn", "measure", "print_beside", "scratch"]

_EVERY_S = 0.2
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one command took.

    Attributes:
        wall_s: From start to end, in seconds.
        cpu_s: Processor time of it and of all it started and waited for, in seconds.
        driver_mb: Peak resident memory of the command's own process, in megabytes.
        tree_mb: Peak of the sum over its process tree; memory that processes share counts more than once.
    """

    wall_s: float
    cpu_s: float
    driver_mb: float
    tree_mb: float


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Measurement:
    """Runs a command and measures it; ends this process with its log where it fails."""
    log = folder / "log"
    started, cpu_s = time.perf_counter(), _cpu_s()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    driver_mb = tree_mb = 0.0
    while not _ended(process):
        sizes = _sizes(process.pid)
        driver_mb, tree_mb = max(driver_mb, sizes[0]), max(tree_mb, sum(sizes))
    wall_s = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}\n{log.read_text(errors='replace')[-4000:]}")
    return Measurement(wall_s, _cpu_s() - cpu_s, driver_mb, tree_mb)


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Measurement]]:
    """Runs each side once a round, each round beginning with another, so that what disturbs one disturbs all.

    Returns:
        What each took, round by round; of memory nothing.
    """
    taken: dict[str, list[Measurement]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            started, cpu_s = time.perf_counter(), _cpu_s() + time.process_time()
            sides[name]()
            wall_s = time.perf_counter() - started
            taken[name].append(Measurement(wall_s, _cpu_s() + time.process_time() - cpu_s, 0.0, 0.0))
    return taken


def print_beside(taken: Mapping[str, Sequence[Measurement]], base: str, faster: bool = False) -> None:
    """Prints the medians of what each side took, and of how it compares, round by round, to one of them.

    Args:
        taken: What each side took, round by round.
        base: The side to compare to.
        faster: Whether to print how many times less a side takes, instead of how many times more.
    """
    word = "faster" if faster else "ratio"
    print(f"{'':28}{'wall s':>8}{word:>8}{'CPU s':>8}{word:>8}")
    for name, all_ in taken.items():
        shown = f"{name:28}"
        for key in ("wall_s", "cpu_s"):
            figures = [(getattr(one, key), getattr(other, key)) for one, other in zip(all_, taken[base], strict=True)]
            ratio = median(other / one if faster else one / other for one, other in figures)
            shown += f"{median(one for one, _ in figures):8.2f}{ratio:8.4g}"
        print(shown, flush=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """Gives a folder that others may read, and that goes when the block ends."""
    place = Path(tempfile.mkdtemp(prefix="rushes-bench-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_EVERY_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _sizes(pid: int) -> list[float]:
    """Returns the resident megabytes of a process and then of its descendants."""
    sizes = [0.0]
    try:
        process = psutil.Process(pid)
        sizes[0] = process.memory_info().rss / _MB
        for child in process.children(recursive=True):
            sizes.append(child.memory_info().rss / _MB)  # noqa: PERF401  what was read before one vanished still counts
    except psutil.NoSuchProcess:
        return sizes
    return sizes
