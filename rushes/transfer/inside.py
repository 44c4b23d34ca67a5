"""Files inside other ones, by URL: a member of a tar, which a fragment names and says the place of.

    file:///data/train-000000.tar#member=a.jpg&offset=512&size=2048&state=18c…-a00

Only a reader of shards makes such URLs. In rows of a list a fragment means nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from rushes.errors import BadURLError

__all__ = ["Inside", "inside_of", "inside_url"]


class Inside(NamedTuple):
    """Where a file is in another one.

    Attributes:
        name: What it is called there.
        offset: Of its first byte.
        size_bytes: Its length.
        state: Of the other file, when this was found out: `rushes.transfer.local.state_of`.
    """

    name: str
    offset: int
    size_bytes: int
    state: str


def inside_url(path: Path, inside: Inside) -> str:
    """Returns the URL of a file inside the one at an absolute path."""
    said = {"member": inside.name, "offset": inside.offset, "size": inside.size_bytes, "state": inside.state}
    return f"{path.as_uri()}#{urlencode(said, quote_via=quote, safe='/')}"


def inside_of(url: str) -> Inside | None:
    """Returns what the URL of a file inside another one says; None where it is that of a file.

    Raises:
        BadURLError: It says no place.
    """
    fragment = urlsplit(url).fragment
    if not fragment.startswith("member="):
        return None
    found = {name: values[0] for name, values in parse_qs(fragment).items()}
    try:
        return Inside(found["member"], int(found["offset"]), int(found["size"]), found["state"])
    except (KeyError, ValueError):
        raise BadURLError(f"{url}: expected #member=…&offset=…&size=…&state=….") from None
