"""What the aggregation takes for each row, and its memory, over hand-overs of 10,000, 100,000 and a million rows.

The files that export batches leave are generated: rows with labels, a tenth of them failed, an image and a label file
each. The media themselves are not there: the aggregation looks at none. Each size is aggregated twice: into an empty
place, and in the place of that dataset, to which a row in ten differs, so that both are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks.measure import measure, scratch
from rushes.config import Pipeline
from rushes.export.handover import handing_over
from rushes.export.run import Part
from rushes.jsonl import encode
from rushes.labels import Annotation
from rushes.plan import Plan
from rushes.records import ManifestRow, WrittenFile
from rushes.seals import Sealing, save
from rushes.summary.aggregate import aggregate
from rushes.summary.output import begin
from rushes.workspace import Batch, Workspace

_SIZES = (10_000, 100_000, 1_000_000)
_BATCH = 5_000
_CLASSES = ("bicycle", "bus", "car", "person")
_MB = 1_000_000


def main(arguments: Sequence[str] = ()) -> None:
    """Measures each size, and prints a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks aggregate_rows", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--format", default="yolo")
    parser.add_argument("--aggregate", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.aggregate:
        _aggregate(Path(chosen.aggregate))
        return
    print(f"{'rows':>10}{'':>14}{'wall s':>9}{'CPU us/row':>12}{'peak MB':>9}", flush=True)
    for size in chosen.sizes:
        for what, took in _measured(size, chosen.format):
            cpu_us = took["cpu_s"] / size * 1e6
            print(f"{size:>10}{what:>14}{took['wall_s']:>9.1f}{cpu_us:>12.1f}{took['peak_mb']:>9.0f}", flush=True)


def _measured(size: int, name: str) -> Iterator[tuple[str, dict[str, float]]]:
    with scratch() as folder:
        for number, what in enumerate(("alone", "over another")):
            _hand_over(folder, size, name, number)
            command = [sys.executable, "-m", "benchmarks", "aggregate_rows", "--aggregate", str(folder)]
            measure(command, folder)
            yield what, json.loads((folder / "took.json").read_bytes())


def _pipeline(folder: Path, name: str) -> Pipeline:
    places = {"workspace": str(folder / "work"), "output": str(folder / "dataset")}
    export = {"format": name, "classes": list(_CLASSES)}
    return Pipeline.model_validate({"name": "rows", "source": "items.csv", "export": export} | places)


def _aggregate(folder: Path) -> None:
    config = Pipeline.model_validate_json((folder / "pipeline.json").read_bytes())
    run, count = json.loads((folder / "run.json").read_bytes())
    workspace = Workspace(folder / "work")
    batches = [Batch(_name(number), run, "", 0, _BATCH) for number in range(count)]
    before, started = time.process_time(), time.perf_counter()
    aggregate(config, workspace, run, batches)
    took = {
        "cpu_s": time.process_time() - before,
        "wall_s": time.perf_counter() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB,
    }
    (folder / "took.json").write_bytes(encode(took))


def _hand_over(folder: Path, size: int, name: str, number: int) -> None:
    """Writes what a run of so many rows leaves for its aggregation."""
    config, workspace, run = _pipeline(folder, name), Workspace(folder / "work"), f"20260101T00000{number}000000Z-0000"
    begin(config.output_place)
    starts = range(0, size, _BATCH)
    for batch, start in enumerate(starts):
        with handing_over(workspace, run, _name(batch)) as sinks:
            for place in range(start, min(start + _BATCH, size)):
                _row(sinks, place, number)
    save(workspace.run(run) / "plan.json", Plan(run, size, size, 0, 0, 0, 0, 0, classes=_CLASSES, batches=()))
    (folder / "pipeline.json").write_text(config.model_dump_json())
    (folder / "run.json").write_bytes(encode([run, len(starts)]))


def _row(sinks: Mapping[str, Sealing], place: int, number: int) -> None:
    """Hands over one row, and what its exporter wrote and emitted."""
    digest = hashlib.sha256(b"%d" % place).hexdigest()
    row = ManifestRow(
        f"street-{digest[:12]}",
        f"https://media.example.org/streets/{place // 1000}/{digest[:24]}.jpg",
        status="failed" if place % 10 == 9 else "ok",
        stage="export",
        attempts=1,
        attributes={"camera": place % 40, "weather": "rain" if place % 3 else "sun"},
    )
    if row.status == "failed":
        message = "the server answered 404. The item is gone: remove the row."
        _write(sinks["rows"], replace(row, stage="download", error_code="http_status", error=message))
        return
    split, path = ("train", "val")[place % 5 == 0], f"{digest[:12]}.jpg"
    shift = number if place % 10 == 0 else 0
    labels = tuple(
        Annotation(_CLASSES[(place + nth) % 4], (place % 900 + nth * 31.5, nth * 20.25 + shift, 60.0 + nth, 40.0))
        for nth in range(place % 6)
    )
    image = WrittenFile(f"images/{split}/{path}", digest, 43_000 + place % 999)
    media = {"path": image.path, "size_bytes": image.size_bytes, "sha256": digest, "source_sha256": digest}
    kind = {"media_type": "image/jpeg", "width": 1280, "height": 720, "split": split, "recipe": "0123456789ab"}
    _write(sinks["rows"], replace(row, **media, **kind, annotations=labels, action="kept", reason="an image"))
    _write(sinks["files"], image, WrittenFile(f"labels/{split}/{path[:-4]}.txt", digest, 120))
    _write(sinks["parts"], Part("split", [split, True]))
    sinks["gathered"].writelines([b"{}\n"])


def _write(sink: Sealing, *records: object) -> None:
    sink.writelines(encode(record) + b"\n" for record in records)


def _name(number: int) -> str:
    return f"{number:05d}"


if __name__ == "__main__":
    main(sys.argv[1:])
