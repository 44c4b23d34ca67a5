from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rushes.errors import AnnotationError, ConfigError
from rushes.formats import voc, voc_masks
from rushes.formats.dataset import Labelled
from rushes.formats.masks import from_pixels, pixels
from rushes.formats.voc_classes import VOC_CLASSES, labelmap
from rushes.formats.voc_read import read
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label
from tests.voc_rules import colours

WIDTH, HEIGHT = 64, 48
CLASSES = ("car", "bus")


def write(folder: Path, labels: Sequence[Annotation], classes: Sequence[str] = CLASSES) -> dict[str, int]:
    """Writes a dataset of one image; returns what could not be said."""
    placed, reasons = voc.objects(labels, WIDTH, HEIGHT)
    masks, unsaid = voc_masks.draw(placed, labels, WIDTH, HEIGHT, classes)
    xml, respelled = voc.render(placed, voc.Picture("a.jpg", WIDTH, HEIGHT, "made", masks is not None))
    files = {"Annotations/a.xml": xml.encode(), "classes.txt": "".join(f"{name}\n" for name in classes).encode()}
    if masks is not None:
        files["SegmentationClass/a.png"] = voc_masks.png(masks.classes)
        files["SegmentationObject/a.png"] = voc_masks.png(masks.objects)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return dict(reasons + unsaid + respelled)


def item(folder: Path) -> Labelled:
    (found,) = read(folder).items
    return found


def there_and_back(
    folder: Path, labels: Sequence[Annotation], classes: Sequence[str] = CLASSES
) -> tuple[tuple[Annotation, ...], dict[str, int]]:
    reasons = write(folder, labels, classes)
    return item(folder).annotations, reasons


@given(st.lists(any_label(), max_size=5), st.data())
def test_what_was_read_is_read_again_after_it_was_written(labels: list[Annotation], data: st.DataObject) -> None:
    labels = [replace(label, label=data.draw(st.sampled_from(CLASSES))) for label in labels]
    with tempfile.TemporaryDirectory() as folder:
        first, _ = there_and_back(Path(folder) / "1", labels)
        second, reasons = there_and_back(Path(folder) / "2", first)
        assert second == first
        assert not reasons


@given(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.data())
def test_a_box_of_whole_pixels_comes_back_exactly(x: int, y: int, data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, WIDTH - x)), data.draw(st.integers(1, HEIGHT - y))
    label = Annotation("car", box=(x, y, width, height), difficult=data.draw(st.booleans()))
    with tempfile.TemporaryDirectory() as folder:
        assert there_and_back(Path(folder), [label]) == ((label,), {})


@given(st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(0, 70), st.floats(0, 70))
def test_a_box_between_pixels_moves_by_half_a_pixel_at_most(x: float, y: float, width: float, height: float) -> None:
    placed, reasons = voc.objects([Annotation("car", box=(x, y, width, height))], WIDTH, HEIGHT)
    for one in placed:
        right, bottom = min(x + width, WIDTH), min(y + height, HEIGHT)
        said = (one.edges[0] - 1, one.edges[1] - 1, one.edges[2], one.edges[3])
        assert 0 <= said[0] < said[2] <= WIDTH
        assert 0 <= said[1] < said[3] <= HEIGHT
        assert np.abs(np.subtract(said, (x, y, right, bottom))).max() <= 1
        if right - x >= 1 and bottom - y >= 1:
            assert np.abs(np.subtract(said, (x, y, right, bottom))).max() <= 0.5
    assert sum(reasons.values()) == (said != (x, y, x + width, y + height) if placed else 1)


def test_masks_come_back_pixel_by_pixel_and_belong_to_their_objects(tmp_path: Path) -> None:
    left, right = (np.zeros((HEIGHT, WIDTH), bool) for _ in range(2))
    left[4:20, 3:9] = right[10:40, 30:50] = True
    right[12:20, 35:40] = False
    labels = [
        Annotation("bus", box=(0, 0, 5, 5)),
        Annotation("car", box=(30, 10, 20, 30), mask=from_pixels(right)),
        Annotation("bus", box=(3, 4, 6, 16), mask=from_pixels(left)),
    ]
    assert there_and_back(tmp_path, labels) == (tuple(labels), {})


