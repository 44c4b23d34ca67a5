"""How many bytes are to come: what is known of each item, and for the others what a few of them say when asked."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from rushes.config import Timeouts
from rushes.errors import BadURLError, ForbiddenHostError, HTTPStatusError, RobotsError, RushesError
from rushes.items import PlanItem
from rushes.storage import is_storage
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.inside import inside_of
from rushes.transfer.request import opened

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["SAMPLE", "WITHIN_S", "Estimate", "Sizes", "asked_bytes"]

SAMPLE = 20
"""How many items are asked for their size at most."""

WITHIN_S = 10.0
"""How long all of them have together to answer, in seconds; who does not does not count."""

_TIMEOUTS = Timeouts(connect=3, read=3, total=5)


class Estimate(NamedTuple):
    """A figure, and in words on what it rests; None where nobody can tell."""

    value: int | None
    basis: str


class Sizes:
    """Adds up the sizes of items that are to be fetched."""

    def __init__(self) -> None:
        self.known_bytes = 0
        self._known = self._unknown = 0
        self._sample: list[str] = []
        self._stride = 1

    def add(self, item: PlanItem) -> None:
        """Counts one item; a file's size is looked up, another one's taken from when it came before."""
        size_bytes = _known(item)
        if size_bytes is not None:
            self.known_bytes += size_bytes
            self._known += 1
            return
        if self._unknown % self._stride == 0:
            self._sample.append(item.source.url)
        self._unknown += 1
        if len(self._sample) == 2 * SAMPLE:  # every second one: the sample stays evenly spread, and small
            self._sample, self._stride = self._sample[::2], self._stride * 2

    def estimate(self, config: DownloadConfig | None, mean_bytes: float | None) -> Estimate:
        """Returns how many bytes are to come.

        Args:
            config: How to ask a few of the items whose size is unknown; None asks nobody.
            mean_bytes: Of an item of earlier runs, for what nobody answers.
        """
        known = f"{self._known} items of known size" if self._known else ""
        if not self._unknown:
            return Estimate(self.known_bytes, known or "nothing to fetch")
        told = _ask(self._spread(), config) if config else []
        if told:
            mean, why = sum(told) / len(told), f"{len(told)} of {len(self._spread())} that were asked for their size"
        elif mean_bytes is not None:
            mean, why = mean_bytes, "the mean of earlier runs"
        else:
            return Estimate(None, f"{self._unknown} items of unknown size")
        unknown = f"{self._unknown} by {why}"
        return Estimate(self.known_bytes + round(mean * self._unknown), f"{known}, {unknown}" if known else unknown)

    def _spread(self) -> list[str]:
        count = len(self._sample)
        if count <= SAMPLE:
            return self._sample
        return [self._sample[number * count // SAMPLE] for number in range(SAMPLE)]


def asked_bytes(url: str, session: GuardedSession, config: DownloadConfig) -> int | None:
    """Asks for an item's size, on the web with a HEAD request: 0 where it would fail, None where nobody says."""
    try:
        if is_storage(url):
            return session.storages.size(url)
        with opened(url, session, config, {}, "HEAD") as transfer:
            return transfer.announced_bytes
    except HTTPStatusError as error:
        return 0 if error.http_status in {404, 410} else None
    except (BadURLError, ForbiddenHostError, RobotsError):
        return 0
    except RushesError:
        return None


def _ask(urls: list[str], config: DownloadConfig) -> list[int]:
    """Asks for sizes, all at once as far as the limits of their hosts allow, and returns what is answered in time.

    Who waits longer, because a host asked for time or wants pauses, is left behind: nothing depends on a daemon thread.
    """
    config = config.model_copy(update={"timeout_s": _TIMEOUTS})
    answers: list[int | None] = []
    until_s = time.monotonic() + WITHIN_S
    with guarded_session(config) as session:

        def ask(url: str) -> None:
            answers.append(asked_bytes(url, session, config))

        threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until_s - time.monotonic()))
    return [answer for answer in answers.copy() if answer is not None]


def _known(item: PlanItem) -> int | None:
    if item.source.url.startswith("file://"):
        if inside := inside_of(item.source.url):
            return inside.size_bytes
        try:
            return Path(unquote(urlsplit(item.source.url).path)).stat().st_size
        except OSError:
            return 0  # it fails
    before = item.previous or item.earlier
    return before.size_bytes if before else None
