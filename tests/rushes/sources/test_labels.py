from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from rushes.formats.coco_read import read_labels
from rushes.formats.dataset import Labelled
from rushes.formats.dm import Version, dump, migrate_v1_to_v2, render
from rushes.labels import Annotation
from rushes.records import Rejection, Source
from rushes.sources import coco as coco_files
from rushes.sources import labels, read_sources
from rushes.workspace import Workspace
from tests.http_server import serve
from tests.rushes.runs import manifest, png, run, settings
from tests.rushes.sources.test_reading import LOOPBACK

BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>"
VOC = f"<annotation><filename>other.jpg</filename><object><name>car</name>{BOX}</object></annotation>"
CAR = Annotation("car", box=(1, 2, 3, 4))


def rows(folder: Path, *cells: tuple[str, str]) -> list[Source | Rejection]:
    """Returns the items of rows of a url and annotations, in their order."""
    lines = [json.dumps({"id": str(at), "url": url, "annotations": told}) for at, (url, told) in enumerate(cells)]
    path = folder / "items.jsonl"
    path.write_text("\n".join(lines))
    return list(read_sources(str(path)))


def item(folder: Path, url: str, annotations: str) -> Source:
    (found,) = rows(folder, (url, annotations))
    assert isinstance(found, Source), found
    return found


def error(folder: Path, url: str, annotations: str) -> str:
    (found,) = rows(folder, (url, annotations))
    assert isinstance(found, Rejection), found
    assert found.code == "bad_annotation"
    return found.message


def coco(path: Path, *names: str, **more: object) -> None:
    """Writes a document of images, the n-th of which, from 1, has one box that begins at x = n."""
    numbered = list(enumerate(names, 1))
    content = {
        "images": [{"id": at, "file_name": name, "width": 32, "height": 24} for at, name in numbered],
        "annotations": [{"id": at, "image_id": at, "category_id": 7, "bbox": [at, 2, 3, 4]} for at, _ in numbered],
        "categories": [{"id": 7, "name": "car"}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | more))


def begins(found: Sequence[Source | Rejection]) -> list[float | None]:
    """Returns where the first box of each item begins; None where it is no item."""
    return [
        one.annotations[0].box[0] if isinstance(one, Source) and one.annotations and one.annotations[0].box else None
        for one in found
    ]


def test_an_image_is_found_in_a_coco_document_by_its_file_name(tmp_path: Path) -> None:
    coco(tmp_path / "labels" / "a.json", "a.jpg", "b c.jpg", "deep/c.jpg")
    name = "labels/a.json"
    cells = [("http://h/x/b%20c.jpg?sig=1", name), ("a.jpg", name), ("s3://h/x/deep/c.jpg", name), ("c.jpg", name)]
    assert begins(rows(tmp_path, *cells)) == [2, 1, 3, 3]


def test_a_folder_tells_images_of_one_name_apart(tmp_path: Path) -> None:
    coco(tmp_path / "a.json", "one/a.jpg", "two/a.jpg", "b\\a.jpg")
    cells = [(f"http://h/x/{folder}/a.jpg", "a.json") for folder in ("two", "one", "b")]
    assert begins(rows(tmp_path, *cells)) == [2, 1, 3]
    assert "several of its images are named 'a.jpg'" in error(tmp_path, "three/a.jpg", "a.json")


def test_an_image_that_the_document_does_not_have_fails_its_row_alone(tmp_path: Path) -> None:
    coco(tmp_path / "a.json", "a.jpg")
    found = rows(tmp_path, ("z.jpg", "a.json"), ("a.jpg", "a.json"))
    assert begins(found) == [None, 1]
    assert isinstance(found[0], Rejection)
    assert found[0].message.startswith(
        "items.jsonl:1: annotations = a.json: a.json: none of its 1 images is named 'z.jpg'"
    )


def test_an_image_that_nobody_labelled_and_one_with_nothing_in_it_differ(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg", "labelled": False}]
    coco(tmp_path / "a.json", images=images, annotations=[])
    assert item(tmp_path, "a.jpg", "a.json").annotations == ()
    assert item(tmp_path, "b.jpg", "a.json").annotations is None


def test_what_a_coco_document_says_and_labels_cannot_is_counted(tmp_path: Path) -> None:
    label = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "segmentation": [[1, 1]]}
    coco(tmp_path / "a.json", "a.jpg", annotations=[label])
    found = item(tmp_path, "a.jpg", "a.json")
    assert (found.annotations, found.dropped) == ((CAR,), {"degenerate_outline": 1})


def test_a_document_is_read_once_even_where_it_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def counted(path: Path):  # type: ignore[no-untyped-def]  # it is read_labels
        opened.append(path.name)
        return read_labels(path)

    monkeypatch.setattr(coco_files, "read_labels", counted)
    coco(tmp_path / "good.json", "a.jpg")
    (tmp_path / "bad.json").write_text('{"images": [7]}')
    found = rows(tmp_path, *[("a.jpg", name) for _ in range(5) for name in ("good.json", "bad.json")])
    assert begins(found) == [1, None] * 5
    assert sorted(opened) == ["bad.json", "good.json"]


def test_only_few_documents_are_kept_and_all_of_them_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MAX_DOCUMENTS", 2)
    for number in range(4):
        coco(tmp_path / f"{number}.json", *[f"{at}.jpg" for at in range(number)], "a.jpg")
    found = rows(tmp_path, *[("a.jpg", f"{number}.json") for _ in range(2) for number in range(4)])
    assert begins(found) == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_voc_file_is_that_of_the_row_whatever_image_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(VOC)
    assert item(tmp_path, "http://h/a.jpg", "a.xml").annotations == (CAR,)
    assert item(tmp_path, "http://h/a.jpg", (tmp_path / "a.xml").as_uri()).annotations == (CAR,)
    assert item(tmp_path, "http://h/a.jpg", "file:a.xml").annotations == (CAR,)
    assert item(tmp_path, "http://h/a.jpg", str(tmp_path / "a.xml")).annotations == (CAR,)


