"""What earlier runs left to judge the next one by: how long media are, what became of them, how fast it went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rushes.errors import LedgerError
from rushes.ledger import every_outcome
from rushes.plan import runs_with
from rushes.records import Media
from rushes.results import BatchResult, results
from rushes.summary.outcome import RunOutcome, load_outcome
from rushes.workspace import Workspace

__all__ = ["Made", "Speed", "Speeds", "made_before", "speeds"]

_RUNS = 20
"""How many runs to look back."""


@dataclass
class Made:
    """Media of earlier runs.

    Attributes:
        items: How many.
        source_bytes: Length of what they were made of.
        video_s: Seconds of video in that.
        found_s: Seconds of video by sha256, of the content that was asked about.
        found_bytes: Length of that content.
    """

    items: int = 0
    source_bytes: int = 0
    video_s: float = 0.0
    found_s: dict[str, float] = field(default_factory=dict)
    found_bytes: int = 0
    _transcoded_bytes: int = 0
    _derived_bytes: int = 0

    @property
    def mean_bytes(self) -> float | None:
        """Length of an item as it came in."""
        return self.source_bytes / self.items if self.items else None

    def add(self, media: Media, wanted: dict[str, int]) -> None:
        """Counts one."""
        came = media.verified
        self.items += 1
        self.source_bytes += came.size_bytes
        self.video_s += media.source_info.duration_s or 0.0
        if media.action != "kept":
            self._transcoded_bytes += came.size_bytes
            self._derived_bytes += media.size_bytes
        if came.sha256 in wanted and came.sha256 not in self.found_s:
            self.found_s[came.sha256] = media.source_info.duration_s or 0.0
            self.found_bytes += came.size_bytes

    def derived_share(self) -> tuple[float, str]:
        """Returns how many bytes are made of each byte that comes in, and on what that rests."""
        if not self._transcoded_bytes:
            return 1.0, "as many bytes made as come in, since nothing was made here yet"
        share = self._derived_bytes / self.source_bytes
        return share, f"{share:.0%} of what comes in, as with the {self.items} media of earlier runs"


@dataclass(frozen=True)
class Speed:
    """What one stage did in the run that tells most of it.

    Attributes:
        items: Items it was given.
        bytes: Bytes fetched, or written.
        media_s: Seconds of video made.
        busy_s: Wall time of its batches, added up.
    """

    items: int
    bytes: int
    media_s: float
    busy_s: float


@dataclass(frozen=True)
class Speeds:
    """How fast each stage was.

    Attributes:
        stages: By name.
        parallel: Busy seconds in a second of the clock.
        runs: The runs that tell.
    """

    stages: dict[str, Speed]
    parallel: float
    runs: tuple[str, ...]

    def seconds(self, stage: str, items: int, bytes_: int | None = None, media_s: float | None = None) -> float | None:
        """Returns how long a stage would be busy: by its items, its bytes or its seconds of video, whichever is most.

        None where no earlier run tells.
        """
        if not items:
            return 0.0
        speed = self.stages.get(stage)
        if speed is None:
            return None
        if media_s and speed.media_s:
            return media_s / speed.media_s * speed.busy_s
        shares = [items / speed.items, bytes_ / speed.bytes if bytes_ and speed.bytes else 0.0]
        return max(shares) * speed.busy_s


def made_before(workspace: Workspace, wanted: dict[str, int]) -> Made:
    """Adds up the media that earlier runs made.

    Args:
        workspace: The workspace.
        wanted: Content, by sha256, whose length in seconds is to be found.
    """
    made = Made()
    for outcome in every_outcome(workspace.ledger("media")):
        if isinstance(outcome, Media):
            made.add(outcome, wanted)
    return made


def speeds(workspace: Workspace) -> Speeds:
    """Returns the speed of each stage in the latest run that did it to most of what it was given."""
    stages: dict[str, Speed] = {}
    used: dict[str, tuple[float, float]] = {}
    for run in runs_with(workspace, "outcome.json")[: -_RUNS - 1 : -1]:
        workspace.need_all(f"runs/{run}/results")
        found = _stages(results(workspace, run))
        new = {name: speed for name, (speed, telling) in found.items() if telling and name not in stages}
        stages |= new
        outcome = _outcome(workspace, run)
        if new and outcome and outcome.elapsed_s:
            used[run] = sum(speed.busy_s for speed, _ in found.values()), outcome.elapsed_s
    busy_s, elapsed_s = (sum(figures) for figures in zip(*used.values(), strict=True)) if used else (1.0, 1.0)
    return Speeds(stages, busy_s / elapsed_s, tuple(sorted(used)))


def _outcome(workspace: Workspace, run: str) -> RunOutcome | None:
    try:
        return load_outcome(workspace, run)
    except LedgerError:  # it tells how long that run took, and nothing that could not be done without
        return None


_PARTS = {"chunks": "transcode"}  # whose seconds of video are those of the step that joins them


def _stages(done: Iterable[BatchResult]) -> dict[str, tuple[Speed, bool]]:
    """Returns each stage's speed, and whether it did something to at least half of its items."""
    stages: dict[str, list[BatchResult]] = {}
    for result in done:
        stages.setdefault(_PARTS.get(result.stage, result.stage), []).append(result)
    return {name: _speed(name, each) for name, each in stages.items()}


def _speed(stage: str, done: list[BatchResult]) -> tuple[Speed, bool]:
    items = sum(result.items for result in done)
    speed = Speed(
        items,
        sum(result.size_bytes for result in done),
        sum(result.media_s for result in done),
        sum(result.elapsed_s for result in done),
    )
    telling = stage == "export" or 2 * sum(result.done for result in done) >= items
    return speed, bool(items) and telling
