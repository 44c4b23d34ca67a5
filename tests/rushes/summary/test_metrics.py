"""The file of metrics, as Prometheus' own parser reads it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rushes.summary.metrics import write_metrics
from rushes.summary.outcome import RunOutcome

ITEMS = {"planned": 9, "ok": 6, "failed": 2, "skipped": 0, "quarantined": 1}
WORK = {"download": {"batches": 2, "done": 7, "stopped": 2, "bytes": 3_000_000_000, "busy_s": 12.5}}
OUTCOME = RunOutcome("run", ITEMS, {"timeout": 2, "not_media": 1}, WORK, over_limit=True, elapsed_s=31.25)


def read(path: Path) -> dict[str, dict[str, float]]:
    """Returns values by metric, and by what its labels say apart from the dataset."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(path.read_text()):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            assert sample.labels.pop("dataset") == "street-scenes"
            found.setdefault(sample.name.removeprefix("rushes_run_"), {})["".join(sample.labels.values())] = (
                sample.value
            )
    return found


def test_a_run_that_failed_is_in_it_with_all_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_METRICS_DIR", str(tmp_path))
    began_s = time.time()
    write_metrics("street-scenes", OUTCOME, failed=True)
    found = read(tmp_path / "rushes_street-scenes.prom")
    assert began_s - 1 < found.pop("end_timestamp_seconds")[""] < time.time() + 1
    assert found == {
        "failed": {"": 1},
        "elapsed_seconds": {"": 31.25},
        "items": {"ok": 6, "failed": 2, "skipped": 0, "quarantined": 1},
        "failures": {"timeout": 2, "not_media": 1},
        "stage_items": {"download": 7},
        "stage_bytes": {"download": 3e9},
        "stage_busy_seconds": {"download": 12.5},
    }


def test_the_next_run_takes_its_place_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHES_METRICS_DIR", str(tmp_path))
    for failed in (True, False):
        write_metrics("street-scenes", OUTCOME, failed)
    assert [path.name for path in tmp_path.iterdir()] == ["rushes_street-scenes.prom"]
    assert read(tmp_path / "rushes_street-scenes.prom")["failed"] == {"": 0}


def test_no_run_fails_of_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUSHES_METRICS_DIR", str(tmp_path / "file"))
    write_metrics("street-scenes", OUTCOME, failed=False)
    assert "the metrics of the run cannot be written" in caplog.text
