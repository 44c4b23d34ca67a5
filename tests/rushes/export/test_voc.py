from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rushes.export.batch import export_batch, finish
from rushes.formats.voc_read import read
from rushes.jsonl import read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow, Media, Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import batch, image, pipeline
from tests.voc_rules import check_dataset, objects_of

CLASSES = ("car", "a/b & <c>", "Straße")
RING = ((4.0, 8.0), (44.0, 8.0), (44.0, 60.0))


def export(workspace: Workspace, batches: Sequence[Sequence[Media]], data: Path) -> dict[str, ManifestRow]:
    settings = pipeline(workspace, export={"format": "voc"})
    plans = [batch(workspace, media, f"{number:04d}", data.name) for number, media in enumerate(batches)]
    for plan in plans:
        export_batch(settings, workspace, plan, data, CLASSES)
    finish(settings, workspace, data.name, [plan.name for plan in plans], data, CLASSES)
    folder = workspace.run(data.name) / "export"
    rows = [row for plan in plans for row in read_lines(folder / f"{plan.name}.rows.jsonl", ManifestRow)]
    return {row.id: row for row in rows}


@pytest.fixture
def media(workspace: Workspace) -> list[Media]:
    outlined = (
        Annotation("a/b & <c>", box=(1.5, 2, 30, 40), difficult=True),
        Annotation("Straße", polygon=RING),
        Annotation("a/b & <c>", box=(100, 2, 9, 9), difficult=True),
    )
    return [
        image(workspace, Source("a.v1", "a.png", annotations=outlined, split="train")),
        image(workspace, Source("ü/b", "b.jpg", annotations=(), split="train"), suffix=".jpg"),
        image(workspace, Source("c", "c.png", split="train")),
        image(workspace, Source("d", "d.png", annotations=(Annotation("car", box=(0, 0, 8, 8)),), split="val")),
        image(workspace, Source("e", "e.png", label="car", split="val")),
    ]


def test_the_development_kit_has_nothing_to_complain_of(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    rows = export(workspace, [media], tmp_path / "data")
    assert check_dataset(tmp_path / "data") == []
    assert rows["a.v1"].dropped == {"outline_as_pixels": 1, "rounded_to_pixel": 1}
    assert objects_of(tmp_path / "data/Annotations/a.v1.xml") == [
        ("a/b & <c>", [3, 3, 32, 42]),
        ("Straße", [5, 9, 44, 60]),
        ("a/b & <c>", [101, 3, 109, 11]),
    ]


def test_what_was_exported_is_read_again(workspace: Workspace, media: list[Media], tmp_path: Path) -> None:
    rows = export(workspace, [media], tmp_path / "data")
    found = read(tmp_path / "data")
    assert tuple(category.name for category in found.categories) == CLASSES
    items = {item.path: item for item in found.items}
    assert items.keys() == {row.path for row in rows.values()}
    for row in rows.values():
        item = items[row.path or ""]
        assert (item.split, item.labelled) == (row.split, row.annotations is not None)
        if item.labelled:
            assert (item.width, item.height) == (row.width, row.height)
    outlined = items["JPEGImages/a.v1.png"].annotations
    assert [label.mask is not None for label in outlined] == [False, True, False]
    assert [label.difficult for label in outlined] == [True, False, True]
    assert items[rows["e"].path or ""].label == "car"
    assert items[rows["ü/b"].path or ""].annotations == ()


def test_lists_say_who_is_in_which_split_and_shows_what(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    export(workspace, [media], tmp_path / "data")
    sets = tmp_path / "data/ImageSets"
    texts = {path.relative_to(sets).as_posix(): path.read_text() for path in sets.rglob("*.txt")}
    b = next(path.stem for path in (tmp_path / "data/JPEGImages").glob("ü-b*"))
    assert texts["Main/train.txt"] == f"a.v1\n{b}\n"
    assert texts["Main/trainval.txt"] == f"a.v1\n{b}\nd\ne\n"
    assert texts["Main/Straße_train.txt"] == f"a.v1  1\n{b} -1\n"
    assert texts["Main/car_val.txt"] == "d  1\ne  1\n"
    assert texts["Segmentation/train.txt"] == "a.v1\n"
    assert texts["Unlabelled/train.txt"] == "c\n"
    (difficult,) = (text for name, text in texts.items() if name.startswith("Main/a-b") and "_train." in name)
    assert difficult == f"a.v1  0\n{b} -1\n"


def test_one_batch_or_five_give_the_same_files(workspace: Workspace, media: list[Media], tmp_path: Path) -> None:
    export(workspace, [media], tmp_path / "one")
    export(workspace, [[one] for one in media], tmp_path / "five")
    one, five = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "five")
    )
    assert one == five
