"""How much a log that is followed may say, so that a job gone wild fills neither memory nor disk of who follows it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rushes.errors import ConfigError, StreamLimitError

__all__ = ["Meter", "StreamLimits"]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What following one log may bring; None is no limit.

    Attributes:
        max_messages: Messages of the stream; Ray puts about ten lines into one.
        max_lines: Lines.
        max_bytes: Bytes of all lines together, in UTF-8.
        max_message_size: Bytes of one message, or of one line that does not end.
    """

    max_messages: int | None = 10_000
    max_lines: int | None = 50_000
    max_bytes: int | None = 50 * 2**20
    max_message_size: int | None = 2**20

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is not None and (not isinstance(limit, int) or limit < 1):
                raise ConfigError(f"StreamLimits.{field.name} = {limit!r}: expected a number above 0, or None.")


class Meter:
    """Counts what one stream brought, and ends it over its limits.

    Args:
        limits: What it may bring.
        what: Of what it is, for the message.
    """

    def __init__(self, limits: StreamLimits, what: str) -> None:
        self._limits = limits
        self._what = what
        self._counts = dict.fromkeys(("max_messages", "max_lines", "max_bytes"), 0)

    def message(self, text: str) -> None:
        """Counts a message, or raises a `StreamLimitError`."""
        size_bytes = len(text.encode(errors="replace"))
        self.size(size_bytes)
        self._add("max_messages", 1)
        self._add("max_bytes", size_bytes)

    def line(self) -> None:
        """Counts a line, or raises a `StreamLimitError`."""
        self._add("max_lines", 1)

    def size(self, size_bytes: int) -> None:
        """Raises a `StreamLimitError` for a message, or a line, of so many bytes."""
        self._hold("max_message_size", size_bytes)

    def _add(self, name: str, count: int) -> None:
        self._counts[name] += count
        self._hold(name, self._counts[name])

    def _hold(self, name: str, count: int) -> None:
        limit = getattr(self._limits, name)
        if limit is not None and count > limit:
            raise StreamLimitError(
                f"The log of {self._what} brought {count:,}, more than {name} = {limit:,} allows; the job goes on. "
                "Raise the limit, or read the log where it lies."
            )
