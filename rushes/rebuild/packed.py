"""Items that stand in shards: a dataset names the member, and where that is in its tar has to be looked up again."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rushes.errors import BadURLError
from rushes.files.tars import read_tar
from rushes.formats.webdataset import parted
from rushes.shards import LIMITS
from rushes.transfer.inside import Inside, inside_url
from rushes.transfer.local import is_local, local_path, state_of

__all__ = ["Shards"]


class Shards:
    """Finds members of tars; remembers those of the last one, because items come in the order of their shards."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._members: dict[str, Inside] = {}

    def located(self, url: str) -> str:
        """Returns a URL with the place of the member that it names, or the URL itself, if it names none.

        Raises:
            ArchiveError: The tar is damaged or unsafe.
            BadURLError: There is no such tar, or no such member in it.
        """
        fragment = urlsplit(url).fragment if is_local(url) else ""
        if not fragment.startswith("member="):
            return url
        path, name = local_path(url.partition("#")[0]), parse_qs(fragment)["member"][0]
        if path != self._path:
            self._path, self._members = path, _members(path)
        if name not in self._members:
            raise BadURLError(f"{url}: no such member in {path}, or no such file. Bring it back, or leave it out.")
        return inside_url(path, self._members[name])


def _members(path: Path) -> dict[str, Inside]:
    if not path.is_file():
        return {}
    state, found = state_of(path.stat()), dict[str, Inside]()
    for member, content in read_tar(path, path.name, LIMITS):
        if content is not None:
            name = ".".join(parted(member))
            found[name] = Inside(name, content.offset, content.size_bytes, state)
    return found
