"""What a host lets robots take: robots.txt (RFC 9309) before an item is asked for, X-Robots-Tag when it comes.

Nothing here sends a request: who does hands in how. A robots.txt is read once for each host and session.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from protego import Protego

from rushes.errors import (
    BadURLError,
    DownloadError,
    ForbiddenHostError,
    HTTPStatusError,
    RobotsError,
    RobotsUnreachableError,
)
from rushes.transfer.patience import retries
from rushes.transfer.urls import host_of, redact

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["AGENT", "MAX_BYTES", "MAX_DELAY_S", "Manners", "Robots", "check_tag"]

AGENT = "rushes"
"""The product token that robots.txt and X-Robots-Tag may name; also what stands in User-Agent."""

MAX_BYTES = 500 * 1024
"""How much of a robots.txt counts; RFC 9309 asks for no less."""

MAX_DELAY_S = 30.0
"""The longest Crawl-delay that is kept to, in seconds."""

_TOTAL_S = 60.0
_YOURS = "If the host is yours, set download.robots: ignore."
# What img2dataset refuses, and none, which is short for noindex and nofollow.
_REFUSALS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


class Manners(NamedTuple):
    """How a URL may be asked for.

    Attributes:
        per_host: Exchanges with its host at a time.
        every_s: From the beginning of one to that of the next, at least, in seconds.
        robots: What the host's robots.txt says of it; None where nobody asked.
    """

    per_host: int
    every_s: float = 0.0
    robots: str | None = None


class Body(Protocol):
    """An answer whose body comes in pieces."""

    def chunks(self) -> Iterator[bytes]:
        """Returns them."""
        ...


Opener = Callable[[str, "DownloadConfig"], AbstractContextManager[Body]]


@dataclass(frozen=True, slots=True)
class _Verdict:
    rules: Protego | None = None
    trouble: str | None = None


@dataclass(slots=True)
class _Place:
    lock: threading.Lock = field(default_factory=threading.Lock)
    verdict: _Verdict | None = None


class Robots:
    """The robots.txt of each host that a session has to do with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def admit(self, url: str, config: DownloadConfig, opener: Opener) -> Manners:
        """Tells how a URL may be asked for, and fetches its host's robots.txt first where nobody has yet.

        Args:
            url: What is to be asked for.
            config: Limits, and how often to try.
            opener: Sends a request.

        Raises:
            RobotsError: It may not be.
            RobotsUnreachableError: Nobody knows, because robots.txt cannot be fetched.
        """
        where = _file_of(url)
        if where is None:
            return Manners(config.per_host)  # the request says what is wrong with it
        verdict = self._verdict(where, config, opener)
        if verdict.trouble is not None:
            raise RobotsUnreachableError(
                f"{redact(url)}: not asked for, because nobody knows whether it may be. {verdict.trouble} "
                f"Run again when it answers. {_YOURS}"
            )
        if verdict.rules is None:
            return Manners(config.per_host, robots="no robots.txt")
        if not verdict.rules.can_fetch(url, AGENT):
            raise RobotsError(
                f"{redact(url)}: {where} disallows it for {AGENT}. Leave it out, or ask the host. {_YOURS}"
            )
        delay_s = min(verdict.rules.crawl_delay(AGENT) or 0.0, MAX_DELAY_S)
        return Manners(1 if delay_s else config.per_host, delay_s, "robots.txt allows")

    def _verdict(self, where: str, config: DownloadConfig, opener: Opener) -> _Verdict:
        with self._lock:
            place = self._places.setdefault(where, _Place())
        with place.lock:  # the others wait for the answer
            if place.verdict is None:
                place.verdict = _ask(where, config, opener)
            return place.verdict


def check_tag(url: str, lines: Iterable[str]) -> None:
    """Checks the X-Robots-Tag headers of an answer.

    Raises:
        RobotsError: One of them keeps the content out of indexes or training data, for all robots or for this one.
    """
    for line in lines:
        agent = "*"
        for part in line.lower().split(","):
            name, colon, rest = (text.strip() for text in part.partition(":"))
            if colon and name not in _VALUED and re.fullmatch(r"[a-z0-9_.*-]+", name):  # and not a time of day
                agent, name = name, rest
            if agent in ("*", AGENT) and name in _REFUSALS:
                raise RobotsError(
                    f"{redact(url)}: sent with X-Robots-Tag: {name}. Leave it out, or ask the host. {_YOURS}"
                )


def _file_of(url: str) -> str | None:
    host = host_of(url)
    return f"{urlsplit(url).scheme.lower()}://{host}/robots.txt" if host else None


def _ask(where: str, config: DownloadConfig, opener: Opener) -> _Verdict:
    """Fetches a robots.txt; RFC 9309, 2.3.1: what is not there forbids nothing, what cannot be reached everything."""
    try:
        return _Verdict(Protego.parse(_read(where, config, opener).decode("utf-8-sig", "replace")))
    except (ForbiddenHostError, BadURLError):
        return _Verdict()  # the item's own request is refused as well; or redirects led nowhere
    except HTTPStatusError as error:
        return _Verdict(trouble=str(error)) if error.transient else _Verdict()
    except DownloadError as error:
        return _Verdict(trouble=str(error))


def _read(where: str, config: DownloadConfig, opener: Opener) -> bytes:
    limits = config.timeout_s.model_copy(update={"total": min(config.timeout_s.total, _TOTAL_S)})
    own = config.model_copy(update={"robots": "ignore", "max_bytes": 1 << 62, "timeout_s": limits})
    text = b""
    for attempt in retries(config.attempts):
        with attempt, opener(where, own) as answer:
            text = _first(answer.chunks())
    return text


def _first(chunks: Iterable[bytes]) -> bytes:
    text = bytearray()
    for chunk in chunks:
        text += chunk
        if len(text) > MAX_BYTES:
            return bytes(text[:MAX_BYTES]).rpartition(b"\n")[0]  # half a rule is another rule
    return bytes(text)
