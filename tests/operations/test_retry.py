"""A failed run that is retried from the UI does only what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rushes.config import Pipeline
from tests.night import Night, outcomes, until


@pytest.mark.timeout(900)
def test_the_second_attempt_of_a_flow_run_does_what_is_left(parts: Night, tmp_path: Path) -> None:
    for name, colour in (("a.png", "red"), ("b.png", "green")):
        Image.new("RGB", (64, 48), colour).save(tmp_path / name)
    (tmp_path / "items.csv").write_text("url\na.png\nb.png\nc.png\n")
    work = tmp_path / "work"
    config = Pipeline(name="retried", source=str(tmp_path / "items.csv"), workspace=str(work))
    parts.start_worker()
    run = parts.begin("pipeline/pipeline", config.model_dump(mode="json", exclude_unset=True))
    failed = parts.ended(run)
    assert failed["state_type"] == "FAILED"
    assert "1 of 3 items" in failed["state"]["message"]

    Image.new("RGB", (64, 48), "blue").save(tmp_path / "c.png")
    parts.set_state(run, type="SCHEDULED", name="AwaitingRetry", message="Retry from the UI")
    until(lambda: parts.flow_run(run)["run_count"] == 2, parts.log)
    ended = parts.ended(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]
    first, second = outcomes(work)
    assert [(told.fetched, told.made, told.items["ok"]) for told in (first, second)] == [(2, 2, 2), (1, 1, 3)]
    assert (work / "datasets/retried/manifest.jsonl").exists()
