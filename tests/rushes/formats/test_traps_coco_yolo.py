"""The traps in which converters of datasets are caught, for COCO and YOLO: each a test, from one dataset to another."""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from math import pi, sqrt
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from rushes.convert import convert
from rushes.datasets import read_dataset
from rushes.errors import StrictError
from rushes.formats.coco import render as render_coco
from rushes.formats.coco_read import read as read_coco
from rushes.formats.masks import from_outlines, pixels
from rushes.labels import Annotation, Mask
from rushes.workspace import Workspace
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import run
from tests.ultralytics_rules import check_dataset

SQUARE = [10.0, 10, 30, 10, 30, 30, 10, 30]
FAR = [50.0, 40, 60, 40, 60, 50, 50, 50]
RUNS = {"size": [60, 80], "counts": [610, 20, 40, 20, 4110]}


def coco(folder: Path, *annotations: dict[str, Any], names: tuple[str, ...] = ("a.png",), **more: Any) -> Path:
    """Writes a dataset of pictures of 80 to 60 pixels whose classes have ids like those of COCO's 91."""
    images = []
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60), (number, 0, 0)).save(path)
        images.append({"id": number, "file_name": name, "width": 80, "height": 60})
    classes = [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}, {"id": 13, "name": "stop sign"}]
    labels = [{"image_id": 0, "category_id": 13} | found for found in annotations]
    path = folder / "train.json"
    path.write_text(json.dumps({"images": images, "annotations": labels, "categories": classes} | more))
    return path


