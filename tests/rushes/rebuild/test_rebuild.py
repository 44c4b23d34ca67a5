"""A dataset made again somewhere else: to the same bytes, or with what the world no longer has, by name."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rushes.config import DownloadConfig
from rushes.errors import ConfigError
from rushes.layouts import LAYOUTS
from rushes.rebuild.begin import check_destination, pipeline_of
from rushes.rebuild.check import lost
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.http_server import Answer, Server, ok, serve, status
from tests.rushes.export.makers import pipeline
from tests.rushes.files.archives import zip_of
from tests.rushes.runs import export, ingest, manifest, rebuild, run, settings
from tests.rushes.summary.described import ABOUT
from tests.rushes.video.clips import card


def picture(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
    found = io.BytesIO()
    Image.new("RGB", size, (number, 2 * number, 255 - number)).save(found, "PNG")
    return found.getvalue()


BOX = {"class": "van", "box": [50, 4, 40, 9], "attributes": {"colour": "red"}}
POINTS = {
    "class": "cat",
    "box": [1, 2, 30, 40],
    "keypoints": [[2, 3, 2], [5, 7, 1]],
    "polygon": [[1, 2], [9, 3], [4, 8]],
}


def rows(server: Server) -> list[dict[str, object]]:
    """Rows of every kind: labelled, split, grouped, twice the same, packed, broken, gone, and a video."""
    found: list[dict[str, object]] = [
        {"id": "a", "url": server.url("/1.png"), "annotations": [BOX, POINTS], "site": "north", "n": 1.5},
        {"id": "b", "url": server.url("/2.png"), "annotations": [], "split": "test"},
        {"id": "whole", "url": server.url("/3.png"), "label": "car", "group": "g"},
        {"id": "mate", "url": server.url("/4.png"), "group": "g", "split": "val"},
        {"id": "same-as-b", "url": server.url("/2.png?again"), "split": "train"},
        {"id": "gone", "url": server.url("/gone.png"), "label": "only here"},
        {"id": "page", "url": server.url("/page.png"), "group": "g"},
        {"id": "packed", "url": server.url("/packed.zip"), "group": "g"},
        {"id": "loose", "url": server.url("/loose.zip"), "annotations": []},
        {"id": "clip", "url": server.url("/clip.mkv"), "annotations": [BOX | {"frame": 3}, {"class": "truck"}]},
        {"id": "clip", "url": server.url("/clip.mkv")},
        {"url": ""},
    ]
    found += [{"id": f"more-{number}", "url": server.url(f"/{number}.png"), "label": "dog"} for number in range(20, 30)]
    return found


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    clip = card(tmp_path_factory.mktemp("clip") / "clip.mkv", "-c:v", "mpeg4", "-q:v", "3", seconds=2).read_bytes()
    pictures = {f"/{number}.png": ok(picture(number)) for number in [1, 2, 3, 4, *range(20, 30)]}
    loose = {f"{number}.png": picture(number) for number in range(40, 50)}
    archives = {"/packed.zip": zip_of({"x.png": picture(60), "readme.txt": b"read me"}), "/loose.zip": zip_of(loose)}
    return (
        pictures
        | {path: ok(content) for path, content in archives.items()}
        | {
            "/clip.mkv": ok(clip),
            "/page.png": ok(b"<!doctype html><title>Log in</title>", "text/html"),
        }
    )


@pytest.fixture
def server(routes: dict[str, Answer]) -> Iterator[Server]:
    with serve(dict(routes)) as found:
        yield found


def made(folder: Path, server: Server, **more: object) -> Path:
    """Makes a dataset, and removes all that is not the dataset."""
    workspace = Workspace(folder / "work")
    wanted = {"run": {"max_failed": 1, "batch_size": 3}, "output": str(folder / "first" / "dataset")} | more
    config = settings(workspace, rows(server), **wanted)
    export(config, workspace, ingest(config, workspace))
    shutil.rmtree(workspace.root)
    (folder / "items.jsonl").unlink()
    return folder / "first" / "dataset"


FRAMES = {"frames": {"every_s": 0.5}}
SMALL = {"transcode": {"preset": "ultrafast", "resolution": "64x48", "fps": 10}}


@pytest.mark.parametrize("format_", LAYOUTS)
def test_a_rebuild_is_the_same_to_the_last_byte(tmp_path: Path, server: Server, format_: str) -> None:
    still = {} if format_ == "videofolder" else FRAMES
    classes = {"export": {"format": format_, "classes": {"vehicle": ["car", "van"], "pet": ["cat", "dog"]}}}
    dataset = made(tmp_path, server, **(still | SMALL | classes))
    found = rebuild(dataset, tmp_path / "elsewhere")
    assert found.identical, found
    assert (dataset / "manifest.jsonl").read_bytes() == (tmp_path / "elsewhere/again/manifest.jsonl").read_bytes()
    same = (dataset / "checksums.sha256", tmp_path / "elsewhere/again/checksums.sha256")
    assert same[0].read_bytes() == same[1].read_bytes()
    assert verify_dataset(tmp_path / "elsewhere" / "again").intact
    counts = Counter(row.status for row in manifest(dataset).values())
    assert all(counts[status] for status in ("ok", "failed", "skipped", "quarantined")), counts


def test_what_people_said_of_it_and_what_a_profile_of_theirs_stood_for_come_again(
    tmp_path: Path, server: Server
) -> None:
    own = {"profiles": {"small": SMALL["transcode"]}, "transcode": {"profile": "small"}}
    dataset = made(tmp_path, server, **(own | {"about": ABOUT, "export": {"format": "yolo", "datapackage": True}}))
    found = rebuild(dataset, tmp_path / "elsewhere")
    assert found.identical, found


def test_splits_that_hang_on_other_items_stay(tmp_path: Path, server: Server) -> None:
    dataset = made(
        tmp_path, server, export={"format": "coco", "stratify": "label", "split": {"train": 0.5, "val": 0.5}}
    )
    assert rebuild(dataset, tmp_path / "elsewhere").identical


def test_what_failed_is_not_tried_again(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **FRAMES)
    before = len(server.requests)
    server.routes["/gone.png"] = ok(picture(99))
    assert rebuild(dataset, tmp_path / "elsewhere").identical
    assert {"/gone.png", "/page.png"}.isdisjoint(request.name for request in server.requests[before:])


@pytest.mark.parametrize("format_", ["yolo", "coco"])
def test_what_the_world_no_longer_has_is_named(tmp_path: Path, server: Server, format_: str) -> None:
    dataset = made(tmp_path, server, **(FRAMES | SMALL | {"export": {"format": format_}}))
    server.routes["/1.png"] = ok(other := picture(77))
    server.routes["/3.png"] = status(404)
    server.routes["/4.png"] = status(403)
    server.routes["/clip.mkv"] = status(410)
    server.routes["/packed.zip"] = status(500)
    found = rebuild(dataset, tmp_path / "elsewhere")
    assert not found.identical
    assert {one.id: one.reason for one in found.first} == {
        "a": "changed",
        "whole": "gone",
        "mate": "credentials",
        "clip": "gone",
        "packed": "unreachable",
    }
    changed = found.first[0]
    digests = [hashlib.sha256(content).hexdigest() for content in (picture(1), other)]
    assert [changed.expected_sha256, changed.actual_sha256] == digests
    rebuilt = manifest(tmp_path / "elsewhere" / "again")
    assert rebuilt["b"] == manifest(dataset)["b"], "what is still there is as it was"
    lines = next((tmp_path / "elsewhere").glob("again.rebuild/runs/*/differences.jsonl")).read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one.id for one in found.first]


def test_what_is_still_there_can_be_asked_without_fetching_it(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **FRAMES)
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), attempts=1)
    assert lost(dataset, config) == []
    server.routes["/3.png"] = status(404)
    server.routes["/4.png"] = status(403)
    server.routes["/20.png"] = status(405)
    before = len(server.requests)
    assert [(one.id, one.reason) for one in lost(dataset, config)] == [("whole", "gone"), ("mate", "credentials")]
    assert {request.method for request in server.requests[before:]} == {"HEAD"}
    assert {one.reason for one in lost(dataset, DownloadConfig())} == {"refused"}, "loopback"


def test_another_try_fetches_only_what_is_missing(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **FRAMES)
    good = server.routes["/3.png"]
    server.routes["/3.png"] = status(404)
    assert rebuild(dataset, tmp_path / "elsewhere").reasons == {"gone": 1}
    server.routes["/3.png"] = good
    before = len(server.requests)
    assert rebuild(dataset, tmp_path / "elsewhere").identical
    assert [request.name for request in server.requests[before:]] == ["/3.png"]


def test_secrets_are_neither_kept_nor_guessed(tmp_path: Path, server: Server) -> None:
    workspace = Workspace(tmp_path / "work")
    signed = server.url("/1.png?token=hush-hush-hush")
    config = settings(workspace, [{"id": "signed", "url": signed}, {"id": "b", "url": server.url("/2.png")}])
    run(config, workspace)
    dataset = Path(config.output_place)
    assert not any(b"hush" in path.read_bytes() for path in dataset.rglob("*") if path.is_file())
    before = len(server.requests)
    found = rebuild(dataset, tmp_path / "elsewhere")
    assert [(one.id, one.reason, one.error_code) for one in found.first] == [("signed", "credentials", "credentials")]
    assert [request.name for request in server.requests[before:]] == ["/2.png"]


def test_local_files_and_a_dataset_as_source_come_again_with_their_classes(tmp_path: Path, server: Server) -> None:
    first = made(tmp_path / "one", server, **(FRAMES | {"export": {"format": "coco"}}))
    workspace = Workspace(tmp_path / "two" / "work")
    config = pipeline(workspace, source=str(first), export={"format": "coco"}, run={"max_failed": 1})
    run(config, workspace)
    assert rebuild(Path(config.output_place), tmp_path / "elsewhere").identical


def test_items_out_of_shards_are_found_in_them_again(tmp_path: Path, server: Server) -> None:
    shards = made(tmp_path / "one", server, **(FRAMES | {"export": {"format": "webdataset"}}))
    workspace = Workspace(tmp_path / "two" / "work")
    config = pipeline(workspace, source=str(shards), export={"format": "yolo"}, run={"max_failed": 1})
    assert run(config, workspace).items["ok"] > 20
    dataset = Path(config.output_place)
    assert rebuild(dataset, tmp_path / "elsewhere").identical
    next(shards.rglob("train*.tar")).unlink()
    reasons = rebuild(dataset, tmp_path / "again").reasons
    assert reasons["gone"] > 10
    assert set(reasons) == {"gone"}


def test_made_with_other_programs_is_said_with_both_versions(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **(FRAMES | SMALL))
    lines = (dataset / "manifest.jsonl").read_text().splitlines()
    index, row = next((i, row) for i, row in enumerate(map(json.loads, lines)) if row["frame"])
    lines[index] = json.dumps(row | {"sha256": "0" * 64}, separators=(",", ":"))
    (dataset / "manifest.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (dataset / "checksums.sha256").unlink()
    summary = json.loads((dataset / "export_summary.json").read_bytes())
    summary["versions"]["ffmpeg"] = "ffmpeg 1.0"
    (dataset / "export_summary.json").write_text(json.dumps(summary))
    found = rebuild(dataset, tmp_path / "elsewhere")
    assert [(one.id, one.reason, one.fields) for one in found.first] == [(row["id"], "made", ("sha256",))]
    assert found.versions["ffmpeg"][0] == "ffmpeg 1.0" != found.versions["ffmpeg"][1]


def test_a_dataset_that_was_changed_or_carries_nothing_is_refused(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **FRAMES)
    with (dataset / "sources.jsonl").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(ConfigError, match=r"sources\.jsonl is not as it was written"):
        pipeline_of(str(dataset), str(tmp_path / "x"), str(tmp_path / "y"))
    (dataset / "rebuild.json").unlink()
    (dataset / "checksums.sha256").unlink()
    with pytest.raises(ConfigError, match=r"rebuild\.json: no such file"):
        pipeline_of(str(dataset), str(tmp_path / "x"), str(tmp_path / "y"))
    with pytest.raises(ConfigError, match="no dataset"):
        pipeline_of(str(tmp_path), str(tmp_path / "x"), str(tmp_path / "y"))


def test_a_rebuild_takes_no_place_of_another_dataset(tmp_path: Path, server: Server) -> None:
    dataset = made(tmp_path, server, **FRAMES)
    digest = rebuild(dataset, tmp_path / "elsewhere").expected
    check_destination(str(dataset), str(tmp_path / "elsewhere" / "again"), digest)
    with pytest.raises(ConfigError, match="holds another dataset"):
        check_destination(str(tmp_path / "elsewhere" / "again"), str(dataset), digest)
    with pytest.raises(ConfigError, match="this is the dataset"):
        check_destination(str(dataset), f"{dataset}/.", digest)
    with pytest.raises(ConfigError, match="makes what was made before"):
        pipeline_of(str(dataset), "x", "y", ["export.format=coco"])
