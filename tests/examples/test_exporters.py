"""The exporters of the examples: the same files in one batch and in fifty, on threads of one process and apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import examples.exporters
from rushes.pipeline_file import load
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import png, run

ROOT = Path(__file__).parents[2]
CLASSES = ("tram", "car", "bus", "bike")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty pictures with labels, and one that is missing."""
    folder = tmp_path_factory.mktemp("source")
    rows = []
    for number in range(50):
        png(folder / f"{number:02}.png", "red", (32 + number, 24))
        names = [CLASSES[(number * 7 + index) % 4] for index in range(number % 3)]
        labels = [{"class": name, "box": [1, 2, 10 + index, 8]} for index, name in enumerate(names)]
        rows.append({"url": f"{number:02}.png", "id": f"street/{number:02}", "annotations": labels})
    rows.append({"url": "gone.png"})
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "exporters.py").write_bytes(Path(examples.exporters.__file__).read_bytes())
    return folder


def export(folder: Path, tmp_path: Path, name: str, batch_size: int) -> Path:
    """Runs the pipeline with this exporter and returns the dataset."""
    file = folder / f"{tmp_path.name}-{batch_size}.yaml"
    settings = {
        "name": "streets",
        "source": str(folder / "items.jsonl"),
        "workspace": str(tmp_path / "work"),
        "output": str(tmp_path / "streets"),
        "export": {"format": f"exporters:{name}", "params": {"created_at": "today"}},
        "run": {"batch_size": batch_size, "max_failed": 0.5},
    }
    file.write_text(yaml.safe_dump(settings))
    config = load(file)
    run(config, Workspace(tmp_path / "work"))
    return Path(config.output_place).rename(tmp_path / f"in-{batch_size}")


def contents(dataset: Path) -> dict[str, Any]:
    """Returns every file, but for the report, and of the summary what holds no times."""
    found: dict[str, Any] = {
        str(path.relative_to(dataset)): path.read_bytes() for path in dataset.rglob("*") if path.is_file()
    }
    summary = json.loads(found.pop("export_summary.json"))
    del found["report.html"]
    found["summary"] = {key: summary.get(key) for key in ("statistics", "errors", "items", "name")}
    return found


@pytest.mark.parametrize("name", ["YOLOExporter", "ConfigurationExporter", "SummaryExporter", "IndexExporter"])
def test_one_batch_and_fifty_give_the_same_files(folder: Path, tmp_path: Path, name: str) -> None:
    one, fifty = (export(folder, tmp_path, name, size) for size in (100, 1))
    assert contents(fifty) == contents(one)
    for dataset in (one, fifty):
        assert verify_dataset(dataset).intact
        verify = (dataset / "checksums.sha256").read_text()
        assert verify.count("\n") == len([*dataset.rglob("*.*")]) - 3  # itself, the summary, and the report


def test_the_yolo_example_counts_what_is_there(folder: Path, tmp_path: Path) -> None:
    dataset = export(folder, tmp_path, "YOLOExporter", 7)
    rows = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    labels = Counter(label["class"] for row in rows for label in row.get("annotations") or ())
    assert (dataset / "data/classes.txt").read_text().split() == sorted(CLASSES)
    assert yaml.safe_load((dataset / "data/dataset.yaml").read_text())["names"] == dict(enumerate(sorted(CLASSES)))
    stats = json.loads((dataset / "data/export_stats.json").read_text())
    assert stats == {"total_images": 50, "total_annotations": labels.total(), "class_distribution": dict(labels)}
    assert [*stats["class_distribution"]] == [*labels]


def test_the_configuration_example_has_its_parameters_and_classes_in_the_order_of_the_source(
    folder: Path, tmp_path: Path
) -> None:
    dataset = export(folder, tmp_path, "ConfigurationExporter", 3)
    config = json.loads((dataset / "dataset_config.json").read_text())
    order = ["bike", "bus", "tram", "car"]
    assert config == {"dataset_name": "streets", "created_at": "today", "total_samples": 50, "classes": order}


def test_the_summary_example_adds_to_the_summary(folder: Path, tmp_path: Path) -> None:
    dataset = export(folder, tmp_path, "SummaryExporter", 9)
    summary = json.loads((dataset / "export_summary.json").read_text())
    assert summary["export_info"]["plugin_name"] == "SummaryExporter"
    assert summary["export_info"]["export_path"] == str(tmp_path / "streets")
    assert summary["statistics"] == json.loads((dataset / "stats.json").read_text())
    assert sum(summary["errors"].values()) == 1
    assert summary["run"]


def test_the_index_example_lists_items_in_the_order_of_the_source(folder: Path, tmp_path: Path) -> None:
    dataset = export(folder, tmp_path, "IndexExporter", 4)
    index = json.loads((dataset / "file_index.json").read_text())
    stems = [entry["json_file"].removesuffix(".json") for entry in index]
    assert len(stems) == 50
    assert stems == sorted(stems)
    assert all((dataset / entry["original_file"]).is_file() for entry in index)
    assert all((dataset / "json" / entry["json_file"]).is_file() for entry in index)
