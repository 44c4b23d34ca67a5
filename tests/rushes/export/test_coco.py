from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from rushes.export.batch import export_batch, finish
from rushes.labels import Annotation
from rushes.records import Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import batch, image, pipeline

CLASSES = ("car", "bus")


@pytest.fixture
def data(workspace: Workspace, tmp_path: Path) -> Path:
    """A dataset of four images: outlines in two classes, nothing, nobody looked, and one in val."""
    outlines = tuple(
        Annotation(name, polygon=((x, 8), (x + 40, 8), (x + 40, 60), (x, 60))) for x, name in ((4, "car"), (90, "bus"))
    )
    media = [
        image(workspace, Source("a", "a.png", annotations=outlines, split="train")),
        image(workspace, Source("b", "b.png", annotations=outlines[:1], split="train")),
        image(workspace, Source("empty", "c.png", annotations=(), split="train")),
        image(workspace, Source("unknown", "d.png", split="train")),
        image(workspace, Source("e", "e.png", annotations=outlines, split="val")),
    ]
    settings = pipeline(workspace, export={"format": "coco"})
    plan = batch(workspace, media)
    export_batch(settings, workspace, plan, tmp_path / "data", CLASSES)
    finish(settings, workspace, "run", [plan.name], tmp_path / "data", CLASSES)
    return tmp_path / "data"


def test_ids_count_from_one_in_every_split(data: Path) -> None:
    train, val = (_document(data, split) for split in ("train", "val"))
    assert [found["id"] for found in train["images"]] == [1, 2, 3, 4]
    assert [(found["id"], found["image_id"]) for found in train["annotations"]] == [(1, 1), (2, 1), (3, 2)]
    assert [(found["id"], found["image_id"]) for found in val["annotations"]] == [(1, 1), (2, 1)]
    assert train["categories"] == val["categories"]


def test_file_names_count_from_the_folder_of_the_split(data: Path) -> None:
    for split in ("train", "val"):
        for found in _document(data, split)["images"]:
            assert (data / "images" / split / found["file_name"]).is_file()


def test_dataset_yaml_names_splits_documents_and_counts(data: Path) -> None:
    content = yaml.safe_load((data / "dataset.yaml").read_text())
    assert content["names"] == {1: "car", 2: "bus"}
    assert content["splits"]["train"] == {
        "images": "images/train",
        "annotations": "annotations/instances_train.json",
        "counts": {"images": 4, "annotations": 3},
    }


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_coco_api_finds_every_object_of_the_dataset_again(data: Path, kind: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(data / "annotations" / "instances_train.json"))
        found = truth.loadRes([{**annotation, "score": 1.0} for annotation in truth.dataset["annotations"]])
        judge = COCOeval(truth, found, kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def _document(data: Path, split: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((data / "annotations" / f"instances_{split}.json").read_bytes())
    return content