def test_holes_and_pieces_become_pixels_and_say_so(tmp_path: Path) -> None:
    def square(left: float, size: float) -> tuple[tuple[float, float], ...]:
        return ((left, left), (left + size, left), (left + size, left + size), (left, left + size))

    label = Annotation("car", parts=((square(2, 20), square(8, 6)), (square(30, 10),)))
    (found,), reasons = there_and_back(tmp_path, [label])
    assert reasons == {"outline_as_pixels": 1}
    assert found.mask is not None
    assert pixels(found.mask).sum() == 20 * 20 - 6 * 6 + 10 * 10
    assert found.box == (2, 2, 38, 38)


def test_of_two_objects_at_one_place_the_later_is_in_front(tmp_path: Path) -> None:
    whole = from_pixels(np.ones((HEIGHT, WIDTH)))
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, :20] = True
    (behind, front), reasons = there_and_back(
        tmp_path, [Annotation("car", mask=whole), Annotation("bus", mask=from_pixels(half))]
    )
    assert reasons == {"mask_overlapped": 1}
    assert front.mask == from_pixels(half)
    assert behind.mask == from_pixels(~half)


def test_a_crowd_is_void_and_no_object(tmp_path: Path) -> None:
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, :20] = True
    labels = [Annotation("car", mask=from_pixels(half), crowd=True), Annotation("bus", box=(30, 0, 5, 5))]
    found, reasons = there_and_back(tmp_path, labels)
    assert found == (labels[1],)
    assert reasons == {"crowd_unsupported": 1}
    assert item(tmp_path).dropped == {"void_pixels": 1}


def test_masks_of_classes_alone_become_a_label_for_each_class(tmp_path: Path) -> None:
    indices = np.zeros((HEIGHT, WIDTH), np.uint8)
    indices[:4, :6], indices[10:, :], indices[5, 5], indices[6, 6] = 2, 255, 1, 77
    write(tmp_path, [])
    (tmp_path / "SegmentationClass").mkdir()
    (tmp_path / "SegmentationClass/a.png").write_bytes(voc_masks.png(indices))
    car, bus = item(tmp_path).annotations
    assert (car.label, car.box) == ("car", (5, 5, 1, 1))
    assert (bus.label, bus.box, bus.mask) == ("bus", (0, 0, 6, 4), from_pixels(indices == 2))
    assert item(tmp_path).dropped == {"mask_without_class": 1, "void_pixels": 1}


def test_the_palette_is_that_of_the_development_kit() -> None:
    flat = voc_masks.palette()
    assert [tuple(flat[at : at + 3]) for at in range(0, 768, 3)] == colours()


def test_parts_stay_with_their_object(tmp_path: Path) -> None:
    labels = (
        Annotation("bus", box=(0, 0, 2, 2)),
        Annotation("car", box=(0, 0, 40, 40), id="2"),
        Annotation("head", box=(0, 0, 10, 10), attributes={"part_of": "2"}),
        Annotation("hand", box=(20, 20, 5, 5), attributes={"part_of": "2"}),
    )
    assert there_and_back(tmp_path, labels, (*CLASSES, "head", "hand")) == (labels, {})
    assert "<part>" in (tmp_path / "Annotations/a.xml").read_text()


def test_all_that_a_label_says_besides_comes_back(tmp_path: Path) -> None:
    label = Annotation(
        "car",
        box=(1, 2, 3, 4),
        track="t",
        difficult=True,
        truncated=True,
        occluded=True,
        attributes={"pose": "Left", "colour": " red\r", "5": "5", "n": 1.5, "list": [1, None, {"a": "\x01<&"}], "": ""},
    )
    assert there_and_back(tmp_path, [label]) == ((label,), {})
    assert "<pose>Left</pose>" in (tmp_path / "Annotations/a.xml").read_text()


def test_what_an_object_cannot_say_is_counted(tmp_path: Path) -> None:
    ring = ((1.0, 1.0), (9.0, 1.0), (9.0, 9.0))
    labels = [
        Annotation("car", box=(10, 10, 10, 10), rotation=math.pi / 2),
        Annotation("car", keypoints=((1, 1, 2), (5, 5, 1))),
        Annotation("car", polyline=ring),
        Annotation("car", box=(0, 0, 9, 9), frame=3),
        Annotation("car", box=(70, 0, 9, 9)),
        Annotation("car", box=(3, 3, 0, 9)),
        Annotation("car", box=(60, 0, 9, 9)),
        Annotation("car", relation=("a", "b")),
        Annotation("car", attributes={"of": "the whole"}),
    ]
    assert write(tmp_path, labels) == {
        "attributes_unsupported": 1,
        "box_from_keypoints": 1,
        "clipped_to_image": 1,
        "empty_box": 1,
        "keypoints_unsupported": 1,
        "outside_image": 1,
        "polyline_unsupported": 1,
        "relation_unsupported": 1,
        "rotation_unsupported": 1,
        "time_unsupported": 1,
    }


