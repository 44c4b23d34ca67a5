from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rushes.export.base import BaseExporter
from rushes.export.run import ExportRun, Part
from rushes.export.samples import samples
from rushes.jsonl import write_lines
from rushes.records import Sample, Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import image, pipeline

PARAMS = {"name": "made", "format": "own", "classes": ("car",), "split": {"train": 1.0}, "media": "copy"}


class Tracing(BaseExporter):
    """Says which hook ran, and what it was given."""

    def before_convert(self, data: Sample) -> Any:
        self.run.emit("hook", "before")
        return replace(data, label="seen")

    def convert_data(self, data: Any) -> Any:
        self.run.emit("hook", "convert")
        return {"sample": data, "caption": f"{data.name}: {data.label}"}

    def after_convert(self, data: Any) -> Any:
        self.run.emit("hook", "after")
        return data | {"caption": data["caption"].upper()}

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        self.run.emit("caption", data["caption"])
        self.run.write(f"captions/{data['sample'].name}.txt", data["caption"].encode())

    def additional_file_saving(self, export_path: Path) -> None:
        text = "\n".join(self.run.parts("caption"))
        self.run.write("captions.txt", text.encode())
        self.run.log_message(f"{self.params['name']}: {len(text)} characters", "warning")


@pytest.fixture
def sample(workspace: Workspace) -> Sample:
    return samples(image(workspace, Source("a", "a.png")), pipeline(workspace), workspace)[0][0]


def test_hooks_run_in_order_each_on_what_the_one_before_returned(
    workspace: Workspace, sample: Sample, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emitted: list[Part] = []
    Tracing(ExportRun(PARAMS, workspace, tmp_path / "data", emitted.append)).export(sample)
    assert [part.value for part in emitted] == ["before", "convert", "after", "A: SEEN"]
    assert (tmp_path / "data/captions/a.txt").read_text() == "A: SEEN"
    write_lines(tmp_path / "parts.jsonl", emitted)
    end = ExportRun(PARAMS, workspace, tmp_path / "data", parts=[tmp_path / "parts.jsonl"] * 2)
    with caplog.at_level(logging.INFO):
        Tracing(end).additional_file_saving(tmp_path / "data")
    assert (tmp_path / "data/captions.txt").read_text() == "A: SEEN\nA: SEEN"
    assert caplog.record_tuples == [("rushes.export", logging.WARNING, "made: 15 characters")]
    assert [file.path for file in end.written] == ["captions.txt"]


def test_an_exporter_without_hooks_places_the_media(workspace: Workspace, sample: Sample, tmp_path: Path) -> None:
    run = ExportRun(PARAMS, workspace, tmp_path / "data")
    BaseExporter(run).export(sample)
    assert (tmp_path / "data" / sample.split / "a.png").read_bytes() == workspace.path(sample.path).read_bytes()
    assert run.placed == f"{sample.split}/a.png"


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", ""])
def test_nothing_is_written_outside_the_dataset(workspace: Workspace, tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="inside the dataset"):
        ExportRun(PARAMS, workspace, tmp_path / "data").write(path, b"")


def test_a_file_written_in_pieces_is_the_same_file(workspace: Workspace, tmp_path: Path) -> None:
    run = ExportRun(PARAMS, workspace, tmp_path / "data")
    whole, pieces = run.write("a", b"one two"), run.write("b", iter([b"one", b" ", b"two"]))
    assert (whole.sha256, whole.size_bytes) == (pieces.sha256, pieces.size_bytes)


def test_writing_over_placed_media_does_not_write_into_the_store(
    workspace: Workspace, sample: Sample, tmp_path: Path
) -> None:
    before = workspace.path(sample.path).read_bytes()
    run = ExportRun({**PARAMS, "media": "link"}, workspace, tmp_path / "data")
    run.place(sample, "a.png")
    run.write("a.png", b"other")
    assert workspace.path(sample.path).read_bytes() == before


def test_the_end_cannot_emit(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="parts"):
        ExportRun(PARAMS, workspace, tmp_path / "data").emit("late", 1)
