"""Label files by URL: fetched by the rules of downloads, each once, several at a time."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest

from rushes.config import DownloadConfig
from rushes.formats.dataset import Labelled
from rushes.formats.dm import dump, render
from rushes.labels import Annotation
from rushes.records import Rejection, Source
from rushes.sources import read_sources
from rushes.workspace import Workspace
from tests.http_server import Handler, after, ok, serve, status
from tests.rushes.runs import manifest, png, run, settings
from tests.rushes.sources.test_labels import CAR, VOC, begins
from tests.rushes.sources.test_reading import LOOPBACK


def coco(*names: str) -> bytes:
    """Returns a document of images, the n-th of which, from 1, has one box that begins at x = n."""
    numbered = list(enumerate(names, 1))
    content = {
        "images": [{"id": at, "file_name": name, "width": 32, "height": 24} for at, name in numbered],
        "annotations": [{"id": at, "image_id": at, "category_id": 7, "bbox": [at, 2, 3, 4]} for at, _ in numbered],
        "categories": [{"id": 7, "name": "car"}],
    }
    return json.dumps(content).encode()


def rows(folder: Path, config: DownloadConfig, *cells: tuple[str, str]) -> list[Source | Rejection]:
    lines = [json.dumps({"id": str(at), "url": url, "annotations": told}) for at, (url, told) in enumerate(cells)]
    (folder / "items.jsonl").write_text("\n".join(lines))
    return list(read_sources(str(folder / "items.jsonl"), config))


def rejection(folder: Path, config: DownloadConfig, url: str) -> Rejection:
    (found,) = rows(folder, config, ("http://h/a.jpg", url))
    assert isinstance(found, Rejection), found
    return found


def test_a_document_is_fetched_once_however_many_rows_name_it_and_however_it_is_signed(tmp_path: Path) -> None:
    with serve({"/a.json": coco("a.jpg", "b.jpg")}) as server:
        url = server.url("/a.json")
        cells = [
            ("http://h/a.jpg", url),
            ("http://h/b.jpg", f"{url}?X-Amz-Signature=one"),
            ("http://h/a.jpg", f"{url}?X-Amz-Signature=two"),
            ("http://h/z.jpg", url),
        ] * 3
        found = rows(tmp_path, LOOPBACK, *cells)
        assert len(server.requests) == 1
    assert begins(found) == [1, 2, 1, None] * 3
    assert isinstance(found[3], Rejection)
    assert found[3].code == "bad_annotation"
    assert "a.json: none of its 2 images is named 'z.jpg'" in found[3].message


def test_every_kind_of_file_is_read_from_a_url(tmp_path: Path) -> None:
    png(tmp_path / "a.png", size=(100, 50))
    document = dump(render(Labelled("a", "a.jpg", 32, 24, annotations=(CAR,)), "v2")[0])
    routes = {
        "/x/a.xml": VOC.encode(),
        "/x/a%20b.json": document,
        "/x/labels/a.txt": b"1 0.5 0.5 0.2 0.4\n",
        "/x/labels/b.txt": b"",
        "/x/classes.txt": b"bus\ncar\n",
    }
    with serve({name.replace("%20", " "): content for name, content in routes.items()}) as server:
        voc, dm, yolo, none = rows(
            tmp_path,
            LOOPBACK,
            ("http://h/a.jpg", server.url("/x/a.xml")),
            ("http://h/a.jpg", server.url("/x/a%20b.json")),
            ("a.png", server.url("/x/labels/a.txt?sig=1")),
            ("a.png", server.url("/x/labels/b.txt")),
        )
        asked = [request.name for request in server.requests]
    assert isinstance(voc, Source)
    assert isinstance(dm, Source)
    assert isinstance(yolo, Source)
    assert isinstance(none, Source)
    assert voc.annotations == (CAR,)
    assert [(label.label, label.box) for label in dm.annotations or ()] == [("car", (1, 2, 3, 4))]
    (label,) = yolo.annotations or ()
    assert label.label == "car"
    assert label.box == pytest.approx((40, 15, 20, 20))
    assert none.annotations == ()
    assert asked.count("/x/classes.txt") == asked.count("/x/labels/classes.txt") == 1


def test_files_of_many_rows_are_fetched_several_at_a_time(tmp_path: Path) -> None:
    """Each of two answers waits for the other one to be asked for."""
    both = threading.Barrier(2)

    def together(handler: Handler) -> None:
        both.wait(30)
        ok(VOC.encode())(handler)

    with serve({"/a.xml": together, "/b.xml": together}) as server:
        found = rows(tmp_path, LOOPBACK, *[("http://h/a.jpg", server.url(name)) for name in ("/a.xml", "/b.xml")])
    assert begins(found) == [1, 1]


def test_a_list_at_a_url_names_label_files_from_there(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(VOC)
    here = (tmp_path / "a.xml").as_uri()
    content = f"url,annotations\na.jpg,../labels/a.xml\nb.jpg,/labels/a.xml\nc.jpg,{here}\n".encode()
    with serve({"/lists/items.csv": content, "/labels/a.xml": VOC.encode()}) as server:
        found = list(read_sources(server.url("/lists/items.csv"), LOOPBACK))
    assert begins(found) == [1, 1, None]
    assert isinstance(found[2], Rejection)
    assert found[2].code == "bad_url"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"allow_private_hosts": ()}, "forbidden_host"),
        ({"max_bytes": 100}, "too_large"),
        ({"timeout_s": {"connect": 5, "read": 0.2, "total": 5}}, "timeout"),
    ],
)
def test_the_rules_of_downloads_hold(tmp_path: Path, config: dict[str, object], code: str) -> None:
    allowed = {"allow_private_hosts": ("127.0.0.1",), "attempts": 1} | config

    def answer(handler: Handler) -> None:
        if code == "timeout":
            handler.wait(5)
        ok(VOC.encode())(handler)

    with serve({"/a.xml": answer}) as server:
        found = rejection(tmp_path, DownloadConfig.model_validate(allowed), server.url("/a.xml?token=hush"))
    assert (found.code, found.stage) == (code, "plan")
    assert found.message.startswith(f"items.jsonl:1: annotations = http://127.0.0.1:{server.port}/a.xml?token=…: ")
    assert "hush" not in found.message


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("gopher://h/a.json", "bad_url", "expected http, https"),
        ("http://", "bad_url", "expected http://host/path"),
        ("s3://bucket/a.json?X-Amz-Signature=hush", "forbidden_host", "download.allow_storage"),
        ("http://me:hush@127.0.0.1:9/a.json", "connection", "127.0.0.1:9/a.json"),
        ("file://[", "bad_annotation", "expected a path, or file:///path"),
    ],
)
def test_a_url_that_cannot_be_used_fails_its_row_and_shows_no_credential(
    tmp_path: Path, url: str, code: str, said: str
) -> None:
    config = LOOPBACK.model_copy(update={"allow_storage": ()})
    found = rejection(tmp_path, config, url)
    assert (found.code, said in found.message, "hush" in found.message) == (code, True, False), found.message


def test_what_a_server_gives_may_be_no_label_file(tmp_path: Path) -> None:
    with serve({"/a.json": b"<html>", "/b.xml": b"{}", "/c": b"{}", "/d.xml": status(404)}) as server:
        found = rows(
            tmp_path,
            LOOPBACK,
            *[("http://h/a.jpg", server.url(f"/{name}")) for name in ("a.json", "b.xml", "c", "d.xml")],
        )
    assert [one.code for one in found if isinstance(one, Rejection)] == ["bad_annotation"] * 3 + ["http_status"]
    assert "expected a COCO or DM document (.json), or a VOC (.xml)" in found[2].message  # type: ignore[union-attr]


def test_a_file_that_fails_is_asked_for_once_and_again_in_the_next_run(tmp_path: Path) -> None:
    with serve({"/a.xml": after(1, status(404), ok(VOC.encode()))}) as server:
        cells = [("http://h/a.jpg", server.url("/a.xml"))] * 3
        assert begins(rows(tmp_path, LOOPBACK, *cells)) == [None] * 3
        assert begins(rows(tmp_path, LOOPBACK, *cells)) == [1] * 3
        assert len(server.requests) == 2


def test_nothing_of_them_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    with serve({"/a.json": coco("a.jpg"), "/b.xml": VOC.encode()}) as server:
        rows(tmp_path, LOOPBACK, *[("http://h/a.jpg", server.url(name)) for name in ("/a.json", "/b.xml", "/c.xml")])
    assert list((tmp_path / "temp").iterdir()) == []


@pytest.mark.parametrize("name", ["%2e%2e.xml", "..%2f..%2fa.xml", "x" * 240 + ".xml", "a%00.xml", "%0a.xml", "ü.xml"])
def test_a_name_of_any_kind_leads_nowhere(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    with serve({unquote(f"/{name}"): VOC.encode()}) as server:
        found = rows(tmp_path, LOOPBACK, ("http://h/a.jpg", server.url(f"/{name}")))
    assert begins(found) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["items.jsonl", "temp"]


def test_labels_by_url_reach_the_dataset(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    png(tmp_path / "a.png")
    with serve({"/labels.json": coco("a.png")}) as server:
        row = {"url": "a.png", "annotations": server.url("/labels.json"), "id": "a"}
        ended = run(settings(workspace, [row]), workspace)
    assert manifest(Path(str(ended.dataset)))["a"].annotations == (Annotation("car", box=(1, 2, 3, 4)),)
