"""The command with an exporter of the user's own, which lies beside the pipeline file and is installed nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

import examples.exporters
from rushes.summary.verify import verify_dataset
from tests.e2e.demo_run import digests, run, rushes
from tests.rushes.runs import png

_CLASSES = ("tram", "car", "bus", "bike")


def _pipeline(folder: Path) -> Path:
    rows = []
    for number in range(50):
        png(folder / f"{number:02}.png", "red", (32 + number, 24))
        names = [_CLASSES[(number * 7 + index) % 4] for index in range(number % 3)]
        labels = [{"class": name, "box": [1, 2, 10 + index, 8]} for index, name in enumerate(names)]
        rows.append({"url": f"{number:02}.png", "annotations": labels})
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "my_exporters.py").write_bytes(Path(examples.exporters.__file__).read_bytes())
    settings = {
        "name": "own",
        "source": "items.jsonl",
        "output": "own",
        "export": {"format": "my_exporters:YOLOExporter"},
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    return folder / "pipeline.yaml"


def test_one_batch_on_threads_and_fifty_on_ray_give_the_same_files(tmp_path: Path) -> None:
    file = _pipeline(tmp_path)
    one = run(file, "--runner", "threads", "--set", "run.batch_size=100", dataset="own")
    assert one.code == 0, one.stderr
    assert one.result["work"]["export"]["batches"] == 1
    found = digests(one.dataset)
    assert {"data/classes.txt", "data/dataset.yaml", "data/export_stats.json"} < found.keys()
    assert json.loads((one.dataset / "data/export_stats.json").read_text())["total_images"] == 50
    fifty = rushes("export", file, "--runner", "ray", "--set", "run.batch_size=1", "--json")
    assert fifty.returncode == 0, fifty.stderr
    assert json.loads(fifty.stdout.splitlines()[-1])["work"]["export"]["batches"] == 50
    assert digests(one.dataset) == found
    assert verify_dataset(one.dataset).intact


def test_an_exporter_that_is_not_there_is_one_line_and_exit_2_before_anything_starts(tmp_path: Path) -> None:
    done = rushes("run", _pipeline(tmp_path), "--runner", "threads", "--set", "export.format=my_exporters:Missing")
    assert done.returncode == 2
    expected = "my_exporters has no Missing; exporters that it has: YOLOExporter, ConfigurationExporter"
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "work").exists()
