"""The demo's source file: every generated item with its checksum and labels, and three that are broken on purpose."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from examples.demo.media import DemoItem, generate
from examples.demo.server import MediaServer

__all__ = ["BROKEN", "prepare", "write_source"]

BROKEN = {"tampered.png": "checksum_mismatch", "vanished.mp4": "http_status", "notes.mp4": "not_media"}
"""File name and error code of the items that cannot succeed."""

_COLUMNS = ("url", "checksum", "split", "group", "camera", "annotations")
_GIVEN_SPLITS = {"studio.mov": "val", "nobody.jpg": "val"}


def prepare(media: Path) -> list[DemoItem]:
    """Makes what is missing of the media, with a text called video and a picture that is not the promised one."""
    items = generate(media)
    for name, content in (
        ("notes.mp4", b"No video, just words.\n"),
        ("tampered.png", (media / "odd.png").read_bytes()),
    ):
        if not (media / name).exists():
            (media / name).write_bytes(content)
    return items


def write_source(path: Path, items: Iterable[DemoItem], media: Path, server: MediaServer) -> None:
    """Writes the CSV that the pipeline reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(_rows(items, media, server))


def _rows(items: Iterable[DemoItem], media: Path, server: MediaServer) -> Iterator[dict[str, Any]]:
    for item in items:
        stem = Path(item.name).stem
        yield {
            "url": server.url(item.name),
            "checksum": _checksum((media / item.name).read_bytes()),
            "split": _GIVEN_SPLITS.get(item.name, ""),
            "group": stem,
            "camera": f"{stem} camera",
            "annotations": json.dumps(item.annotations),
        }
    yield {"url": server.url("tampered.png"), "checksum": _checksum(b"what was promised")}
    yield {"url": server.url("vanished.mp4")}
    yield {"url": server.url("notes.mp4")}


def _checksum(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
