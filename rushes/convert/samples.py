"""From what a reader found to what an exporter takes: its split, name and size, and the labels that it can have."""

from __future__ import annotations

import mimetypes
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from rushes.convert.fitting import Counts, boxed, fitted
from rushes.convert.tally import Tally
from rushes.export.names import Names
from rushes.export.split import split_of
from rushes.formats.dataset import CARRIED, Dataset, Labelled
from rushes.formats.sizes import is_as_stated, upright_size
from rushes.layouts import LAYOUTS
from rushes.records import MediaInfo, Sample

__all__ = ["Samples"]


class Samples:
    """The samples of a dataset, in its order; read on the way, and once.

    Args:
        dataset: What is read.
        renamed: The new name of each class that is kept.
        params: The exporter's parameters.
        tally: Is told which items cannot stand in the new dataset.
        look: Whether sizes are only stated, and images are there to be looked at.
    """

    def __init__(
        self, dataset: Dataset, renamed: Mapping[str, str], params: Mapping[str, Any], tally: Tally, look: bool
    ) -> None:
        self._dataset, self._renamed, self._params, self._tally = dataset, renamed, params, tally
        self._look = look
        self._layout = LAYOUTS[params["format"]]
        self._names = Names()

    def __iter__(self) -> Iterator[Sample]:
        for item in self._dataset.items:
            media_type = _media_type(item.path[item.path.rfind(".") :].lower())
            is_video = media_type.startswith("video/")
            if is_video and not self._layout.videos:
                self._tally.left_out["needs_frames"] += 1
            elif not is_video and not self._layout.images:
                self._tally.left_out["needs_video"] += 1
            elif self._look and not is_video and self._differs(item):
                self._tally.left_out["size_differs"] += 1
            else:
                yield self._sample(item, media_type)

    def _differs(self, item: Labelled) -> bool:
        """Says whether an image is of another size than its labels are drawn in, and where they belong nobody knows."""
        path = f"{self._dataset.folder}/{item.path}"
        if not (item.width and item.height) or is_as_stated(path, item.width, item.height):
            return False
        if not self._tally.other_size:
            width, height = upright_size(path, item.id)
            stated = f"{item.width}x{item.height}"
            self._tally.other_size = (
                f"{item.path}: labels for {stated} pixels, and it is {width}x{height} as shown upright"
            )
        return True

    def _sample(self, item: Labelled, media_type: str) -> Sample:
        info = self._info(item, media_type)
        dropped: Counts = defaultdict(int, item.dropped)
        labels = [boxed(label, dropped) for label in item.annotations] if self._params["boxes"] else item.annotations
        label = self._renamed.get(item.label) if item.label is not None else None
        if label is None and item.label is not None:
            dropped["class_not_listed"] += 1
        split = item.split or split_of(item.group or item.id, self._params["split"])
        return Sample(
            id=item.id,
            name=self._names.take(item.path, item.id, "" if self._layout.one_folder else split),
            path=item.path,
            sha256="",
            size_bytes=self._size(item.path),
            info=info,
            split=split,
            annotations=fitted(labels, self._renamed, info, dropped),
            label=label,
            labelled=item.labelled,
            attributes=self._of_file(item, dropped),
            dropped=dropped,
            group=item.group,
        )

    def _of_file(self, item: Labelled, dropped: Counts) -> dict[str, Any]:
        """Returns the attributes of an item; counts what the layout cannot say of it, and no manifest keeps."""
        attributes = item.attributes
        if CARRIED in attributes and not self._layout.carries_dm:
            from rushes.formats.dm.carry import set_aside  # slow to import, and for what came from DM alone

            attributes, unsaid = set_aside(attributes)
            for reason, count in unsaid.items():
                dropped[reason] += count
        if attributes and not self._layout.attributes:
            dropped["item_attributes_unsupported"] += 1
        if item.group is not None and not self._layout.groups:
            dropped["item_group_unsupported"] += 1
        return attributes

    def _info(self, item: Labelled, media_type: str) -> MediaInfo:
        if item.width and item.height:
            return MediaInfo(media_type, item.width, item.height)
        if not media_type.startswith("image/"):
            return MediaInfo(media_type, 0, 0)
        return MediaInfo(media_type, *upright_size(self._dataset.folder / item.path, item.id))

    def _size(self, path: str) -> int:
        if self._params["media"] == "none":
            return 0
        try:
            return (self._dataset.folder / path).stat().st_size
        except OSError:
            return 0  # placing says what is wrong


@cache
def _media_type(suffix: str) -> str:
    return mimetypes.guess_type(f"a{suffix}")[0] or "application/octet-stream"
