"""What one sees of a large JSON document: a window that slides over the file, and knows where it is."""

from __future__ import annotations

import re
from typing import IO

import msgspec

from rushes.errors import AnnotationError

__all__ = ["MAX_OBJECT_BYTES", "WINDOW_BYTES", "Window"]

MAX_OBJECT_BYTES = 64 * 2**20
"""A larger object of a list is refused."""
MAX_DEPTH = 64
WINDOW_BYTES = 2**20

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(rb"\s*+")
_SCALAR = rb"[^\s,\]}\[{\"]++"


class Window:
    """What lies between two places of a file, and a place in it."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name, self.ended = name, False
        self.bytes, self.at, self._before, self._file = b"", 0, 0, file
        self.more()
        if self.bytes.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise AnnotationError(f"{name}: this is UTF-16; save it as UTF-8.")
        self.at = 3 * self.bytes.startswith(b"\xef\xbb\xbf")

    def more(self) -> None:
        """Shows more of the file; what lies before the place is let go."""
        kept = len(self.bytes) - self.at
        if kept > MAX_OBJECT_BYTES:
            raise self.error(f"more than {MAX_OBJECT_BYTES} bytes in one object; is this a COCO document?")
        fresh = self._file.read(max(WINDOW_BYTES, kept))
        self._before += self.at
        self.bytes, self.at = self.bytes[self.at :] + fresh, 0
        self.ended = not fresh

    def byte(self) -> bytes:
        """Returns the next byte that is no space; nothing at the end of the file."""
        while True:
            self.at = _SPACE.match(self.bytes, self.at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self.at < len(self.bytes) or self.ended:
                return self.bytes[self.at : self.at + 1]
            self.more()

    def take(self, pattern: bytes) -> re.Match[bytes] | None:
        """Goes on behind what a pattern matches; the pattern is short."""
        while len(self.bytes) - self.at < 64 and not self.ended:
            self.more()
        found = re.compile(pattern).match(self.bytes, self.at)
        if found:
            self.at = found.end()
        return found

    def text(self) -> str:
        """Takes a string."""
        while True:
            found = _TOKEN.match(self.bytes, self.at)
            if found and found[1]:
                return self._decoded(found)
            if self.ended:
                raise self.error("a string does not end")
            self.more()

    def _decoded(self, found: re.Match[bytes]) -> str:
        try:
            text = msgspec.json.decode(found[0], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.error(f"not a string of JSON: {error}") from None
        self.at = found.end()
        return text

    def skip_value(self) -> None:
        """Goes on behind a value, whatever it holds."""
        first = self.byte()
        if first == b'"':
            self.text()
        elif first in (b"[", b"{"):
            self._skip_brackets()
        elif self.take(_SCALAR) is None:
            raise self.error("expected a value")

    def _skip_brackets(self) -> None:
        depth = 0
        while True:
            self.at, depth = self.scan(self.at, depth)
            if depth == 0:
                return
            if self.ended:
                raise self.error("the file ends in the middle of a value")
            self.more()

    def scan(self, begin: int, depth: int = 0) -> tuple[int, int]:
        """Counts brackets from a place on, and stops where none is open, or where the window ends.

        Returns:
            Where it stopped, before a string that the window does not show whole; and how many are open there.
        """
        for token in _TOKEN.finditer(self.bytes, begin):
            first = token[0][:1]
            if first == b'"':
                if not token[1]:
                    return token.start(), depth
                continue
            depth += 1 if first in b"[{" else -1
            if depth > MAX_DEPTH:
                self.at = token.start()
                raise self.error(f"brackets are nested more than {MAX_DEPTH} deep")
            if depth == 0:
                return token.end(), 0
        return len(self.bytes), depth

    def error(self, text: str) -> AnnotationError:
        """Returns the error that something is wrong here."""
        return AnnotationError(f"{self.name}, byte {self._before + self.at}: {text}.")
