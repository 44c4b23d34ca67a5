"""From a DM document to an item of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from rushes.formats.dataset import CARRIED, Labelled
from rushes.formats.dm.carry import Carried, kind_of
from rushes.formats.dm.labels import Names
from rushes.formats.dm.render import Version, render
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.values import same
from rushes.formats.dm.view import View
from rushes.formats.dm.whole import whole_of

__all__ = ["read_item"]


def read_item(item: Labelled, view: View, version: Version, names: Names, size: Callable[[], Size]) -> Labelled:
    """Returns an item with the labels of its document.

    Args:
        item: Its id, path and split.
        view: Its document.
        version: Which one the document is.
        names: Names of the keypoints of each class.
        size: Looks at the file for the size of an image, which is done where there are pixels, and nobody says it.

    Raises:
        AnnotationError: Pixels are not in the image, or the file is not there, and only it says how large it is.
    """
    media = _media_of(view, item.path)
    if media is None:
        unsaid = Counter(media_without_file=sum(_count(view, name) for name in view.media))
        return _carrying(item, view, version, names, Carried(view.v1, "", +unsaid))
    known = view.size(media)
    if known is None and any(isinstance(each["data"], list) for each in view.tools(media).get("segmentation", ())):
        known = size()
    said = view.said(media, known, names)
    others = sum(_count(view, name) for name in view.media if name != media)
    unsaid = said.unsaid + Counter(media_without_file=others)
    labels = tuple(label for unit in said.units for label in unit.labels)
    whole = whole_of(labels)
    found = replace(
        item,
        width=known and known.width,
        height=known and known.height,
        annotations=tuple(label for label in labels if label is not whole),
        label=whole and whole.label,
        attributes=view.attributes(media),
    )
    return _carrying(found, view, version, names, Carried(view.v1, media, dict(sorted(unsaid.items()))))


def _media_of(view: View, path: str) -> str | None:
    """Returns the media of a document that a file is: the first of its type, or the first."""
    kind = kind_of(path)
    fitting = [name for name in view.media if name.startswith(f"{kind}_")]
    return next(iter([*fitting, *view.media]), None)


def _count(view: View, media: str) -> int:
    return sum(map(len, view.tools(media).values()))


def _carrying(item: Labelled, view: View, version: Version, names: Names, carried: Carried) -> Labelled:
    """Returns the item as it is where it says all of its document, else with this document."""
    document = view.v1 if version == "v1" else view.v2
    attributes = {name: value for name, value in item.attributes.items() if name != CARRIED}
    bare = replace(item, attributes=attributes)
    if not carried.unsaid and same(render(bare, version, names)[0], document):
        return bare
    return replace(item, attributes={**attributes, CARRIED: msgspec.to_builtins(carried)})
