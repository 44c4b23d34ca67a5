"""Datasets in a storage: the new one grows beside the old one, as on a disk, and takes its place in the end.

A bucket has no folders that could be renamed: there its files are, one by one. `export_summary.json` goes first where a
dataset is taken apart, and comes last where one is put together, so a folder that has it is whole; and where a run is
killed in between, the next one finishes what it began.
"""

from __future__ import annotations

import json

from rushes.errors import OutputOccupiedError
from rushes.storage import Storage
from rushes.summary.publish import SUMMARY, is_good

__all__ = ["begin", "building_of", "check_output", "publish_dataset", "tidy"]


def begin(storage: Storage, name: str) -> None:
    """Empties the folder that a new dataset grows in, and ends what a killed run left there.

    Raises:
        OutputOccupiedError: The output holds something that rushes did not write.
    """
    check_output(storage, name)
    if storage.read(f"{building_of(name)}/{SUMMARY}") is not None:
        publish_dataset(storage, name)
    tidy(storage, name)


def building_of(name: str) -> str:
    """Returns the folder beside the output that a new dataset grows in."""
    return f".{name}.building"


def tidy(storage: Storage, name: str) -> None:
    """Empties the folder that a new dataset grows in."""
    for entry in list(storage.list(building_of(name))):
        storage.delete(entry.name)


def check_output(storage: Storage, name: str) -> None:
    """Refuses places of a dataset, that of a failed run among them, that are neither free nor hold one of ours."""
    for folder in (name, _failed(name)):
        ours = (f"{place}/{SUMMARY}" for place in (folder, building_of(name)))
        if any(storage.list(folder)) and all(storage.read(summary) is None for summary in ours):
            raise OutputOccupiedError(
                f"{storage.url}/{folder}: holds something that rushes did not write; expected nothing, or an earlier "
                "dataset. Move it away, or choose another `output`."
            )


def publish_dataset(storage: Storage, name: str) -> str:
    """Puts the finished folder in the place of the output, or of a failed run's, and returns which."""
    building = building_of(name)
    summary = json.loads(storage.read(f"{building}/{SUMMARY}") or b"{}")
    place = _place_for(storage, name, good=is_good(summary))
    storage.delete(f"{place}/{SUMMARY}")
    storage.replace(building, place, last=SUMMARY)
    return place


def _place_for(storage: Storage, name: str, good: bool) -> str:
    """Returns where a finished dataset goes: a failed run's never takes the place of a good one."""
    summary = storage.read(f"{name}/{SUMMARY}")
    return name if good or summary is None or not is_good(json.loads(summary)) else _failed(name)


def _failed(name: str) -> str:
    return f"{name}.failed"
