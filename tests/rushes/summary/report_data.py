"""A small dataset with all that its page has to show: images, frames, failures of several codes, and hostile names."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from rushes.records import Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import on_frame, video
from tests.rushes.runs import png, run, settings

HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "{{ 7 * 7 }}",
    '=HYPERLINK("http://example.org")',
    "$\\frac{1}{2}$ `code` &lt;",
    "\u202egnp.exe\u0000\u001b[31m",
    "javascript:alert(4)",
    "漢字の車 \U0001f697",
    "long " * 40,
)


def label(name: str, index: int, **more: object) -> dict[str, object]:
    return {"class": name, "box": [2 + index, 3, 12, 9], **more}


def make(folder: Path, **more: object) -> Path:
    """Runs a pipeline over images, a video, and rows that fail; returns the dataset."""
    workspace = Workspace(folder / "work")
    png(folder / "odd.png", "green")
    clip = workspace.path(video(workspace, Source("clip", "clip.mp4")).path).rename(folder / "clip.mp4")
    rows: list[dict[str, object]] = [
        {"id": f"picture {index} {name}", "url": _picture(folder, index), "annotations": [label(name, index)]}
        for index, name in enumerate(HOSTILE)
    ]
    turned = label("car", 1, rotation=0.5) | {"keypoints": [[5, 5, 2], [9, 9, 1], [1, 1, 0]]}
    outlined = {"class": "car", "polygon": [[1, 1], [20, 2], [12, 18]]}
    rows += [
        {"id": "odd", "url": "odd.png", "annotations": [turned, outlined, label("car", 0)], "license": "CC0 <i>"},
        {"id": "clip", "url": clip.name, "annotations": [_plain(3), _plain(7)]},
        {"id": "gone <b>", "url": "gone.png"},
        {"id": "page", "url": _page(folder)},
        {"id": "odd", "url": "odd.png"},
        {"id": "private", "url": "http://me:hunter2@10.0.0.1/a.png?token=hush"},
        {"url": ""},
    ]
    config = settings(workspace, rows, **({"frames": "annotated", "export": {"format": "coco"}} | more))
    run(config, workspace)
    return Path(config.output_place)


class Page(HTMLParser):
    """What a page says and is made of.

    Attributes:
        stats: Text of the elements that name a figure of `stats.json`.
        tags: Names of all elements.
        attributes: Names and values of all attributes.
        text: All text.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.stats: dict[str, str] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._stat: str | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._stat = dict(attrs).get("data-stat")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._stat is not None:
            self.stats[self._stat] = data
        self._stat = None


def _picture(folder: Path, index: int) -> str:
    png(folder / f"{index}.png", f"rgb({20 * index}, 90, 200)", (64 + index, 48))
    return f"{index}.png"


def _page(folder: Path) -> str:
    (folder / "page.png").write_text("<!doctype html>")
    return "page.png"


def _plain(frame: int) -> dict[str, object]:
    found = on_frame(frame)
    return {"class": found.label, "box": list(found.box or ()), "frame": frame}
