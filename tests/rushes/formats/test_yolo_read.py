from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from PIL import Image

from rushes.errors import AnnotationError
from rushes.formats.yolo import Kind
from rushes.formats.yolo_read import read
from rushes.labels import Annotation, Category

NAMES = ["car", "bus"]


def made(folder: Path, rows: str | None, **keys: object) -> Path:
    """Writes a dataset of one image of 100 to 50 pixels; returns its YAML."""
    image = folder / "images" / "train" / "a.jpg"
    image.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (100, 50)).save(image)
    label = folder / "labels" / "train" / "a.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    if rows is not None:
        label.write_text(rows, encoding="utf-8")
    path = folder / "dataset.yaml"
    path.write_text(yaml.safe_dump({"train": "images/train", "names": NAMES} | keys))
    return path


def labels(folder: Path, rows: str, kind: Kind | None = None, **keys: object) -> tuple[Annotation, ...]:
    (item,) = read(made(folder, rows, **keys), kind).items
    return item.annotations


def test_a_row_is_a_box_in_pixels_of_its_image(tmp_path: Path) -> None:
    data = read(made(tmp_path, "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.2 0.2"))
    assert data.categories == (Category("car", 0), Category("bus", 1))
    (item,) = data.items
    assert (item.id, item.path, item.width, item.height, item.split) == ("a", "images/train/a.jpg", 100, 50, "train")
    assert item.annotations[0].label == "bus"
    assert item.annotations[0].box == pytest.approx((40, 15, 20, 20))
    assert item.annotations[1].box == pytest.approx((0, 0, 20, 10))


def test_a_row_of_points_is_an_outline(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, "0 0 0 0.5 0 0.5 0.5")
    assert label == Annotation("car", polygon=((0, 0), (50, 0), (50, 25)))


def test_four_corners_everywhere_are_turned_boxes(tmp_path: Path) -> None:
    label, other = labels(tmp_path, "0 0.6 0.2 0.6 0.6 0.4 0.6 0.4 0.2\n0 0.1 0.1 0.9 0.1 0.7 0.5 0.1 0.9")
    assert label.box == pytest.approx((40, 10, 20, 20))
    assert label.rotation == pytest.approx(math.pi / 2)
    assert other.polygon is not None  # four corners that are no box


def test_four_corners_are_an_outline_where_that_is_said(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, "0 0.6 0.2 0.6 0.6 0.4 0.6 0.4 0.2", "segment")
    assert label.box is None
    assert label.polygon is not None


def test_keypoints_have_their_names_and_their_mirror(tmp_path: Path) -> None:
    about = {"kpt_shape": [2, 3], "flip_idx": [1, 0], "kpt_names": {0: ["left", "right"]}}
    path = made(tmp_path, "0 0.5 0.5 0.2 0.4 0.1 0.1 2 0 0 0", **about)
    data = read(path)
    assert data.categories == (
        Category("car", 0, keypoints=("left", "right"), flip=(1, 0)),
        Category("bus", 1, keypoints=("keypoint_1", "keypoint_2"), flip=(1, 0)),
    )
    assert next(data.items).annotations[0].keypoints == ((10, 5, 2), (0, 0, 0))


def test_keypoints_of_two_numbers_are_seen(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, "0 0.5 0.5 0.2 0.4 0.1 0.1 0 0", kpt_shape=[2, 2])
    assert label.keypoints == ((10, 5, 2), (0, 0, 0))


def test_no_label_file_is_not_the_same_as_an_empty_one(tmp_path: Path) -> None:
    (unknown,) = read(made(tmp_path / "a", None)).items
    (empty,) = read(made(tmp_path / "b", "")).items
    assert (unknown.labelled, unknown.annotations) == (False, ())
    assert (empty.labelled, empty.annotations) == (True, ())


@pytest.mark.parametrize("names", [["car", "bus"], {0: "car", 1: "bus"}])
def test_names_as_a_list_or_by_number(tmp_path: Path, names: object) -> None:
    assert [found.name for found in read(made(tmp_path, "", names=names)).categories] == NAMES


def test_splits_may_be_lists_of_images_or_several_folders(tmp_path: Path) -> None:
    made(tmp_path, "0 0.5 0.5 0.2 0.4")
    (tmp_path / "more").mkdir()
    Image.new("RGB", (10, 10)).save(tmp_path / "more" / "b.png")
    (tmp_path / "val.txt").write_text("./more/b.png\nimages/train/a.jpg\n")
    path = made(tmp_path, None, train=["images/train", "more"])
    assert [(item.id, item.split) for item in read(path).items] == [("a", "train"), ("b", "train")]
    path = made(tmp_path, None, train=None, val="val.txt")
    assert [(item.id, item.split) for item in read(tmp_path).items] == [("b", "val"), ("a", "val")]


def test_an_image_in_two_splits_is_an_item_of_each(tmp_path: Path) -> None:
    """As in coco8 and coco128, which train and validate on the same folder."""
    data = read(made(tmp_path, "0 0.5 0.5 0.2 0.4", val="images/train"))
    assert [(item.id, item.split) for item in data.items] == [
        ("images/train/a.jpg", "train"),
        ("val/images/train/a.jpg", "val"),
    ]