def rows(data: Path, name: str = "a") -> list[str]:
    return (data / "labels" / "train" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def written(data: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((data / "annotations" / "instances_train.json").read_bytes())
    return content


@pytest.mark.parametrize("kind", ["bbox", "segm", "keypoints"])
def test_coco_ids_begin_at_one_so_that_the_api_finds_each_label_again(tmp_path: Path, kind: str) -> None:
    """Annotation id 0 means "unmatched" to it, and without area and iscrowd it fails."""
    person = {"category_id": 1, "bbox": [10, 10, 30, 40], "keypoints": [12, 12, 2] * 17, "segmentation": [SQUARE]}
    other = {"category_id": 1, "bbox": [40, 10, 30, 40], "keypoints": [50, 20, 2] * 17, "segmentation": RUNS}
    convert(coco(tmp_path, person | {"id": 0}, other | {"id": 1}), tmp_path / "out", None, "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "out" / "annotations" / "instances_train.json"))
        found = truth.loadRes([{**label, "score": 1.0} for label in truth.dataset["annotations"]])
        judge = COCOeval(truth, found, kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_sparse_ids_become_class_indices_without_gaps(tmp_path: Path) -> None:
    labels = ({"category_id": number, "bbox": [1 + number / 10, 1, 5, 5]} for number in (90, 1, 13))
    convert(coco(tmp_path, *labels), tmp_path / "out", None, "yolo")
    assert [row.split()[0] for row in rows(tmp_path / "out")] == ["0", "1", "2"]
    assert check_dataset(tmp_path / "out" / "dataset.yaml") == []


@pytest.mark.parametrize("kind", ["yolo", "yolo-seg", "yolo-pose", "yolo-obb"])
def test_a_crowd_is_left_out_of_yolo_with_a_reason(tmp_path: Path, kind: str) -> None:
    crowd = {"bbox": [10, 10, 20, 20], "segmentation": RUNS, "iscrowd": 1}
    found = convert(coco(tmp_path, crowd, {"bbox": [1, 1, 5, 5]}), tmp_path / "out", None, kind)
    assert found.dropped["crowd_unsupported"] == 1
    assert len(rows(tmp_path / "out")) == 1


def test_a_crowd_stays_one_and_is_never_inferred(tmp_path: Path) -> None:
    crowd = {"bbox": [10, 10, 20, 20], "segmentation": RUNS, "iscrowd": 1}
    convert(coco(tmp_path, crowd, crowd | {"iscrowd": 0}), tmp_path / "out", None, "coco")
    assert [label["iscrowd"] for label in written(tmp_path / "out")["annotations"]] == [1, 0]


@pytest.mark.parametrize("target", ["yolo", "coco"])
def test_boxes_over_the_edge_are_cut_and_counted(tmp_path: Path, target: str) -> None:
    boxes = ({"bbox": [70, 50, 20, 20]}, {"bbox": [-5, 0, 10, 10]}, {"bbox": [200, 0, 5, 5]})
    found = convert(coco(tmp_path, *boxes), tmp_path / "out", None, target)
    assert found.dropped == {"clipped_to_image": 2, "outside_image": 1}
    item = next(read_dataset(tmp_path / "out", target).items)
    assert [label.box for label in item.annotations] == [pytest.approx((70, 50, 10, 10)), pytest.approx((0, 0, 5, 10))]


@pytest.mark.parametrize("kind", ["yolo", "yolo-pose"])
def test_boxes_around_what_reaches_over_the_edge_are_cut(tmp_path: Path, kind: str) -> None:
    """A turned box stays whole until it is drawn upright, for what is left of it in the image is none."""
    (tmp_path / "labels.csv").write_text(f"file_name,class,x,y,width,height,rotation\na.png,car,70,20,20,20,{pi / 4}\n")
    Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
    convert(tmp_path / "labels.csv", tmp_path / "out", "csv", kind)
    (row,) = rows(tmp_path / "out")
    across, down, width, height = (float(share) for share in row.split()[1:5])
    left, reach = 80 - (10 * sqrt(2)), 20 * sqrt(2)
    assert (80 * (across - width / 2), 80 * (across + width / 2)) == pytest.approx((left, 80), abs=1e-3)
    assert (60 * (down - height / 2), 60 * height) == pytest.approx((30 - reach / 2, reach), abs=1e-3)


def test_a_box_that_is_without_a_size_once_it_is_a_row_is_dropped_with_a_reason(tmp_path: Path) -> None:
    found = convert(coco(tmp_path, {"bbox": [10, 10, 3e-5, 5]}), tmp_path / "out", None, "yolo")
    assert (rows(tmp_path / "out"), found.dropped) == ([], {"empty_box": 1})


@pytest.mark.parametrize("box", [[10, 10, 0, 5], [10, 10, 5, 0], [10, 10, -5, 5]])
@pytest.mark.parametrize("target", ["yolo", "coco"])
def test_a_box_without_a_size_is_dropped_with_a_reason(tmp_path: Path, target: str, box: list[float]) -> None:
    found = convert(coco(tmp_path, {"bbox": box}), tmp_path / "out", None, target)
    assert (found.labels, found.dropped) == (0, {"empty_box": 1})


@pytest.mark.parametrize("kind", ["yolo", "yolo-seg", "yolo-pose", "yolo-obb"])
def test_rows_of_one_dataset_are_of_one_kind(tmp_path: Path, kind: str) -> None:
    keypoints = {"bbox": [1, 1, 9, 9], "keypoints": [2, 2, 2, 4, 4, 2]}
    mixed = ({"bbox": [1, 1, 5, 5]}, {"bbox": [10, 10, 20, 20], "segmentation": [SQUARE]}, keypoints)
    convert(coco(tmp_path, *mixed), tmp_path / "out", None, kind)
    task = {"yolo": "detect", "yolo-seg": "segment", "yolo-pose": "pose", "yolo-obb": "obb"}[kind]
    assert check_dataset(tmp_path / "out" / "dataset.yaml", task) == []
    assert len(rows(tmp_path / "out")) == 3


def test_rows_that_get_keypoints_which_nobody_labelled_are_counted(tmp_path: Path) -> None:
    """Also where no class says how many it has, so that this is known only when all images are there."""
    pose = {"bbox": [1, 1, 9, 9], "keypoints": [2, 2, 2, 4, 4, 2]}
    boxes = ({"bbox": [1, 1, 5, 5]}, {"image_id": 1, "bbox": [2, 2, 5, 5]})
    found = convert(coco(tmp_path, pose, *boxes, names=("a.png", "b.png")), tmp_path / "out", None, "yolo-pose")
    assert found.dropped == {"keypoints_padded": 2}
    assert {len(row.split()) for name in "ab" for row in rows(tmp_path / "out", name)} == {5 + 2 * 3}
    assert check_dataset(tmp_path / "out" / "dataset.yaml", "pose") == []


def test_rows_of_an_image_whose_labels_all_have_fewer_keypoints_than_those_of_another_are_counted(
    tmp_path: Path,
) -> None:
    one = {"image_id": 1, "bbox": [1, 1, 9, 9], "keypoints": [2, 2, 2]}
    labels = ({"bbox": [1, 1, 9, 9], "keypoints": [2, 2, 2, 4, 4, 2]}, one, one | {"bbox": [2, 2, 5, 5]})
    boxes = ({"image_id": 1, "bbox": [3, 3, 5, 5]}, {"image_id": 0, "bbox": [3, 3, 5, 5]})
    source = coco(tmp_path, *labels, *boxes, names=("a.png", "b.png"))
    found = convert(source, tmp_path / "out", None, "yolo-pose")
    assert found.dropped == {"keypoints_padded": 4}
    workspace = Workspace(tmp_path / "work")
    ended = run(pipeline(workspace, source=str(source), export={"format": "yolo-pose"}), workspace)
    stats = json.loads((Path(str(ended.dataset)) / "stats.json").read_bytes())
    assert stats["dropped"] == {"keypoints_padded": 4}
    strict = pipeline(workspace, source=str(source), export={"format": "yolo-pose", "strict": True})
    with pytest.raises(StrictError, match="keypoints_padded"):
        run(strict, workspace)


def test_pieces_are_one_bridged_row_in_yolo_and_stay_apart_in_coco(tmp_path: Path) -> None:
    pieces = {"bbox": [10, 10, 50, 40], "segmentation": [SQUARE, FAR]}
    found = convert(coco(tmp_path, pieces), tmp_path / "yolo", None, "yolo-seg")
    assert found.dropped == {"outline_bridged": 1}
    (row,) = rows(tmp_path / "yolo")
    shares = [float(share) for share in row.split()[1:]]
    ring = tuple((80 * x, 60 * y) for x, y in zip(shares[::2], shares[1::2], strict=True))
    both = [(tuple(zip(piece[::2], piece[1::2], strict=True)),) for piece in (SQUARE, FAR)]
    # A bridge has no width, and may touch the pixels that it leads along.
    drawn, pieces_drawn = (pixels(from_outlines(parts, 60, 80)) for parts in ([(ring,)], both))
    assert (drawn & pieces_drawn).sum() == pieces_drawn.sum()
    assert drawn.sum() < 1.1 * pieces_drawn.sum()
    convert(tmp_path / "train.json", tmp_path / "coco", None, "coco", strict=True)
    assert written(tmp_path / "coco")["annotations"][0]["segmentation"] == [SQUARE, FAR]


def test_holes_stay_holes_in_coco() -> None:
    outer, hole = ((10, 10), (50, 10), (50, 50), (10, 50)), ((20, 20), (30, 20), (30, 30), (20, 30))
    (found,), reasons = render_coco([Annotation("ant", parts=((outer, hole),))], 80, 60, ["ant"])
    assert reasons == {"holes_as_mask": 1}
    assert (found["area"], found["bbox"]) == (40 * 40 - 10 * 10, [10, 10, 40, 40])
    drawn = pixels(Mask((60, 80), found["segmentation"]["counts"]))
    assert drawn.sum() == found["area"]
    assert not drawn[20:30, 20:30].any()


def test_masks_come_back_pixel_by_pixel_by_way_of_yolo(tmp_path: Path) -> None:
    convert(coco(tmp_path, {"bbox": [10, 10, 2, 20], "segmentation": RUNS}), tmp_path / "yolo", None, "yolo-seg")
    convert(tmp_path / "yolo", tmp_path / "again", None, "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "again" / "annotations" / "instances_train.json"))
    mask = next(read_coco(tmp_path / "train.json").items).annotations[0].mask
    assert mask is not None
    assert truth.annToRLE(truth.dataset["annotations"][0])["counts"].decode() == mask.counts


def test_images_with_no_annotations_are_written_and_empty_is_told_apart_from_unlabelled(tmp_path: Path) -> None:
    convert(coco(tmp_path, names=("a.png", "b.png")), tmp_path / "yolo", None, "yolo")
    (tmp_path / "yolo" / "labels" / "train" / "b.txt").unlink()  # nobody looked at it
    convert(tmp_path / "yolo", tmp_path / "coco", None, "coco")
    convert(tmp_path / "coco", tmp_path / "again", None, "yolo")
    assert rows(tmp_path / "again", "a") == []
    assert not (tmp_path / "again" / "labels" / "train" / "b.txt").exists()
    assert (tmp_path / "again" / "images" / "train" / "b.png").is_file()


@pytest.mark.parametrize("target", ["yolo", "coco"])
def test_images_with_the_same_stem_are_all_there(tmp_path: Path, target: str) -> None:
    names = ("a.png", "a.jpg", "sub/a.png", "sub/A.png")
    labels = ({"image_id": number, "bbox": [number + 1, 1, 5, 5]} for number in range(4))
    convert(coco(tmp_path, *labels, names=names), tmp_path / "out", None, target)
    items = list(read_dataset(tmp_path / "out", target).items)
    assert sorted(round(label.box[0]) for item in items for label in item.annotations if label.box) == [1, 2, 3, 4]
    assert len({item.path.casefold() for item in items}) == 4


@pytest.mark.parametrize("target", ["yolo", "coco"])
def test_names_in_any_script_are_kept_and_composed(tmp_path: Path, target: str) -> None:
    name = unicodedata.normalize("NFD", "é猫 ü.png")
    convert(coco(tmp_path, {"bbox": [1, 1, 5, 5]}, names=(name,)), tmp_path / "out", None, target)
    (item,) = read_dataset(tmp_path / "out", target).items
    assert unicodedata.is_normalized("NFC", item.path)
    assert item.path.rpartition("/")[2].startswith("é猫-ü")
    assert (tmp_path / "out" / item.path).is_file()


def test_class_order_is_that_of_the_source_in_every_split_and_format(tmp_path: Path) -> None:
    convert(coco(tmp_path, {"bbox": [1, 1, 5, 5]}), tmp_path / "one", None, "coco")
    convert(tmp_path / "one", tmp_path / "two", None, "yolo")
    convert(tmp_path / "two", tmp_path / "three", None, "coco")
    for data in ("one", "two", "three"):
        found = [category.name for category in read_dataset(tmp_path / data).categories]
        assert found == ["toothbrush", "person", "stop sign"]


def test_exif_orientation_sizes_are_those_shown_upright(tmp_path: Path) -> None:
    convert(coco(tmp_path, {"bbox": [8, 6, 16, 12]}, names=("a.jpg",)), tmp_path / "yolo", None, "yolo", media="copy")
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (80, 60)).save(tmp_path / "yolo" / "images" / "train" / "a.jpg", exif=exif)
    convert(tmp_path / "yolo", tmp_path / "coco", None, "coco")
    document = written(tmp_path / "coco")
    assert (document["images"][0]["width"], document["images"][0]["height"]) == (60, 80)
    assert document["annotations"][0]["bbox"] == [6, 8, 12, 16]


def test_images_under_10_pixels_are_written_with_a_warning(tmp_path: Path) -> None:
    source = coco(tmp_path, names=("a.png", "b.png", "c.png"))
    for name, size in (("a.png", (9, 60)), ("b.png", (80, 9)), ("c.png", (10, 10))):
        Image.new("RGB", size).save(tmp_path / name)
    document = json.loads(source.read_text())
    for image, (width, height) in zip(document["images"], ((9, 60), (80, 9), (10, 10)), strict=True):
        image |= {"width": width, "height": height}
    source.write_text(json.dumps(document))
    found = convert(source, tmp_path / "out", None, "yolo")
    assert found.warnings[0].startswith("2 images of split train are under 10 pixels wide or high")
    assert len(list((tmp_path / "out" / "images" / "train").iterdir())) == 3
    problems = check_dataset(tmp_path / "out" / "dataset.yaml")
    assert len(problems) == 2
    assert all("under 10 pixels" in problem for problem in problems)


def test_an_export_replaces_stale_caches(tmp_path: Path) -> None:
    """Ultralytics keys them on paths and sizes, which may be the same when labels are not."""
    source = coco(tmp_path, {"bbox": [1, 1, 5, 5]})
    convert(source, tmp_path / "out", None, "yolo")
    (tmp_path / "out" / "labels" / "train.cache").touch()
    convert(source, tmp_path / "out", None, "yolo")
    assert not (tmp_path / "out" / "labels" / "train.cache").exists()
