"""The least that a conversion can take: typed decoding and one write a file, and nothing checked, clipped or counted.

`formats_floor.py JOB SOURCE IMAGES TARGET`; sizes of images are taken as known, which no tool can do.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

_SIZE = (640, 480)


class _Image(msgspec.Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int


class _Object(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]


class _Category(msgspec.Struct, gc=False):
    id: int
    name: str


class _Document(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[_Object]
    categories: list[_Category]


def coco_to_yolo(source: Path, target: Path) -> None:
    """Writes a text file an image."""
    found, objects = _read(source)
    numbers = {category.id: number for number, category in enumerate(found.categories)}
    for image in found.images:
        across, down = image.width, image.height
        rows = []
        for one in objects.get(image.id, ()):
            x, y, width, height = one.bbox
            centre = f"{(x + width / 2) / across:.6f} {(y + height / 2) / down:.6f}"
            rows.append(f"{numbers[one.category_id]} {centre} {width / across:.6f} {height / down:.6f}\n")
        _write(f"{target}/{image.file_name[:-4]}.txt", "".join(rows).encode())


def coco_to_voc(source: Path, target: Path) -> None:
    """Writes an XML file an image."""
    found, objects = _read(source)
    names = {category.id: category.name for category in found.categories}
    for image in found.images:
        size = f"<size><width>{image.width}</width><height>{image.height}</height><depth>3</depth></size>"
        parts = [f"<annotation><filename>{image.file_name}</filename>{size}\n"]
        for one in objects.get(image.id, ()):
            x, y, width, height = one.bbox
            least = f"<xmin>{round(x) + 1}</xmin><ymin>{round(y) + 1}</ymin>"
            box = f"<bndbox>{least}<xmax>{round(x + width)}</xmax><ymax>{round(y + height)}</ymax></bndbox>"
            name = names[one.category_id]
            parts.append(f"<object><name>{name}</name><difficult>0</difficult>{box}</object>\n")
        parts.append("</annotation>\n")
        _write(f"{target}/{image.file_name[:-4]}.xml", "".join(parts).encode())


def yolo_to_coco(source: Path, target: Path) -> None:
    """Writes one document."""
    across, down = _SIZE
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, path in enumerate(sorted((source / "labels" / "train").iterdir()), 1):
        images.append({"id": number, "file_name": f"{path.stem}.jpg", "width": across, "height": down})
        for row in path.read_text().splitlines():
            category, x, y, width, height = map(float, row.split())
            box = [(x - width / 2) * across, (y - height / 2) * down, width * across, height * down]
            identity = len(annotations) + 1
            found = {"id": identity, "image_id": number, "category_id": int(category) + 1, "iscrowd": 0}
            annotations.append({**found, "bbox": box, "area": box[2] * box[3]})
    _write(f"{target}/a.json", msgspec.json.encode({"images": images, "annotations": annotations}))


def _read(source: Path) -> tuple[_Document, dict[int, list[_Object]]]:
    found = msgspec.json.decode(source.read_bytes(), type=_Document)
    objects: dict[int, list[_Object]] = {}
    for one in found.annotations:
        objects.setdefault(one.image_id, []).append(one)
    return found, objects


def _write(path: str, content: bytes) -> None:
    with open(path, "xb") as file:  # noqa: PTH123  # pathlib would cost more: this is the least that can be done
        file.write(content)


if __name__ == "__main__":
    job, *paths = sys.argv[1:]
    folder = Path(paths[2])
    folder.mkdir(parents=True)
    globals()[job](Path(paths[0]), folder)
