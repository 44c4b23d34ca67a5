from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from rushes.convert import convert
from rushes.errors import ConfigError
from rushes.labels import Category
from rushes.layouts import LAYOUTS
from rushes.records import Rejection, Source
from rushes.sources import read_sources
from rushes.workspace import Workspace
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import manifest, png, run
from tests.ultralytics_rules import check_dataset

PERSON = {"id": 5, "name": "person", "keypoints": ["left_eye", "right_eye"], "skeleton": [[1, 2]]}
UNUSED = {"id": 2, "name": "unused"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def coco(folder: Path, *annotations: dict[str, Any], **image: Any) -> Path:
    """Writes a document beside a picture of 32 to 24 pixels; the classes are not in the order of their use."""
    png(folder / "a.png")
    images = [{"id": 1, "file_name": "a.png", "width": 32, "height": 24} | image]
    path = folder / "train.json"
    labels = [{"id": n, "image_id": 1, "category_id": 5} | found for n, found in enumerate(annotations, 1)]
    path.write_text(json.dumps({"images": images, "annotations": labels, "categories": [UNUSED, PERSON]}))
    return path


def test_items_have_local_files_stable_ids_labels_and_splits(tmp_path: Path) -> None:
    categories: list[Category] = []
    (found,) = read_sources(str(coco(tmp_path, {"bbox": [1, 2, 3, 4], "segmentation": [[1, 1]]})), None, categories)
    assert isinstance(found, Source)
    assert (found.id, found.url, found.split) == ("a", (tmp_path / "a.png").as_uri(), "train")
    assert found.annotations is not None
    assert found.annotations[0].box == (1.0, 2.0, 3.0, 4.0)
    assert found.dropped == {"degenerate_outline": 1}
    assert [category.name for category in categories] == ["unused", "person"]


def test_a_picture_that_is_not_here_is_fetched_from_where_the_document_says(tmp_path: Path) -> None:
    (found,) = read_sources(str(coco(tmp_path, file_name="far.png", coco_url="http://h/far.png")))
    assert isinstance(found, Source)
    assert found.url == "http://h/far.png"


def test_an_id_that_cannot_be_one_is_a_rejection(tmp_path: Path) -> None:
    (found,) = read_sources(str(coco(tmp_path, file_name="x" * 300 + ".png")))
    assert isinstance(found, Rejection)
    assert found.code == "bad_row"


@pytest.mark.parametrize("content", ['{"images": [7]}', "{}", '{"images": []', "[" * 10_000])
def test_a_document_that_is_broken_stops_the_plan_and_says_where(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"^source = .*a\.json"):
        list(read_sources(str(path)))


def test_a_whole_run_from_coco_to_a_pose_dataset(workspace: Workspace, tmp_path: Path) -> None:
    """Classes keep their order and their skeletons, and what cannot be said is counted from the reader on."""
    label = {"bbox": [4, 4, 8, 8], "keypoints": [5, 5, 2, 9, 9, 1], "segmentation": [[1, 1]]}
    config = pipeline(workspace, source=str(coco(tmp_path, label)), export={"format": "yolo-pose"})
    ended = run(config, workspace)
    data = Path(str(ended.dataset))
    assert check_dataset(data / "dataset.yaml", "pose") == []
    content = yaml.safe_load((data / "dataset.yaml").read_text())
    assert (content["names"], content["kpt_shape"]) == ({0: "unused", 1: "person"}, [2, 3])
    assert (content["flip_idx"], content["kpt_names"]) == ([1, 0], {1: ["left_eye", "right_eye"]})
    assert (
        (data / "labels" / "train" / "a.txt").read_text().startswith("1 0.250000 0.333333 0.250000 0.333333 0.156250")
    )
    assert manifest(data)["a"].dropped == {"degenerate_outline": 1}


@pytest.mark.parametrize("kind", sorted(set(LAYOUTS) - {"videofolder", "webdataset", "yolo-cls"}))
def test_any_dataset_is_a_source(tmp_path: Path, kind: str) -> None:
    convert(coco(tmp_path, {"bbox": [1, 2, 3, 4]}), tmp_path / "made", None, kind)
    categories: list[Category] = []
    (found,) = read_sources(str(tmp_path / "made"), None, categories)
    assert isinstance(found, Source)
    assert Path(unquote(urlsplit(found.url).path)).read_bytes() == (tmp_path / "a.png").read_bytes()
    assert [label.label for label in found.annotations or ()] == ["person"]
    assert (found.split, [category.name for category in categories]) == ("train", ["unused", "person"])


def test_a_whole_run_from_a_yolo_folder(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "yolo" / "images" / "val" / "b.png")
    label = tmp_path / "yolo" / "labels" / "val" / "b.txt"
    label.parent.mkdir(parents=True)
    label.write_text("1 0.5 0.5 0.5 0.5\n")
    (tmp_path / "yolo" / "data.yaml").write_text("val: images/val\nnames: [car, bus]\n")
    config = pipeline(workspace, source=str(tmp_path / "yolo"), export={"format": "coco"})
    data = Path(str(run(config, workspace).dataset))
    document = json.loads((data / "annotations" / "instances_val.json").read_bytes())
    assert [found["name"] for found in document["categories"]] == ["car", "bus"]
    assert document["annotations"][0]["bbox"] == [8, 6, 16, 12]