def test_the_folder_may_have_moved_and_roboflow_writes_paths_that_lead_out(tmp_path: Path) -> None:
    path = made(tmp_path, "0 0.5 0.5 0.2 0.4", path="/nowhere/at/all", train="../images/train")
    assert [item.id for item in read(path).items] == ["a"]


def test_a_picture_on_its_side_is_measured_upright(tmp_path: Path) -> None:
    path = made(tmp_path, "0 0.5 0.5 0.2 0.4")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(tmp_path / "images" / "train" / "a.jpg", exif=exif)
    (item,) = read(path).items
    assert (item.width, item.height) == (50, 100)
    assert item.annotations[0].box == pytest.approx((20, 30, 10, 40))


def test_a_box_over_the_edge_is_read_as_it_is(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, "0 1.0 0.5 0.2 0.4")
    assert label.box == pytest.approx((90, 15, 20, 20))


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("0 0.5 0.5 0.2 0.4\n0 0 0 0.5 0 0.5 0.5", "a.txt:2: 7 columns; expected 5"),
        ("0 0 0 0.5 0 0.5 0.5\n0 0.5 0.5 0.2 0.4", "a.txt:2: 5 columns; expected an odd number"),
        ("0 nan 0.5 0.2 0.4", "a.txt:1: expected numbers that are normalised"),
        ("0 inf 0.5 0.2 0.4", "a.txt:1: expected numbers that are normalised"),
        ("0 50 20 10 10", "a.txt:1: expected numbers that are normalised"),
        ("0 x 0.5 0.2 0.4", "a.txt:1: could not convert"),
        ("2 0.5 0.5 0.2 0.4", "a.txt:1: '2' is the number of no class"),
        ("-1 0.5 0.5 0.2 0.4", "a.txt:1: '-1' is the number of no class"),
        ("nan 0.5 0.5 0.2 0.4", "a.txt:1: 'nan' is the number of no class"),
        ("0.5 0.5 0.5 0.2 0.4", "a.txt:1: '0.5' is the number of no class"),
        ("0 0.5 0.5 -0.2 0.4", "a.txt:1: expected a width"),
        ("0 0.5 0.5 0.2", "a.txt:1: 4 columns; expected 5"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, rows: str, place: str) -> None:
    with pytest.raises(AnnotationError) as raised:
        labels(tmp_path, rows)
    assert place in str(raised.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("names: [a, a]\ntrain: images/train", "names: expected each name once"),
        ("names: {x: a}\ntrain: images/train", "names ="),
        ("names: [[a]]\ntrain: images/train", "names ="),
        ("names: [a]", "none of train, val and test"),
        ("names: [a]\ntrain: nowhere", "train = 'nowhere': no such folder"),
        ("names: [a]\ntrain: ../..", "train = '../..': no such folder"),
        ("names: [a]\ntrain: " + "a" * 400, "no such folder"),
        ("names: [a]\ntrain: nowhere\npath: " + "a/" * 4000, "train = 'nowhere': no such folder"),
        ("names: [a]\ntrain: {a: b}", "train = {'a': 'b'}"),
        ("names: [a]\ntrain: images/train\nkpt_shape: [1, 9]", "kpt_shape"),
        ("names: [a]\ntrain: images/train\nkpt_shape: [2, 3]\nflip_idx: [0, 0]", "flip_idx"),
        ("a: [", "not valid YAML"),
        ("[" * 20_000, "not valid YAML"),
        ("!!python/object/apply:os.system [true]", "not valid YAML"),
        ("7", "expected keys"),
    ],
)
def test_a_wrong_yaml_is_named(tmp_path: Path, text: str, place: str) -> None:
    path = made(tmp_path, "")
    path.write_text(text)
    with pytest.raises(AnnotationError, match=r"dataset\.yaml") as raised:
        list(read(path).items)
    assert place in str(raised.value)


def test_a_list_that_names_no_image_is_refused_with_its_line(tmp_path: Path) -> None:
    path = made(tmp_path, "", train="list.txt")
    path.parent.joinpath("list.txt").write_text("images/train/a.jpg\nimages/train/gone.jpg\n")
    path = made(tmp_path, "", train="list.txt")
    with pytest.raises(AnnotationError, match=r"list\.txt:2"):
        list(read(path).items)


def test_a_list_may_name_what_no_file_system_can(tmp_path: Path) -> None:
    path = made(tmp_path, "", train="list.txt")
    path.parent.joinpath("list.txt").write_text("9" * 400)
    with pytest.raises(AnnotationError, match=r"list\.txt:1: no such image '9999"):
        list(read(path).items)


def test_aliases_of_aliases_do_not_grow(tmp_path: Path) -> None:
    """The billion laughs of YAML."""
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12))
    path = made(tmp_path, "")
    path.write_text(f"l0: &l0 [lol]\n{levels}\nnames: *l11\ntrain: images/train")
    with pytest.raises(AnnotationError, match="names ="):
        read(path)
