"""Names that would be code somewhere are names everywhere: each file is read back by a reader that is not ours."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from defusedxml import ElementTree

from cli import output
from rushes.formats.table import read
from rushes.records import ManifestRow
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import manifest, png, run, settings

NAMES = (
    "plain",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "=cmd|'/c calc'!A1",
    "'=1+1",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "a\nb",
    "a\rb",
    "nul\0l",
    "\x1b[31mred\x1b[0m",
    "\x9b31mred",
    "\u202eevil",
    "\u2066isolated",
    "a\u2028b",
    "\ufeffbom",
    "'; drop table--",
    '"quoted", really',
    "| pipe `tick`",
    "# hash: {yaml: [1]}",
    "&amp; ]]> <!--",
    "null",
    "1e5",
    "%s {0} {{x}}",
    "back\\slash",
    "💥",
)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Tags(html.parser.HTMLParser):
    """Collects the tags of a page, and its attributes that would run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on")]


def dataset(tmp_path: Path, layout: str) -> tuple[Path, dict[str, ManifestRow]]:
    workspace = Workspace(tmp_path / "work")
    rows: list[dict[str, object]] = []
    for number, name in enumerate(NAMES):
        png(tmp_path / f"{number}.png", size=(40, 20 + number))
        label = {"class": name, "box": [1, 2, 8, 9], "attributes": {name: name}}
        rows.append({"id": name, "url": f"{number}.png", "split": "train", "annotations": [label], f"{name}!": name})
    config = settings(workspace, rows, export={"format": layout})
    ended = run(config, workspace)
    folder = Path(config.output_place)
    found = manifest(folder)
    assert len(found) == ended.items["planned"] == len(NAMES)
    return folder, found


def check_what_all_have(folder: Path, rows: dict[str, ManifestRow]) -> list[str]:
    """Checks the files that do not depend on the layout, and returns the names of classes."""
    kept = [name for name in NAMES if name in rows and rows[name].status == "ok"]
    assert {name for name in NAMES if not CONTROL.search(name)} - {"back\\slash"} <= {*kept}
    assert not any(CONTROL.search(row.id) for row in rows.values())
    assert [row["id"] for row in pq.read_table(folder / "manifest.parquet").to_pylist()] == list(rows)
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert [line["id"] for line in lines] == list(rows)
    classes = (folder / "classes.txt").read_text("utf-8").split("\n")[:-1]
    assert {name for name in classes if name in NAMES} == {*kept}
    assert list(json.loads((folder / "stats.json").read_bytes())["classes"]) == sorted(classes)
    told = subprocess.run(
        ["sha256sum", "--strict", "--quiet", "-c", "checksums.sha256"], cwd=folder, capture_output=True
    )
    assert (told.returncode, told.stdout) == (0, b"")
    assert verify_dataset(folder).intact
    page = Tags()
    page.feed((folder / "report.html").read_text("utf-8"))
    assert not [found for found in page.found if found.startswith("on") or found == "script"]
    for path in folder.rglob("*"):
        assert not CONTROL.search(path.name)
        # Lists of VOC are called like their classes, as its development kit has them.
        assert path.parent.name == "Main" or re.fullmatch(r"[\w.-]+", path.name), path
    return classes


def test_yolo(tmp_path: Path) -> None:
    folder, rows = dataset(tmp_path, "yolo")
    classes = check_what_all_have(folder, rows)
    described = yaml.safe_load((folder / "dataset.yaml").read_text("utf-8"))
    assert described["names"] == dict(enumerate(classes))


def test_coco(tmp_path: Path) -> None:
    folder, rows = dataset(tmp_path, "coco")
    classes = check_what_all_have(folder, rows)
    document = json.loads((folder / "annotations/instances_train.json").read_bytes())
    assert [category["name"] for category in document["categories"]] == classes
    assert len(document["images"]) == sum(row.path is not None for row in rows.values())


def test_voc(tmp_path: Path) -> None:
    folder, rows = dataset(tmp_path, "voc")
    classes = check_what_all_have(folder, rows)
    trees = [ElementTree.parse(path) for path in (folder / "Annotations").iterdir()]
    assert sorted(name.text or "" for tree in trees for name in tree.iterfind("object/name")) == sorted(classes)


def test_csv(tmp_path: Path) -> None:
    folder, rows = dataset(tmp_path, "csv")
    classes = check_what_all_have(folder, rows)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.DictReader(file) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    items = list(read(folder).items)
    assert sorted(label.label for item in items for label in item.annotations) == sorted(classes)
    assert sorted(item.id for item in items) == sorted(row.id for row in rows.values() if row.path)


def test_a_terminal_is_given_no_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        output.say("warning: \x1b]0;title\x07\x9b31m\u202etxt.exe\tü💥")
    shown, plain = capsys.readouterr().out.split("\n")[:2]
    assert shown == "warning: \ufffd]0;title\ufffd\ufffd31m\ufffdtxt.exe\tü💥"
    assert "\x1b" in plain