OBJECT = "<object><name>car</name>{}<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax><ymax>5</ymax></bndbox></object>"


def foreign(folder: Path, inner: str, name: str = "Annotations/a.xml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{inner}</annotation>", encoding="utf-8")
    return folder


def test_files_of_other_tools_are_read_where_their_meaning_is_plain(tmp_path: Path) -> None:
    more = "<pose/><difficult/><truncated>Unspecified</truncated><occluded>true</occluded><polygon><x1>1</x1></polygon>"
    foreign(tmp_path, OBJECT.format(more, "4.5") + OBJECT.format("", "0") + "<size><width>0</width></size>")
    found = item(tmp_path)
    assert (found.id, found.path, found.width) == ("a", "JPEGImages/a.jpg", None)
    assert found.annotations == (Annotation("car", box=(0, 0, 4.5, 5), occluded=True),)
    assert found.dropped == {"element_unsupported": 1, "empty_box": 1}


def test_files_beside_their_images_are_read_and_folders_say_the_split(tmp_path: Path) -> None:
    foreign(tmp_path, "<filename>one.png</filename>" + OBJECT.format("", 4), "train/one.xml")
    foreign(tmp_path, "", "valid/deep/two.xml")
    one, two = read(tmp_path).items
    assert (one.id, one.path, one.split) == ("train/one", "train/one.png", "train")
    assert (two.id, two.path, two.split) == ("valid/deep/two", "valid/deep/two.jpg", "val")
    (alone,) = read(tmp_path / "train/one.xml").items
    assert (alone.path, alone.annotations) == ("one.png", one.annotations)


def test_classes_of_the_challenges_keep_their_order_and_others_are_sorted(tmp_path: Path) -> None:
    foreign(tmp_path / "a", OBJECT.format("", 4))
    assert tuple(category.name for category in read(tmp_path / "a").categories) == VOC_CLASSES
    foreign(tmp_path / "b", OBJECT.format("", 4) + OBJECT.format("", 4).replace("car", "Bus"))
    assert [category.name for category in read(tmp_path / "b").categories] == ["Bus", "car"]


def test_lists_say_splits_classes_and_who_was_not_labelled(tmp_path: Path) -> None:
    foreign(tmp_path, OBJECT.format("", 4))
    for name, text in {
        "Main/train.txt": "a\n",
        "Main/val.txt": "b\n",
        "Main/trainval.txt": "a\nb\n",
        "Main/car_train.txt": "a  1\n",
        "Main/bus_train.txt": "a  1\n",
        "Main/person_train.txt": "a -1\n",
    }.items():
        (tmp_path / "ImageSets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ImageSets" / name).write_text(text)
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "JPEGImages/b.png").touch()
    a, b = read(tmp_path).items
    assert (a.split, a.label, a.labelled) == ("train", "bus", True)
    assert (b.split, b.label, b.labelled, b.path) == ("val", None, False, "JPEGImages/b.png")
    (tmp_path / "ImageSets/Main/val.txt").write_text("a\n")
    with pytest.raises(AnnotationError, match=r"^ImageSets/Main/val.txt:1: 'a' stands in train as well"):
        read(tmp_path)


def test_a_labelmap_lists_classes_and_parts(tmp_path: Path) -> None:
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
    foreign(tmp_path, OBJECT.format(f"<part><name>wheel</name>{box}</part>", 4))
    (tmp_path / "labelmap.txt").write_text("# label\nbackground:0,0,0::\nbus:::\ncar:1,2,3:wheel,door:run\n")
    assert [category.name for category in read(tmp_path).categories] == ["bus", "car", "wheel", "door"]
    assert [label.label for label in item(tmp_path).annotations] == ["car", "wheel"]
    assert labelmap(["car", "bus"]).splitlines()[1:] == ["background:0,0,0::", "car:128,0,0::", "bus:0,128,0::"]
    assert labelmap(["a:b"]) == ""


