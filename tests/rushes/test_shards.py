from __future__ import annotations

import contextlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from webdataset.tariterators import group_by_keys, tar_file_expander

from rushes.errors import AnnotationError, ArchiveError, ConfigError
from rushes.formats import webdataset
from rushes.formats.dataset import Labelled
from rushes.labels import Annotation
from rushes.shards import read
from tests.rushes.formats.items import CLASSES, any_item

MEDIA = b"not looked at"


def judged(path: Path) -> list[dict[str, Any]]:
    """Returns samples as the webdataset library tells them apart."""
    with path.open("rb") as file:
        return list(group_by_keys(tar_file_expander(iter([{"url": path.name, "stream": file}]))))


def shard(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    parts = [
        webdataset.header(name, len(content)) + content + webdataset.padding(len(content)) for name, content in members
    ]
    path.write_bytes(b"".join(parts) + webdataset.END)
    return path


def written(folder: Path, items: Sequence[Labelled]) -> Path:
    members: list[tuple[str, bytes]] = []
    for number, item in enumerate(items):
        key = webdataset.key_of(f"a.{number}")
        members.append((f"{key}.jpg", MEDIA))
        members += [(f"{key}.{one.suffix}", one.content) for one in webdataset.render(item, CLASSES)[0]]
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")
    return shard(folder / "val-000000.tar", members)


@settings(max_examples=50)
@given(any_item(), any_item())
def test_what_was_written_is_read_without_a_loss(first: Labelled, second: Labelled) -> None:
    items = [replace(first, id="1"), replace(second, id="2")]
    with tempfile.TemporaryDirectory() as name:
        written(Path(name), items)
        found = list(read(Path(name)).items)
        keys = [webdataset.key_of(f"a.{number}") for number in range(2)]
        expected = zip(items, keys, strict=True)
        assert [replace(one, packed=None) for one in found] == [
            replace(item, path=f"val-000000.tar/{key}.jpg", split="val") for item, key in expected
        ]


def test_tar_and_webdataset_itself_read_what_was_written(tmp_path: Path) -> None:
    items = [
        Labelled("a", "a.jpg", 64, 48, (Annotation("car", box=(1, 2, 3, 4)),), label="=1+1"),
        Labelled("b", "b.jpg", labelled=False),
    ]
    path = written(tmp_path, items)
    names = subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True).stdout.split()
    a, b = (webdataset.key_of(f"a.{number}") for number in range(2))
    assert names == [f"{a}.jpg", f"{a}.json", f"{a}.cls", f"{b}.jpg", f"{b}.json"]
    first, second = judged(path)
    assert (first["__key__"], first["jpg"]) == (a, MEDIA)
    assert json.loads(first["json"])["annotations"] == [{"class": "car", "box": [1, 2, 3, 4]}]
    assert int(first["cls"]) == CLASSES.index("=1+1")
    assert json.loads(second["json"])["labelled"] is False


def test_members_bear_no_trace_of_the_machine_or_the_day(tmp_path: Path) -> None:
    with tarfile.open(written(tmp_path, [Labelled("a", "a.jpg")])) as tar:
        for member in tar:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert member.mode == 0o644


@pytest.mark.parametrize("name", ["a" * 150, "ü" * 60, "日本語"])
def test_long_and_foreign_names_come_back(tmp_path: Path, name: str) -> None:
    path = shard(tmp_path / "train-000000.tar", [(f"{name}.jpg", MEDIA), (f"{name}.json", b"{}")])
    (item,) = read(tmp_path).items
    assert (item.id, item.path) == (f"train-000000/{name}", f"train-000000.tar/{name}.jpg")
    (found,) = judged(path)
    assert found["__key__"] == name


def test_a_dot_would_end_a_key() -> None:
    assert webdataset.key_of("plain") == "plain"
    assert "." not in webdataset.key_of("a.b")
    assert webdataset.key_of("a.b") != webdataset.key_of("a-b")


