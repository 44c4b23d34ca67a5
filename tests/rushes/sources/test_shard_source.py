"""Shards as a source: members of tars are items, read where they stand, and never as a whole shard."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
from PIL import Image

from rushes.convert import convert
from rushes.errors import ConfigError
from rushes.files import tars
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.labels import Category
from rushes.plan import make_plan, new_run
from rushes.preview.forecast import forecast
from rushes.records import Source
from rushes.shards import read
from rushes.sources import read_sources
from rushes.summary.verify import verify_dataset
from rushes.transfer.urls import redact, suffix
from rushes.workspace import Workspace
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import codes, ingest, manifest, run
from tests.ultralytics_rules import check_dataset


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def picture(colour: str, size: tuple[int, int] = (32, 24)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def shard(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    """Writes a tar as its library does, with whatever headers long and foreign names take."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def foreign(folder: Path) -> Path:
    """Writes shards as others write them: a class by its number or name, and no file of classes."""
    shard(folder / "train-000000.tar", [("a.png", picture("red")), ("a.cls", b"cat")])
    shard(folder / "val-000000.tar", [("d/ü x#&.cls", b"dog"), ("d/ü x#&.png", picture("blue"))])
    return folder


def found(source: Path) -> list[Source]:
    rows = list(read_sources(str(source)))
    assert all(isinstance(row, Source) for row in rows)
    return [row for row in rows if isinstance(row, Source)]


def test_what_was_packed_comes_out_as_it_went_in(workspace: Workspace, tmp_path: Path) -> None:
    """From files to shards by convert, from shards to files by a run: the same media, labels, splits and classes."""
    (tmp_path / "coco").mkdir()
    images = []
    for number, colour in enumerate(("red", "green", "blue"), 1):
        (tmp_path / "coco" / f"{colour}.png").write_bytes(picture(colour))
        images.append({"id": number, "file_name": f"{colour}.png", "width": 32, "height": 24})
    label = {"id": 1, "image_id": 2, "category_id": 4, "bbox": [8, 6, 16, 12]}
    document = {
        "images": images,
        "annotations": [label],
        "categories": [{"id": 3, "name": "x"}, {"id": 4, "name": "y"}],
    }
    (tmp_path / "coco" / "val.json").write_text(json.dumps(document))
    convert(tmp_path / "coco" / "val.json", tmp_path / "shards", None, "webdataset")
    categories: list[Category] = []
    rows = list(read_sources(str(tmp_path / "shards"), None, categories))
    assert [category.name for category in categories] == ["x", "y"]
    assert [row.id for row in rows if isinstance(row, Source)] == ["red", "green", "blue"]
    ended = run(pipeline(workspace, source=str(tmp_path / "shards")), workspace)
    data = Path(str(ended.dataset))
    assert (ended.items["ok"], ended.fetched, ended.files) == (3, 3, 3)
    assert check_dataset(data / "dataset.yaml") == []
    assert verify_dataset(data).intact
    for colour in ("red", "green", "blue"):
        assert (data / "images" / "val" / f"{colour}.png").read_bytes() == picture(colour)
    assert (data / "labels" / "val" / "green.txt").read_text() == "1 0.500000 0.500000 0.500000 0.500000\n"
    assert manifest(data)["green"].source == (tmp_path / "shards/val-000000.tar").as_uri() + "#member=green.png"


def test_shards_of_other_writers_are_items_under_names_of_any_kind(workspace: Workspace, tmp_path: Path) -> None:
    long = "n" * 180
    folder = foreign(tmp_path / "shards")
    shard(folder / "train-000001.tar", [(f"{long}.png", picture("green"))])
    rows = {row.id: row for row in found(folder)}
    assert list(rows) == ["train-000000/a", f"train-000001/{long}", "val-000000/d/ü x#&"]
    assert [(row.label, row.annotations, row.split) for row in rows.values()] == [
        ("cat", None, "train"),
        (None, None, "train"),
        ("dog", None, "val"),
    ]
    ended = run(pipeline(workspace, source=str(folder), export={"format": "imagefolder"}), workspace)
    kept = manifest(Path(str(ended.dataset)))
    pictures = {name: (Path(str(ended.dataset)) / str(row.path)).read_bytes() for name, row in kept.items()}
    assert list(pictures.values()) == [picture("red"), picture("green"), picture("blue")]


def test_one_shard_alone_is_a_source(workspace: Workspace, tmp_path: Path) -> None:
    ended = run(
        pipeline(workspace, source=str(foreign(tmp_path) / "train-000000.tar"), run={"max_failed": 0}), workspace
    )
    assert (ended.items["planned"], ended.items["ok"]) == (1, 1)


def test_a_second_run_fetches_nothing_and_of_a_shard_that_grew_nothing_counts_as_changed(
    workspace: Workspace, tmp_path: Path
) -> None:
    members = [(f"{colour}.png", picture(colour)) for colour in ("red", "green")]
    path = shard(tmp_path / "train-000000.tar", members)
    config = pipeline(workspace, source=str(path))
    first, second = run(config, workspace), run(config, workspace)
    assert [(one.fetched, one.made) for one in (first, second)] == [(2, 2), (0, 0)]
    shard(path, [("blue.png", picture("blue")), *members])
    os.utime(path, ns=(1, 1))
    third = run(config, workspace)
    assert (third.fetched, third.changed, third.items["ok"]) == (3, 0, 3)
    assert len([path for path in (workspace.root / "media").rglob("*") if path.is_file()]) == 3


