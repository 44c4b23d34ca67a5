"""The whole job through the command line: the dataset is true to the pixel, whole, and the same on every runner."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.demo.media import DemoItem
from examples.demo.server import MediaServer, serve
from examples.demo.source import BROKEN, prepare, write_source
from tests.e2e.demo_run import Run, digests, manifest, prepare_folder, run, rushes, yolo_labels
from tests.truth import assert_truth, load_upright

SECRET = "hunter2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def items(home: Path) -> list[DemoItem]:
    return prepare(home / "media")


@pytest.fixture(scope="module")
def server(home: Path, items: list[DemoItem]) -> Iterator[MediaServer]:
    with serve(home / "media") as running:
        write_source(home / "items.csv", items, home / "media", running)
        text = (home / "items.csv").read_text(encoding="utf-8")
        (home / "items.csv").write_text(text.replace("vanished.mp4", f"vanished.mp4?token={SECRET}"), encoding="utf-8")
        yield running


@pytest.fixture(scope="module")
def pipeline(home: Path, server: MediaServer) -> Path:
    return prepare_folder(home / "threads", home / "items.csv")


@pytest.fixture(scope="module")
def planned(pipeline: Path) -> dict[str, Any]:
    """What a look says before the first run."""
    return look(pipeline)


@pytest.fixture(scope="module")
def threads(pipeline: Path, planned: dict[str, Any]) -> Run:
    return run(pipeline, "--runner", "threads")


def look(pipeline: Path) -> dict[str, Any]:
    done = rushes("plan", pipeline, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def ray(home: Path, server: MediaServer) -> Run:
    return run(prepare_folder(home / "ray", home / "items.csv"), "--runner", "ray", own_server=True)


def test_a_run_succeeds_and_says_so_in_one_json_line(threads: Run) -> None:
    assert threads.code == 0, threads.stderr
    assert threads.result["items"] == {"planned": 19, "ok": 16, "failed": 1, "skipped": 0, "quarantined": 2}


def test_every_yolo_row_lies_on_its_object(threads: Run, items: list[DemoItem]) -> None:
    names = list(yaml.safe_load((threads.dataset / "dataset.yaml").read_text())["names"].values())
    images = sorted((threads.dataset / "images").rglob("*.*"))
    assert len(images) == _expected_files(items)
    for image in images:
        pixels = load_upright(image)
        size = (pixels.shape[1], pixels.shape[0])
        assert_truth(pixels, yolo_labels(threads.dataset, names, size, image))


def test_every_item_is_accounted_for_with_its_reason(threads: Run, items: list[DemoItem]) -> None:
    planned = [row for row in manifest(threads.dataset) if "parent" not in row or row["parent"] is None]
    codes = {row["source"].partition("?")[0].rpartition("/")[2]: row.get("error_code") for row in planned}
    assert codes == {item.name: None for item in items} | BROKEN


def test_items_of_one_group_share_a_split_and_given_splits_are_kept(threads: Run) -> None:
    splits = defaultdict(set)
    for row in manifest(threads.dataset):
        if row.get("path") and row.get("group"):
            splits[row["group"]].add(row["split"])
    assert all(len(split) == 1 for split in splits.values()), dict(splits)
    assert splits["studio"] == splits["nobody"] == {"val"}


def test_the_systems_own_tool_confirms_the_checksums(threads: Run) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "checksums.sha256"], cwd=threads.dataset, check=True)


def test_verify_accepts_the_dataset_and_sees_one_changed_byte(threads: Run, tmp_path: Path) -> None:
    assert rushes("verify", threads.dataset).returncode == 0
    copy = Path(shutil.copytree(threads.dataset, tmp_path / "copy"))
    image = next((copy / "images").rglob("*.jpg"))
    content = image.read_bytes()
    image.unlink()  # it may be a link to the dataset's own bytes
    image.write_bytes(content[:-1] + b"?")
    done = rushes("verify", copy)
    assert done.returncode == 1
    assert image.name in done.stdout + done.stderr


def test_credentials_of_a_url_stand_nowhere_in_the_dataset_or_the_logs(threads: Run) -> None:
    assert SECRET not in threads.stderr + json.dumps(threads.result)
    for path in threads.dataset.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_the_plan_of_the_first_run_was_what_it_did(planned: dict[str, Any], threads: Run) -> None:
    download = threads.result["work"]["download"]
    assert planned["items"]["new"] == threads.result["items"]["planned"] == planned["fetch"]
    assert planned["fetch"] == download["done"] + download["stopped"]
    assert planned["fetch_bytes"] == download["bytes"]
    assert planned["make"] >= threads.result["made"]


def test_a_second_run_fetches_nothing_and_writes_the_same_bytes_as_its_plan_says(
    threads: Run, pipeline: Path, server: MediaServer
) -> None:
    before, sent = digests(threads.dataset), server.sent_bytes
    plan, asked = look(pipeline), server.requests.total()
    again = run(pipeline, "--runner", "threads")
    assert (again.code, server.sent_bytes - sent) == (0, 0)
    assert digests(again.dataset) == before
    assert plan["items"] == {
        "planned": 19,
        "new": 0,
        "changed": 0,
        "failed_before": 3,
        "remake": 0,
        "unchanged": 16,
        "rejected": 0,
    }
    assert server.requests.total() - asked == plan["fetch"] + plan["ask"]
    differ = json.loads((again.dataset / "export_summary.json").read_bytes())["since"]
    assert (differ["differ"], differ["run"]) == (0, threads.result["run"])


def test_another_format_from_the_same_workspace_fetches_nothing_and_is_as_true(
    threads: Run, server: MediaServer, items: list[DemoItem]
) -> None:
    sent = server.sent_bytes
    overrides = ("--set", "export.format=coco", "--set", "output=coco")
    done = run(threads.dataset.parent / "pipeline.yaml", "--runner", "threads", *overrides, dataset="coco")
    assert (done.code, server.sent_bytes - sent) == (0, 0)
    seen = [_check_coco(done.dataset, file) for file in sorted((done.dataset / "annotations").glob("*.json"))]
    assert sum(seen) == _expected_files(items)


def test_ray_writes_the_same_bytes_as_threads(threads: Run, ray: Run) -> None:
    assert ray.code == 0, ray.stderr
    assert digests(ray.dataset) == digests(threads.dataset)


def _expected_files(items: list[DemoItem]) -> int:
    frames = {(item.name, label["frame"]) for item in items if item.kind == "video" for label in item.annotations}
    return len(frames) + sum(item.kind == "image" for item in items)


def _check_coco(dataset: Path, file: Path) -> int:
    content = json.loads(file.read_bytes())
    names = {category["id"]: category["name"] for category in content["categories"]}
    boxes = defaultdict(list)
    for label in content["annotations"]:
        boxes[label["image_id"]].append((names[label["category_id"]], label["bbox"]))
    for image in content["images"]:
        [path] = [path for path in dataset.rglob(Path(image["file_name"]).name) if path.is_file()]
        pixels = load_upright(path)
        assert pixels.shape[:2] == (image["height"], image["width"])
        assert_truth(pixels, boxes[image["id"]])
    return len(content["images"])
