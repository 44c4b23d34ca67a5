"""What was read is written and read again, and is the same: COCO, and YOLO of each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace
from PIL import Image

from rushes.formats import coco, yolo
from rushes.formats.coco_read import read as read_coco
from rushes.formats.masks import from_pixels
from rushes.formats.placing import clip
from rushes.formats.yolo_read import read as read_yolo
from rushes.labels import Annotation, Category
from tests.rushes.formats.strategies import any_label

WIDTH, HEIGHT = 64, 48
CLASSES = ("car", "bus")
COUNT = 3
MASKS = st.none() | arrays(bool, (HEIGHT, WIDTH)).map(from_pixels)


@st.composite
def labels(draw: st.DrawFn) -> list[Annotation]:
    """Draws labels of one image, cut at its edges as exports cut them."""
    found = draw(st.lists(any_label(), max_size=4))
    named = [
        replace(label, label=draw(st.sampled_from(CLASSES)), frame=None, time_s=None, mask=draw(MASKS))
        for label in found
    ]
    return [label for label, _ in (clip(label, WIDTH, HEIGHT) for label in named) if label is not None]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(labels())
def test_coco(tmp_path: Path, found: list[Annotation]) -> None:
    known = {"car": Category("car", 1, "vehicle", ("a", "b"), ((0, 1),)), "bus": Category("bus", 2)}
    path = tmp_path / "a.json"

    def written(labels: tuple[Annotation, ...]) -> tuple[tuple[Annotation, ...], tuple[Category, ...]]:
        objects, _ = coco.render(labels, WIDTH, HEIGHT, CLASSES)
        numbered = [{"id": number, "image_id": 1, **one} for number, one in enumerate(objects, 1)]
        images = [coco.image(1, "a.png", WIDTH, HEIGHT)]
        path.write_text(
            json.dumps({"images": images, "annotations": numbered, "categories": coco.categories(CLASSES, known)})
        )
        data = read_coco(path)
        return next(data.items).annotations, data.categories

    first, categories = written(tuple(found))
    assert categories == tuple(known.values())
    assert written(first) == (first, categories)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train").mkdir(parents=True)
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "images" / "train" / "a.png")
    about = {"train": "images/train", "names": list(CLASSES), "kpt_shape": [COUNT, 3]}
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(about))
    return tmp_path


@pytest.mark.parametrize("kind", get_args(yolo.Kind))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(found=labels())
@example(found=[Annotation("car", keypoints=((0.0, 0.0, 1.0), (6.103515625e-05, 1.0, 1.0)))])
def test_yolo(dataset: Path, kind: yolo.Kind, found: list[Annotation]) -> None:
    def read(rows: list[str]) -> tuple[Annotation, ...]:
        (dataset / "labels" / "train" / "a.txt").write_text("\n".join(rows))
        (item,) = read_yolo(dataset, kind).items
        return item.annotations

    rows, _ = yolo.render(found, WIDTH, HEIGHT, CLASSES, kind, COUNT)
    again, reasons = yolo.render(read(rows), WIDTH, HEIGHT, CLASSES, kind, COUNT)
    assert set(reasons) <= {"duplicate_label"}
    assert len(again) == len(rows)
    if kind in ("detect", "pose"):
        assert all(float(size) > 0 for row in rows + again for size in row.split()[3:5])
    # Two roundings to six decimals; four rounded corners are of a box that is near to them.
    slack = 1e-5 if kind == "obb" else 2.1e-6
    for before, after in zip(rows, again, strict=True):
        pairs = zip(map(float, before.split()), map(float, after.split()), strict=True)
        assert all(abs(a - b) < slack for a, b in pairs), (before, after)