def test_an_id_that_is_too_long_for_a_file_is_one_without_a_file(tmp_path: Path) -> None:
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ImageSets/Main/val.txt").write_text("9" * 400)
    assert not item(tmp_path).labelled


def test_a_class_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    foreign(tmp_path, OBJECT.format("", 4))
    (tmp_path / "classes.txt").write_text("bus\n")
    with pytest.raises(AnnotationError, match=r"^JPEGImages/a.jpg: the class 'car' is not in classes.txt"):
        item(tmp_path)


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.xml:1: not valid XML"),
        (b"\x00\x01\xff", "a.xml:1: not valid XML"),
        (b"<annotation>\n<object>\n", "a.xml:3: not valid XML"),
        (b"<annotation>\xff</annotation>", "a.xml:1: not valid XML"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "encoding"),
        (b'<?xml version="1.0" encoding="cp932"?><annotation/>', "encoding"),
        (f"<!DOCTYPE a [<!ENTITY a0 'lol'>{BOMB}]><annotation>&a9;</annotation>".encode(), "entities"),
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation>&e;</annotation>', "entities"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><annotation>&e;</annotation>', "a.xml"),
        (b"<a>" * 500_000, "more than 32 elements in each other"),
        (b"<annotation>" + b" " * 2**24 + b"</annotation>", "longer than"),
        (OBJECT.format("", 4).replace("car", "").encode(), "object 1: name = ''"),
        (OBJECT.format("", 4).replace("car", "a&#10;b").encode(), "in one line"),
        (b"<object><name>a</name></object>", "object 1: bndbox is missing"),
        (OBJECT.format("", "nan").encode(), "object 1: xmax = 'nan'"),
        (OBJECT.format("", "1e99").encode(), "object 1: xmax = '1e99'"),
        (OBJECT.format("", "1_0").encode(), "object 1: xmax = '1_0'"),
        (OBJECT.format("", "").encode(), "object 1: xmax = ''"),
        (OBJECT.format("<difficult>2</difficult>", 4).encode(), "object 1: difficult = '2'"),
        (OBJECT.format("<part><name>head</name></part>", 4).encode(), "object 1: part 1: bndbox"),
        (b"<filename>../../a.jpg</filename>", "'../../a.jpg': expected one inside"),
        (b"<filename>/etc/a.jpg</filename>", "'/etc/a.jpg': expected one inside"),
        (b"<filename>C:\\a.jpg</filename>", "expected one inside"),
        (b"<size><width>wide</width></size>", "size/width = 'wide'"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    if content[:4] in (b"<obj", b"<fil", b"<siz"):
        content = b"<annotation>" + content + b"</annotation>"
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_bytes(content)
    with pytest.raises(AnnotationError) as caught:
        list(read(tmp_path).items)
    assert said in str(caught.value)
    assert "a.xml" in str(caught.value)
    assert len(str(caught.value)) < 500


@given(st.binary(max_size=60) | st.text("<>/&;ab \n\"'=!?[]-", max_size=60).map(str.encode))
def test_no_bytes_bring_anything_but_our_errors(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        foreign(folder, "")
        (folder / "Annotations/a.xml").write_bytes(b"<annotation>" + content + b"</annotation>")
        (folder / "ImageSets/Main").mkdir(parents=True)
        (folder / "ImageSets/Main/train.txt").write_bytes(content)
        (folder / "SegmentationObject").mkdir()
        (folder / "SegmentationObject/a.png").write_bytes(content)
        with contextlib.suppress(AnnotationError):
            list(read(folder).items)


@pytest.mark.parametrize("name", ["Main/train.txt", "Main/car_train.txt"])
def test_lists_that_are_none_are_named_with_the_line(tmp_path: Path, name: str) -> None:
    foreign(tmp_path, OBJECT.format("", 4))
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / name).write_bytes(b"a  1\n\xff\n" if "car" in name else b"a\n../../etc\n")
    with pytest.raises(AnnotationError, match=r"train.txt:2: "):
        list(read(tmp_path).items)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_masks_that_are_none_are_named(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, [])
    (tmp_path / "SegmentationObject").mkdir()
    (tmp_path / "SegmentationObject/a.png").write_bytes(content)
    with pytest.raises(AnnotationError, match=r"^SegmentationObject/a\.png: not a PNG"):
        item(tmp_path)


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="expected"):
            read(path)
