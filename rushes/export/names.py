"""File names: an id may be anything, a file's name may not."""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["Names", "file_stem"]

_PLAIN = re.compile(r"(?!.*-f[0-9]{6,}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,118}[A-Za-z0-9_])?")
"""Most names: they can stay, and nothing about them is to be thought over."""
_MAX_BYTES = 120  # of the 255 that file systems allow; frames, suffixes and part files add to it


def file_stem(identity: str) -> str:
    """Returns a file name stem for an item: the id itself where it can be one, else a likeness with a hash of the id.

    Letters and digits of every script, dot, dash and underscore stay. What looks like the name of a video's frame gets
    a hash as well, so that no item takes the name of another one's frame.
    """
    if _PLAIN.fullmatch(identity):
        return identity
    clean = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", identity)).strip(".-")
    clean = clean.encode()[:_MAX_BYTES].decode(errors="ignore")
    if clean and clean == identity and not re.search(r"-f[0-9]{6,}$", clean):
        return clean
    return f"{clean or 'item'}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


class Names:
    """File name stems for items of a dataset that have names already: they keep them, where no other item has them."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def take(self, path: str, identity: str, split: str) -> str:
        """Returns the stem of an item's file in a split: its own, or that with a hash of the item's id.

        Args:
            path: Of its file in the dataset that it comes from.
            identity: Its id.
            split: Names are unique in a split, whatever a file system thinks of upper and lower case.
        """
        name = path.rpartition("/")[2]
        found = file_stem(name.rpartition(".")[0] or name)
        key = split, found.casefold()
        if key in self._taken:
            found = f"{found}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
            key = split, found.casefold()
        self._taken.add(key)
        return found