def test_a_shard_that_changes_after_the_plan_gives_no_bytes_of_another_member(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = shard(tmp_path / "train-000000.tar", [("a.png", picture("red")), ("b.png", picture("green"))])
    config = pipeline(workspace, source=str(path), run={"max_failed": 1})
    plan = make_plan(config, workspace, new_run())
    shard(path, [("b.png", picture("green")), ("a.png", picture("blue", (99, 99)))])
    for batch in plan.batches:
        for step in (download_batch, checksum_batch, transcode_batch):
            step(config, workspace, batch)
    assert set(codes(config, workspace, plan).values()) == {"bad_url"}
    again = ingest(config, workspace)
    assert set(codes(config, workspace, again).values()) == {"ok"}


def test_the_size_limit_is_that_of_a_member(workspace: Workspace, tmp_path: Path) -> None:
    small, large = picture("red"), picture("red") + bytes(5000)
    path = shard(tmp_path / "train-000000.tar", [("small.png", small), ("large.png", large)])
    config = pipeline(workspace, source=str(path), download={"max_bytes": 4000}, run={"max_failed": 1})
    plan = ingest(config, workspace)
    assert codes(config, workspace, plan) == {"train-000000/small": "ok", "train-000000/large": "too_large"}


def test_a_look_ahead_knows_what_members_come_to(workspace: Workspace, tmp_path: Path) -> None:
    path = shard(tmp_path / "train-000000.tar", [("a.png", picture("red")), ("a.json", b'{"x": 1}')])
    seen = forecast(pipeline(workspace, source=str(path)), workspace, offline=True)
    assert (seen.fetch_bytes, seen.archives) == (len(picture("red")), 0)


class _Counting(io.FileIO):
    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(-1 if size is None else size) or b""
        _Counting.read_bytes += len(content)
        return content


def test_media_are_passed_over_when_a_shard_is_planned(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(path: Path) -> IO[bytes]:
        return _Counting(path, "rb")

    path = shard(tmp_path / "train-000000.tar", [(f"{n}.png", bytes(2**20)) for n in range(5)] + [("4.json", b"{}")])
    monkeypatch.setattr(tars, "_plain", counted)
    assert len(found(path)) == 5
    assert 0 < _Counting.read_bytes < 2**18


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("../a.png", b"")], "leads out"),
        ([("a.png", b""), ("a.png", b"")], "twice"),
        ([("a.json", b"{}")], "expected an image or a video"),
        ([("a.png", b""), ("a.json", b"[" * 100_000)], "not valid JSON"),
    ],
)
def test_a_hostile_shard_stops_the_plan_and_is_named(
    tmp_path: Path, members: Sequence[tuple[str, bytes]], said: str
) -> None:
    shard(tmp_path / "train-000000.tar", members)
    with pytest.raises(ConfigError, match=rf"^source = .*: train-000000\.tar: .*{said}"):
        list(read_sources(str(tmp_path)))


def test_a_shard_that_is_cut_off_stops_the_plan(tmp_path: Path) -> None:
    path = shard(tmp_path / "train-000000.tar", [("a.png", picture("red") + bytes(50_000))])
    for length in (100, 600, 20_000):
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(ConfigError, match=r"train-000000\.tar"):
            list(read_sources(str(path)))


def test_a_sample_cannot_say_where_its_media_are(tmp_path: Path) -> None:
    """Only the reader does: what stands in a shard may not name a file of this machine."""
    ours = {"id": "a", "width": 1, "height": 1, "group": None, "label": None, "labelled": True, "annotations": []}
    hostile = ours | {"attributes": {}, "packed": {"file": "/etc/passwd", "offset": 0, "size_bytes": 9, "state": "x"}}
    path = shard(tmp_path / "a.tar", [("a.png", b"x"), ("a.json", json.dumps(hostile).encode())])
    (item,) = read(path).items
    assert item.packed is not None
    assert (item.packed.file, item.packed.size_bytes) == ("a.tar", 1)
    (unpacked,) = read(path, into=tmp_path / "media").items
    assert unpacked.packed is None


def test_the_url_of_a_member_is_shown_by_its_name(tmp_path: Path) -> None:
    (row,) = found(shard(tmp_path / "a b.tar", [("d/ü#1.png", picture("red"))]))
    assert suffix(row.url) == ".png"
    assert redact(row.url) == f"{(tmp_path / 'a b.tar').as_uri()}#member=d/%C3%BC%231.png"


def test_no_row_of_a_list_reaches_into_a_tar(workspace: Workspace, tmp_path: Path) -> None:
    (row,) = found(shard(tmp_path / "a.tar", [("a.png", picture("red"))]))
    (tmp_path / "items.csv").write_text(f"url\n{row.url}\n")
    (plain,) = found(tmp_path / "items.csv")
    assert plain.url == (tmp_path / "a.tar").as_uri()
