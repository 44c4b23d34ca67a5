"""`<output>.bag`: the dataset as a BagIt bag (RFC 8493), for archives and libraries.

A bag keeps its payload in `data/`, and a dataset must stand where its readers look for it: so the bag stands beside the
dataset, and its payload are further names of the dataset's files, which take no room. Digests are those of
`checksums.sha256`; only the few files that it leaves out are read.

A bag that is there may be older than the dataset, where that came from a run without one, but is whole in itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from rushes import __version__
from rushes.config import Pipeline
from rushes.errors import OutputOccupiedError
from rushes.export.kept import linked
from rushes.jsonl import read_lines
from rushes.layouts import layout_of
from rushes.summary.packages.beside import beside, listed_files, need_folder, sha256_of
from rushes.summary.publish import MANIFEST, publish_dataset

__all__ = ["check_bag", "write_bag"]

_DECLARATION = "bagit.txt"
_PAYLOAD = "manifest-sha256.txt"
_FETCH = "fetch.txt"
_TAGS = "tagmanifest-sha256.txt"
_WIDTH = 76  # of lines in bag-info.txt


class _Row(msgspec.Struct):
    source: str
    status: str
    path: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    source_sha256: str | None = None
    parent: str | None = None


def check_bag(pipeline: Pipeline) -> None:
    """Refuses a bag whose place holds something else.

    Raises:
        ConfigError: The output is in a storage.
        OutputOccupiedError: It holds something that is no bag.
    """
    if not pipeline.export.bag:
        return
    need_folder(pipeline, "bag")
    bag = beside(pipeline, "bag")
    if bag.exists() and not (bag / _DECLARATION).is_file():
        raise OutputOccupiedError(
            f"{bag}: holds something that is no bag; expected nothing, or an earlier bag. Move it away, or set "
            "`export.bag: false`."
        )


def write_bag(pipeline: Pipeline) -> None:
    """Puts the dataset that stands at the output into a bag beside it, in place of the one before."""
    output, bag = Path(pipeline.output_place), beside(pipeline, "bag")
    building = bag.with_name(f".{bag.name}.building")
    shutil.rmtree(building, ignore_errors=True)  # of a run that was killed
    (building / "data").mkdir(parents=True)
    files = size_bytes = 0
    with (building / _PAYLOAD).open("w", encoding="utf-8", newline="") as listed:
        for path, digest in listed_files(output):
            size_bytes += _put(output / path, building / "data" / path)
            files += 1
            listed.write(f"{digest}  {_encoded(f'data/{path}')}\n")
    _write(building / _DECLARATION, ["BagIt-Version: 1.0", "Tag-File-Character-Encoding: UTF-8"])
    _write(building / "bag-info.txt", _info(pipeline, files, size_bytes))
    if not layout_of(pipeline.export.format).packs_media:
        _write(building / _FETCH, _fetch(building / "data", holey=pipeline.export.bag == "holey"))
    _write(building / _TAGS, _tags(building))
    publish_dataset(building, bag)


def _put(source: Path, target: Path) -> int:
    """Gives a file a second name, or copies it where the disk has no such names; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not linked(source, target):
        shutil.copy2(source, target)
    return target.stat().st_size


def _fetch(payload: Path, holey: bool) -> Iterator[str]:
    """Yields a line for each file that is just what its URL gave; where the bag is to have holes, takes it out."""
    for row in read_lines(payload / MANIFEST, _Row):
        file = payload / (row.path or "")
        if _is_original(row) and file.is_file():
            yield f"{_url(row.source)} {row.size_bytes} {_encoded(f'data/{row.path}')}"
            if holey:
                file.unlink()


def _is_original(row: _Row) -> bool:
    """Says whether anybody can fetch the file: it is as it came, from the web, by a URL that was not shortened."""
    as_it_came = row.path is not None and row.sha256 is not None and row.sha256 == row.source_sha256
    public = row.source.startswith(("http://", "https://")) and "…" not in row.source
    return row.status == "ok" and as_it_came and public and row.parent is None


def _info(pipeline: Pipeline, files: int, size_bytes: int) -> Iterator[str]:
    """Yields the lines of `bag-info.txt`; it has no date, because the dataset says when it was made."""
    about = pipeline.about
    said = (
        *(("Source-Organization", creator.name) for creator in about.creators if creator.organization),
        *(("Contact-Name", creator.name) for creator in about.creators if not creator.organization),
        ("External-Description", about.description or about.title),
        ("External-Identifier", about.url or pipeline.name),
        ("Bag-Software-Agent", f"rushes {__version__}"),
        ("Payload-Oxum", f"{size_bytes}.{files}"),
    )
    for label, value in said:
        if value:
            yield _folded(f"{label}: {' '.join(value.split())}")


def _folded(text: str) -> str:
    """Returns a line as lines of bearable length, of which all but the first begin with a blank."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1].strip() and len(lines[-1]) + len(word) > _WIDTH:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def _tags(bag: Path) -> list[str]:
    names = sorted(path.name for path in bag.iterdir() if path.is_file())
    return [f"{sha256_of(bag / name)}  {name}" for name in names]


def _write(path: Path, lines: Iterable[str]) -> None:
    """Writes a tag file, or none where there is nothing to say."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)
        empty = not file.tell()
    if empty:
        path.unlink()


def _encoded(path: str) -> str:
    """Returns a path as the RFC writes it: what ends lines is encoded, and so is what encodes."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _url(source: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in " \t\r\n" else char for char in source)
