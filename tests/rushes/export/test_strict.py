"""What a dataset would not say fails a strict run, which names item, label and reason, and leaves what stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rushes.errors import StrictError
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import manifest, png, run, settings

BOX = {"class": "car", "box": [1, 1, 9, 9]}
OUTLINE = {"class": "lorry", "polygon": [[1, 1], [9, 1], [9, 9]]}
OVER_THE_EDGE = {"class": "bus", "box": [20, 10, 40, 40]}
TRAM = {"class": "tram", "box": [1, 1, 5, 5]}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def start(workspace: Workspace, *labels: dict[str, Any], **export: Any) -> Path:
    """Runs a strict pipeline over one picture without labels, and one with these."""
    for number in range(2):
        png(workspace.root.parent / f"{number}.png", "red", (32 + number, 24))
    rows: list[dict[str, object]] = [
        {"id": "empty", "url": "0.png", "annotations": []},
        {"id": "b", "url": "1.png", "annotations": labels},
    ]
    config = settings(workspace, rows, export={"strict": True, "split": {"train": 1.0}} | export)
    run(config, workspace)
    return Path(config.output_place)


def test_what_a_format_can_say_passes(workspace: Workspace) -> None:
    dataset = start(workspace, BOX, TRAM)
    assert verify_dataset(dataset).intact
    assert all(not row.dropped for row in manifest(dataset).values())


@pytest.mark.parametrize(
    ("labels", "export", "expected"),
    [
        (
            [BOX, OUTLINE],
            {},
            r"1 labels .*: 1 polygon_unsupported\. First: items\.jsonl:2 \(b\): lorry: polygon_unsupp",
        ),
        ([OVER_THE_EDGE, BOX], {"format": "coco"}, r"1 clipped_to_image\. First: .* \(b\): bus: clipped_to_image\."),
        ([BOX, TRAM], {"classes": ["car"]}, r"1 class_not_listed\. First: .* \(b\): tram: class_not_listed\."),
        (
            [OUTLINE, OVER_THE_EDGE, OUTLINE | {"class": "van"}],
            {"format": "yolo"},
            r"3 labels .*: 1 clipped_to_image, 2 polygon_unsupported\. First: .*: bus: .*: lorry, van: polygon_un",
        ),
    ],
)
def test_what_it_cannot_say_fails_the_run_and_names_item_label_and_reason(
    workspace: Workspace, labels: list[dict[str, Any]], export: dict[str, Any], expected: str
) -> None:
    dataset = start(workspace, allow_class_drift=True)
    before = (dataset / "manifest.jsonl").read_bytes()
    with pytest.raises(StrictError, match=expected):
        start(workspace, *labels, **export)
    assert (dataset / "manifest.jsonl").read_bytes() == before


def test_what_the_pipeline_asks_for_is_no_loss(workspace: Workspace) -> None:
    dataset = start(workspace, BOX, OUTLINE, drop_classes=["lorry"])
    assert manifest(dataset)["b"].dropped == {"class_dropped": 1}


def test_without_strict_it_is_counted_and_passes(workspace: Workspace) -> None:
    dataset = start(workspace, BOX, OUTLINE, strict=False)
    assert manifest(dataset)["b"].dropped == {"polygon_unsupported": 1}
