"""URLs in the rows of a source file, counted from where that stands."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from rushes.errors import BadURLError
from rushes.sources.cells import shown
from rushes.storage import SCHEMES, is_storage
from rushes.transfer.local import is_local, path_from

__all__ = ["is_remote", "resolved"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def is_remote(where: str) -> bool:
    """Tells whether this is a URL to fetch from, rather than a path."""
    return where.lower().startswith(("http://", "https://")) or is_storage(where)


def resolved(url: str, base: str | Path, where: str, column: str = "url") -> str:
    """Returns an absolute URL.

    Args:
        url: What stands in a row; a path, `file:name` and `file://folder/name` count from `base`.
        base: Folder, or URL, of the source file. From a URL no row may name a file of this machine.
        where: Where the row stands, like `items.csv:12`.
        column: What messages call it.

    Raises:
        BadURLError: It is none that can be fetched from.
    """
    scheme = found[1].lower() if (found := _SCHEME.match(url)) else "file" if is_local(url) else ""
    if scheme in ("", "file") and isinstance(base, Path):
        return _file_url(url, base, where, column)
    if scheme == "" and isinstance(base, str):
        url = _below(base, url)
        scheme = url.partition(":")[0].lower()
    if scheme not in ("http", "https", *SCHEMES):
        expected = ", ".join(("http", "https", *SCHEMES))
        raise BadURLError(f"{where}: {column} = {shown(url)}: expected {expected}{_or_path(base)}, not {scheme}.")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and " " not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise BadURLError(f"{where}: {column} = {shown(url)}: expected {scheme}://host/path.")
    return url


def _below(base: str, path: str) -> str:
    """Returns the URL of a path that counts from a URL of any scheme; `urljoin` knows the web's only."""
    scheme, _, rest = base.partition("://")
    joined = urljoin(f"http://{rest}", path)
    return joined if joined.partition("://")[0] != "http" else f"{scheme}://{joined.partition('://')[2]}"


def _file_url(url: str, base: Path, where: str, column: str) -> str:
    try:
        return path_from(url, base).as_uri()
    except ValueError:
        raise BadURLError(f"{where}: {column} = {shown(url)}: expected a path, or file:///path.") from None


def _or_path(base: str | Path) -> str:
    return ", file or a path" if isinstance(base, Path) else " or a path below the source file's own URL"
