"""What people write themselves: requests in sixteen threads, a session for each, hashed while it is written.

`python -m benchmarks.requests_pool LIST FOLDER`, where each line of LIST is a URL, a space and the sha256.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

_CHUNK_BYTES = 1 << 20
_own = threading.local()


def main(listing: Path, folder: Path) -> None:
    """Downloads everything, and ends with an error where a digest differs."""
    rows = [line.split() for line in listing.read_text().splitlines()]
    folder.mkdir()
    with ThreadPoolExecutor(16) as pool:
        same = list(pool.map(lambda row: _one(row[0], folder) == row[1], rows))
    if not all(same):
        sys.exit(f"{same.count(False)} files differ")


def _one(url: str, folder: Path) -> str:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    digest = hashlib.sha256()
    with _own.session.get(url, stream=True, timeout=30) as answer:
        answer.raise_for_status()
        with (folder / url.rpartition("/")[2]).open("wb") as file:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
