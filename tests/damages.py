"""What happens to files that lie on disks: each is a way to damage one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["DAMAGES", "flip_in_text"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_in_text(path: Path) -> None:
    """Changes one letter of a text, so that the line is JSON as before."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    place = next(at for at in [*range(middle, len(content)), *range(middle)] if chr(content[at]).isalpha())
    content[place] ^= 2 if chr(content[place] ^ 2).isalpha() else 1
    path.write_bytes(content)


def garbage_line(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:1], b"\xff\x00 no JSON {{{\n", *lines[1:]]))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    """Leaves what a power cut may: the length of the file, and none of its bytes."""
    path.write_bytes(b"\0" * path.stat().st_size)


def remove(path: Path) -> None:
    path.unlink()


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    kind.__name__: kind for kind in (truncate, flip_in_text, garbage_line, empty, zeros, remove)
}
