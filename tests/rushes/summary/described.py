"""Datasets whose descriptions are looked at: their names mean something to every reader, and all is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from rushes.config import Pipeline
from rushes.workspace import Workspace
from tests.rushes.runs import png, run, settings

HOSTILE = (
    "<script>alert(1)</script>",
    "# a | b",
    "- x: [y, {z: &a !!python/object:os.system ''}]",
    "\N{RIGHT-TO-LEFT OVERRIDE}txt\x07.exe",
    "`code` [link](javascript:alert(1)) ![](//host/x) *b*",
    "=cmd()",
)
"""Names of classes."""

ABOUT: dict[str, Any] = {
    "title": "Street scenes: <b>2026</b> --- # \N{RIGHT-TO-LEFT OVERRIDE}x",
    "description": "What stands at the road.",
    "license": "CC-BY-4.0",
    "creators": [
        {"name": "Ada | Lovelace", "url": "https://orcid.org/0000-0001"},
        {"name": "Lab", "organization": True},
    ],
    "url": "https://example.com/street-scenes",
    "citation": "@misc{x, title={```}}",
    "version": "1.2.3",
    "published": "2026-05-01",
    "keywords": ["street", "no: 'yes'"],
    "languages": ["en"],
    "rai": {"collection": "By hand.", "biases": ["Only days.", "Only cities."], "maintenance": "Nobody."},
}


def dataset(folder: Path, about: dict[str, Any] | None = None, **sections: Any) -> tuple[Pipeline, Path]:
    """Makes a dataset of five pictures with hostile classes, and one that is not there."""
    folder.mkdir(exist_ok=True)
    labels: list[dict[str, Any]] = [{"class": name, "box": [1, 2, 8, 9]} for name in HOSTILE]
    labels[0] |= {"polygon": [[1, 1], [9, 1], [9, 9]], "attributes": {"a": 1}, "track": "t"}
    labels[1] |= {"mask": {"size": [24, 32], "counts": [10, 5, 753]}, "keypoints": [[1, 2, 2], [3, 4, 1]]}
    rows: list[dict[str, object]] = [
        {"id": name, "url": f"{name}.png", "split": split, "annotations": labels[at:], "license": "CC0-1.0"}
        for at, (name, split) in enumerate((("red", "train"), ("blue", "train"), ("green", "val")))
    ]
    if sections.get("export", {}).get("format") == "yolo-cls":
        rows = [{"id": row["id"], "url": row["url"], "split": row["split"], "label": "cat"} for row in rows]
    rows += [{"id": "black", "url": "black.jpg", "split": "val"}, {"id": "gone", "url": "gone.png"}]
    for name in ("red", "blue", "green"):
        png(folder / f"{name}.png", name)
    Image.new("RGB", (32, 24)).save(folder / "black.jpg")
    config = settings(Workspace(folder / "work"), rows, about=about or {}, **sections)
    run(config, Workspace(folder / "work"))
    return config, Path(config.output_place)