@pytest.mark.parametrize("place", ["labels/train/classes.txt", "labels/classes.txt"])
def test_a_yolo_file_has_its_classes_beside_it_and_its_pixels_from_the_picture(tmp_path: Path, place: str) -> None:
    png(tmp_path / "a.png", size=(100, 50))
    path = tmp_path / "labels" / "train" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_text("1 0.5 0.5 0.2 0.4\n")
    assert "expected their names in classes.txt beside it" in error(tmp_path, "a.png", "labels/train/a.txt")
    (tmp_path / place).write_text("bus\ncar\n")
    (label,) = item(tmp_path, "a.png", "labels/train/a.txt").annotations or ()
    assert label.label == "car"
    assert label.box == pytest.approx((40, 15, 20, 20))
    assert "only the picture says how large it is" in error(tmp_path, "http://h/a.png", "labels/train/a.txt")
    path.write_text("\n1 0.5 0.5 0.2\n")
    assert "a.txt:2: 4 columns" in error(tmp_path, "a.png", "labels/train/a.txt")
    path.write_text("")
    assert item(tmp_path, "a.png", "labels/train/a.txt").annotations == ()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_dm_document_is_that_of_the_row(tmp_path: Path, version: Version) -> None:
    labelled = Labelled("a", "a.jpg", 32, 24, annotations=(CAR,))
    (tmp_path / "a.json").write_bytes(dump(render(labelled, version)[0]))
    found = item(tmp_path, "http://h/b.jpg", "a.json")
    assert [(label.label, label.box) for label in found.annotations or ()] == [("car", (1, 2, 3, 4))]


def test_the_class_as_a_whole_of_a_dm_document_is_that_of_the_row(tmp_path: Path) -> None:
    labelled = Labelled("a", "a.jpg", 32, 24, annotations=(CAR,), label="street")
    (tmp_path / "a.json").write_bytes(dump(render(labelled, "v1")[0]))
    lines = "url,annotations,label\nhttp://h/a.jpg,a.json,\nhttp://h/b.jpg,a.json,street\nhttp://h/c.jpg,a.json,yard\n"
    (tmp_path / "items.csv").write_text(lines)
    found = list(read_sources(str(tmp_path / "items.csv")))
    said = [(one.label, [each.label for each in one.annotations or ()]) for one in found if isinstance(one, Source)]
    assert said == [("street", ["car"]), ("street", ["car"]), ("yard", ["car", "street"])]


def test_keypoints_keep_their_order_from_one_dm_document_to_the_next(tmp_path: Path) -> None:
    def document(*names: str) -> bytes:
        points = [
            {"id": f"p{at}", "tool": "keypoint", "classification": {"class": name}} for at, name in enumerate(names)
        ]
        placed = [{"id": f"p{at}", "coordinate": {"x": len(name), "y": 1}} for at, name in enumerate(names)]
        group = {"classification": {"class": "face"}, "annotationList": [{"annotationId": one["id"]} for one in points]}
        v1 = {
            "annotations": {"image_1": points},
            "annotationsData": {"image_1": placed},
            "annotationGroups": {"image_1": [{"id": "g", "tool": "annotationGroup"} | group]},
        }
        return dump(migrate_v1_to_v2(v1))

    (tmp_path / "a.json").write_bytes(document("eye", "chin"))
    (tmp_path / "b.json").write_bytes(document("chin", "eye"))
    first, second = rows(tmp_path, ("a.jpg", "a.json"), ("b.jpg", "b.json"))
    assert isinstance(first, Source)
    assert isinstance(second, Source)
    assert [label.keypoints for label in first.annotations or ()] == [((3, 1, 2), (4, 1, 2))]
    assert second.annotations == first.annotations


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("none.json", None, "no such file. Paths count from the folder"),
        ("file://[", None, "expected a path, or file:///path"),
        ("a.json", "[]", "looks like no dataset"),
        ("a.json", '{"images": [', "a.json"),
        ("a.json", '{"annotations": {}, "annotationsData": 7}', "a.json"),
        ("a.xml", "<annotation>", "a.xml:1: not valid XML"),
        ("a.xml", "<html/>", "a.xml: <html>: expected <annotation>"),
        ("a.xml", VOC.replace("<xmin>2", "<xmin>x"), "a.xml: object 1: xmin = 'x'"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "entities are not read"),
    ],
)
def test_what_is_wrong_is_named_by_row_file_and_place(
    tmp_path: Path, name: str, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    found = error(tmp_path, "http://h/a.jpg", name)
    assert found.startswith("items.jsonl:1: annotations = ")
    assert expected in found


def test_a_list_from_elsewhere_names_no_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(VOC)
    content = f"url,annotations\na.jpg,{(tmp_path / 'a.xml').as_uri()}\nb.jpg,{tmp_path / 'a.xml'}\n".encode()
    with serve({"/items.csv": content}) as server:
        found = list(read_sources(server.url("/items.csv"), LOOPBACK))
    assert [one.code for one in found if isinstance(one, Rejection)] == ["bad_url", "http_status"]


def test_labels_of_a_file_reach_the_dataset(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    png(tmp_path / "a.png")
    coco(tmp_path / "labels.json", "a.png")
    ended = run(settings(workspace, [{"url": "a.png", "annotations": "labels.json", "id": "a"}]), workspace)
    assert manifest(Path(str(ended.dataset)))["a"].annotations == (CAR,)
