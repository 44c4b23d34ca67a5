"""File names: an id may be anything, a file's name may not."""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["file_stem"]

_MAX_BYTES = 120  # of the 255 that file systems allow; frames, suffixes and part files add to it


def file_stem(identity: str) -> str:
    """Returns a file name stem for an item: the id itself where it can be one, else a likeness with a hash of the id.

    Letters and digits of every script, dot, dash and underscore stay. What looks like the name of a video's frame gets
    a hash as well, so that no item takes the name of another one's frame.
    """
    clean = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", identity)).strip(".-")
    clean = clean.encode()[:_MAX_BYTES].decode(errors="ignore")
    if clean and clean == identity and not re.search(r"-f[0-9]{6,}$", clean):
        return clean
    return f"{clean or 'item'}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