def test_shards_of_other_writers_are_read(tmp_path: Path) -> None:
    shard(
        tmp_path / "data-train-000000.tar",
        [
            ("dir/0001.jpg", MEDIA),
            ("dir/0001.txt", b"A caption"),
            ("dir/0001.json", b'{"url": "http://x"}'),
            ("dir/0001.npy", b"\x93NUMPY"),
            ("README", b""),
            ("0002.seg.PNG", MEDIA),
            ("0002.mp4", MEDIA),
            ("0002.cls", b"7\n"),
        ],
    )
    first, second = read(tmp_path / "data-train-000000.tar", into=tmp_path / "media").items
    assert (first.id, first.path) == ("data-train-000000/dir/0001", "data-train-000000.tar/dir/0001.jpg")
    assert (first.attributes, first.dropped) == ({"url": "http://x", "txt": "A caption"}, {"member_unsupported": 1})
    assert (second.label, second.labelled, second.dropped) == ("7", False, {"member_unsupported": 1})
    assert (tmp_path / "media" / first.path).read_bytes() == MEDIA
    assert (tmp_path / "media" / second.path).read_bytes() == MEDIA


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("a.json", b"{}")], "train-000000.tar: a: expected an image or a video"),
        ([("a.jpg", b""), ("a.json", b"{")], "train-000000.tar: a.json: not valid JSON"),
        ([("a.jpg", b""), ("a.json", b"[" * 100_000)], "train-000000.tar: a.json: not valid JSON"),
        ([("a.jpg", b""), ("a.cls", b"\xff")], "train-000000.tar: a.cls: not in UTF-8"),
        ([("a.jpg", b""), ("a.cls", b"9")], "train-000000.tar: a.cls = '9': expected 0 to 1"),
        ([("a.jpg", b""), ("a.cls", b"9" * 5000)], "expected 0 to 1"),
        ([("a.jpg", b""), ("a.cls", b" ")], "the number of a class"),
        ([("a.jpg", b""), ("b.jpg", b""), ("a.json", b"{}")], "train-000000.tar: a: its members stand apart"),
        ([("a.jpg", b""), ("a.json", b" " * (2**26 + 1))], "train-000000.tar: a.json: more than"),
    ],
)
def test_a_sample_that_is_none_is_named_with_its_place(
    tmp_path: Path, members: list[tuple[str, bytes]], said: str
) -> None:
    shard(tmp_path / "train-000000.tar", members)
    (tmp_path / "classes.txt").write_text("car\nbus\n")
    with pytest.raises(AnnotationError) as caught:
        list(read(tmp_path).items)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_rushes_writes_is_checked_when_it_comes_back(tmp_path: Path) -> None:
    good = json.loads(webdataset.render(Labelled("a", "a.jpg"), CLASSES)[0][0].content)
    for wrong, said in (({"width": "wide"}, "width"), ({"annotations": [{"class": 5}]}, r"annotations\[0\].class")):
        shard(tmp_path / "a.tar", [("a.jpg", b""), ("a.json", json.dumps(good | wrong).encode())])
        with pytest.raises(AnnotationError, match=rf"^a.tar: a.json: .*{said}"):
            list(read(tmp_path).items)


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a/../../b.jpg"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    shard(tmp_path / "a.tar", [(name, MEDIA)])
    with pytest.raises(ArchiveError, match="leads out"):
        list(read(tmp_path / "a.tar", into=tmp_path / "deep/media").items)
    assert not list(tmp_path.rglob("*.jpg"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("a.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "b.jpg"
        tar.addfile(link)
    with pytest.raises(AnnotationError, match="expected an image or a video"):
        list(read(tmp_path / "a.tar", into=tmp_path / "media").items)


def test_a_shard_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", [("a.jpg", bytes(5000))])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ArchiveError, match=r"^a\.tar: "):
        list(read(tmp_path).items)


@given(st.binary(max_size=1500))
def test_no_bytes_bring_anything_but_our_errors(content: bytes) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(AnnotationError, ArchiveError):
        (Path(name) / "a.tar").write_bytes(whole.getvalue()[:600] + content)
        list(read(Path(name)).items)


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a.tar"):
        with pytest.raises(ConfigError, match="found none"):
            read(path)
