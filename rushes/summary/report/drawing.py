"""Labels drawn on a picture: boxes, turned ones too, outlines, pixels, lines and keypoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from PIL import Image, ImageDraw

from rushes.formats.geometry import corners
from rushes.formats.masks import pixels
from rushes.formats.placing import outlines
from rushes.labels import Annotation, Point

__all__ = ["draw"]

_MOST_LABELS = 300
_MOST_MASKS = 40
_HALO = (0, 0, 0, 150)
_FILLED = 60  # of 255
_FAINT = 110


def draw(
    picture: Image.Image, labels: Sequence[Annotation], colours: Mapping[str, str], name: str | None
) -> Image.Image:
    """Returns the picture with labels on it.

    Args:
        picture: In RGB.
        labels: In pixels of the picture.
        colours: Colour of each class, like `#e69f00`.
        name: The class whose labels are drawn strongly, and the others faintly; all strongly where None.
    """
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    chosen = sorted(islice(labels, 100_000), key=lambda label: name is not None and label.label == name)
    masks = _MOST_MASKS
    for label in chosen[-_MOST_LABELS:]:
        red, green, blue = bytes.fromhex(colours.get(label.label, "#ffffff")[1:])
        strong = name is None or label.label == name
        colour = (red, green, blue, 255 if strong else _FAINT)
        if label.mask is not None and masks:
            masks -= 1
            shape = Image.fromarray(pixels(label.mask)).resize(picture.size)
            layer.paste((*colour[:3], colour[3] // 2), mask=shape)
        _one(pen, label, colour)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _one(pen: ImageDraw.ImageDraw, label: Annotation, colour: tuple[int, int, int, int]) -> None:
    for part in outlines(label):
        pen.polygon(list(part[0]), fill=(*colour[:3], _FILLED * colour[3] // 255))
        for ring in part:
            _line(pen, [*ring, ring[0]], colour)
    if label.box is not None:
        ring = corners(label.box, label.rotation or 0.0)
        _line(pen, [*ring, ring[0]], colour)
    if label.polyline:
        _line(pen, label.polyline, colour)
    for x, y, visible in label.keypoints or ():
        if visible:
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=_HALO)
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour if visible > 1 else None, outline=colour, width=2)


def _line(pen: ImageDraw.ImageDraw, points: Iterable[Point], colour: tuple[int, int, int, int]) -> None:
    """Draws a line that stands out from what is bright, and from what is dark."""
    path = list(points)
    pen.line(path, fill=_HALO, width=5, joint="curve")
    pen.line(path, fill=colour, width=3, joint="curve")
