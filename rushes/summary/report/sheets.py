"""Contact sheets: which files are shown, where they are read from, and how large all of it may become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rushes.records import ManifestRow
from rushes.summary.report.picks import Picks, pick, rarest
from rushes.summary.report.pictures import COLOURS, Shown, shown
from rushes.workspace import Workspace, stored

__all__ = ["Media", "Sheets", "sheets"]

_CLASSES, _OF_EACH, _OTHERS = 18, 3, 18
_MOST_BYTES = 2_600_000
"""Of all pictures, as they stand in the page."""
_VIDEOS_OF_CLASSES, _OTHER_VIDEOS = 18, 6
_MOST_PIXELS = 40_000_000
_FETCHED_BYTES = 32 * 1024**2
"""A larger file is not fetched from a storage for a small picture."""

_Wanted = tuple[ManifestRow, str | None]
"""A row to show, and the class that it is shown for."""


class Media(NamedTuple):
    """Where a dataset's files are read from.

    Attributes:
        fetch: Gives a folder that has those of the named files of the dataset that there are.
        far: Whether they come over a network.
        workspace: Where to look for what is in shards.
    """

    fetch: Callable[..., AbstractContextManager[Path]]
    far: bool = False
    workspace: Workspace | None = None


class Sheets(NamedTuple):
    """Pictures of the dataset.

    Attributes:
        by_class: Name of a class, and files that it is in.
        others: Files of all.
        left: Classes that are not shown.
    """

    by_class: Sequence[tuple[str, Sequence[Shown]]]
    others: Sequence[Shown]
    left: int


def sheets(manifest: Path, classes: Sequence[str], stats: Mapping[str, Any], media: Media) -> Sheets:
    """Makes the contact sheets: the rarest classes first, then files of all, as if drawn by lot."""
    picks = pick(manifest, rarest(stats["classes"], _CLASSES), _OF_EACH, _OTHERS)
    # One of each class, then the next of each: where a bound is met, every class has had its turn.
    rounds = zip_longest(*([(row, name) for row in rows] for name, rows in picks.by_class.items()))
    of_classes = [one for turn in rounds for one in turn if one is not None]
    wanted = list(_bounded(of_classes, _VIDEOS_OF_CLASSES, media.far))
    wanted += _bounded([(row, None) for row in picks.others], _OTHER_VIDEOS, media.far)
    paths = sorted({row.path for row, _ in wanted if row.path is not None})
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(classes)}
    with media.fetch(*paths) as folder, ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda one: _shown(one[0], folder, media, colours, one[1]), wanted)
        keys: list[tuple[str, str | None]] = [(row.id, name) for row, name in wanted]
        found = dict(zip(keys, _within(made), strict=False))
    return _sorted(picks, found, len(stats["classes"]))


def _bounded(wanted: Sequence[_Wanted], most_videos: int, far: bool) -> Iterator[_Wanted]:
    """Leaves out what would take long to read."""
    videos = 0
    for row, name in wanted:
        if far and (row.size_bytes or 0) > _FETCHED_BYTES:
            continue
        if (row.media_type or "").startswith("video/"):
            videos += 1
            if videos <= most_videos:
                yield row, name
        elif (row.width or 0) * (row.height or 0) <= _MOST_PIXELS:
            yield row, name


def _shown(row: ManifestRow, folder: Path, media: Media, colours: Mapping[str, str], name: str | None) -> Shown | None:
    path = _path(row, folder, media)
    picture = shown(row, path, colours, name)
    return picture and picture._replace(linked=path.is_relative_to(folder))


def _path(row: ManifestRow, folder: Path, media: Media) -> Path:
    """Returns where a file is: in the dataset, or in the workspace where the dataset has it in a shard."""
    path = folder / str(row.path)
    if media.workspace is None or row.sha256 is None or path.is_file():
        return path
    suffix = PurePosixPath(str(row.path)).suffix
    places = [stored("media", row.sha256, suffix)]
    if row.source_sha256 and row.recipe and row.frame is None:
        places.append(stored(f"derived/{row.recipe}", row.source_sha256, suffix))
    media.workspace.need(*places)
    return next((found for found in map(media.workspace.path, places) if found.is_file()), path)


def _within(made: Iterator[Shown | None]) -> Iterator[Shown | None]:
    """Yields pictures until they are as many bytes as the page may have."""
    taken = 0
    for picture in made:
        taken += len(picture.data) if picture else 0
        if taken > _MOST_BYTES:
            return
        yield picture


def _sorted(picks: Picks, found: Mapping[tuple[str, str | None], Shown | None], classes: int) -> Sheets:
    by_class = []
    for name, rows in picks.by_class.items():
        pictures = [picture for row in rows if (picture := found.get((row.id, name)))]
        if pictures:
            by_class.append((name, pictures))
    others = [picture for row in picks.others if (picture := found.get((row.id, None)))]
    return Sheets(by_class, others, classes - len(by_class))
