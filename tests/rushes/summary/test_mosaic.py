"""Some files of a dataset in one picture, for people in Prefect."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from rushes.summary.outcome import RunOutcome, ingest_outcome
from rushes.summary.shown import picture
from rushes.workspace import Workspace
from tests.rushes.runs import ingest, png, run, settings


def _picture(workspace: Workspace, ended: RunOutcome) -> Image.Image:
    kind, _, data = str(picture(workspace, ended)).partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def test_files_stand_beside_each_other_with_their_labels_drawn_in(tmp_path: Path) -> None:
    png(tmp_path / "wide.png", "#008000", size=(240, 180))
    png(tmp_path / "high.png", "#008000", size=(90, 180))
    rows: list[dict[str, object]] = [
        {"id": "wide", "url": "wide.png", "annotations": [{"class": "car", "box": [40, 40, 120, 90]}]},
        {"id": "high", "url": "high.png", "annotations": []},
    ]
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, rows)
    seen = _picture(workspace, run(config, workspace))
    assert seen.size == (2 * 246 + 6, 186 + 6)
    red, green, blue = np.asarray(seen, dtype=int).transpose(2, 0, 1)
    assert np.any((red > 180) & (green > 120) & (blue < 60)), "the box, in the first of the colours"
    assert np.any((green > 100) & (red < 40) & (blue < 40)), "the pictures themselves"


def test_no_more_than_twelve_are_shown(tmp_path: Path) -> None:
    for number in range(15):
        png(tmp_path / f"{number}.png", size=(40 + number, 30))
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, [{"id": str(number), "url": f"{number}.png"} for number in range(15)])
    assert _picture(workspace, run(config, workspace)).size == (4 * 246 + 6, 3 * 186 + 6)


def test_where_nothing_came_into_a_dataset_there_is_no_picture(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, [{"id": "gone", "url": "gone.png"}])
    assert picture(workspace, run(config, workspace)) is None
    plan = ingest(config, workspace)
    assert picture(workspace, ingest_outcome(config, workspace, plan.run)) is None
