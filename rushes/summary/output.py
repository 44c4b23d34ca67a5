"""Where a dataset goes: a folder of this machine, or one in a storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.storage import Storage, is_storage, open_storage, split_storage
from rushes.summary import publish, publish_storage
from rushes.summary.publish import SUMMARY
from rushes.workspace import mirrored

__all__ = [
    "begin",
    "building",
    "check_output",
    "places",
    "publish_dataset",
    "published",
    "shown",
    "tidy",
    "written",
]


def check_output(place: str) -> None:
    """Refuses a place of a dataset that is neither free nor holds one of ours.

    Raises:
        OutputOccupiedError: It holds something that rushes did not write.
    """
    if is_storage(place):
        with _beside(place) as (storage, name):
            publish_storage.check_output(storage, name)
    else:
        publish.check_output(Path(place))


def begin(place: str) -> None:
    """Makes an empty folder beside the output, and mends what a killed run left there.

    Raises:
        OutputOccupiedError: The output holds something that rushes did not write.
    """
    if is_storage(place):
        with _beside(place) as (storage, name):
            publish_storage.begin(storage, name)
    else:
        publish.begin(Path(place))


@contextmanager
def building(place: str) -> Iterator[Path]:
    """Gives a folder to write files of the new dataset in.

    On this machine all who ask write in the same one. Of a storage, each has one of its own, whose files go up when the
    block ends well.
    """
    if not is_storage(place):
        yield publish.building_of(Path(place))
        return
    folder, name = split_storage(place)
    storage = open_storage(f"{folder}/{publish_storage.building_of(name)}")
    with mirrored(storage, lambda relative: relative == SUMMARY) as mirror:
        yield mirror.root


@contextmanager
def published(place: str, *names: str) -> Iterator[Path]:
    """Gives a folder with these files of a dataset, those of them that there are, to read them."""
    if not is_storage(place):
        yield Path(place)
        return
    with mirrored(open_storage(place), lambda _: 0) as mirror:
        mirror.need(names)
        yield mirror.root


@contextmanager
def written(place: str, *names: str) -> Iterator[Path]:
    """Gives a folder with these files of the new dataset, which batches have written, to read them."""
    if not is_storage(place):
        yield publish.building_of(Path(place))
        return
    folder, name = split_storage(place)
    with published(f"{folder}/{publish_storage.building_of(name)}", *names) as root:
        yield root


def publish_dataset(place: str, good: bool) -> str:
    """Puts the finished dataset in its place and returns that, as it may be shown.

    That of a failed run does not replace a good one: it goes beside, as `<output>.failed`.
    """
    if is_storage(place):
        with _beside(place) as (storage, name):
            return f"{storage.url}/{publish_storage.publish_dataset(storage, name)}"
    output = publish.place_for(Path(place), good)
    publish.publish_dataset(publish.building_of(Path(place)), output)
    return str(output)


def places(place: str) -> tuple[str, str]:
    """Returns where a run may put its dataset: the output, and where that of a failed run goes."""
    return place, f"{place.rstrip('/')}{publish.FAILED}"


def shown(place: str) -> str:
    """Returns the place of a dataset as it may be shown."""
    if not is_storage(place):
        return str(Path(place))
    with _beside(place) as (storage, name):
        return f"{storage.url}/{name}"


def tidy(place: str) -> None:
    """Removes what a run that was killed after its dataset had taken its place has left beside the output."""
    if is_storage(place):
        with _beside(place) as (storage, name):
            publish_storage.tidy(storage, name)
    else:
        publish.tidy(Path(place))


@contextmanager
def _beside(place: str) -> Iterator[tuple[Storage, str]]:
    folder, name = split_storage(place)
    storage = open_storage(folder)
    try:
        yield storage, name
    finally:
        storage.close()
