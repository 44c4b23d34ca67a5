"""The page beside a dataset: it says what `stats.json` says, is the same for the same dataset, and harms nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from rushes.errors import ConfigError
from rushes.jsonl import write_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow
from rushes.summary.report import plots
from rushes.summary.report.figures import class_figure, media_figures
from rushes.summary.report.picks import pick, rarest
from rushes.summary.report.reasons import REASONS
from rushes.summary.report.words import clean, cut, percent, size, span
from rushes.summary.report.write import rewrite_report
from rushes.workspace import Workspace
from tests.rushes.runs import png, run, settings
from tests.rushes.summary.report_data import HOSTILE, Page, make

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("report"))


def stats_of(dataset: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((dataset / "stats.json").read_bytes())
    return found


def test_every_figure_of_the_page_is_the_one_of_the_counts(dataset: Path) -> None:
    page, stats = Page(dataset / "report.html"), stats_of(dataset)
    for name, text in page.stats.items():
        if name == "labels":
            assert text == str(sum(split["annotations"] for split in stats["splits"].values()))
            continue
        group, _, key = name.partition(".")
        assert text == f"{stats[group][key] if key else stats[group]:,}", name
    told = {name.partition(".")[2] for name in page.stats if name.startswith("failures_by_code.")}
    assert told == set(stats["failures_by_code"])
    assert {f"items.{status}" for status in stats["items"]} <= page.stats.keys()
    assert stats["items"]["failed"] >= 2
    assert len(told) >= 4


def test_a_failure_is_told_with_its_meaning_its_next_step_and_an_example(dataset: Path) -> None:
    text = " ".join(Page(dataset / "report.html").text.split())
    assert "The guard refused the address" in text
    assert "Next step: If it is meant, name it in download.allow_private_hosts ." in text.replace("hosts.", "hosts .")
    assert "gone <b>" in text


def test_where_items_came_from_and_under_which_license_stand_there(dataset: Path) -> None:
    page = Page(dataset / "report.html")
    rows = [cells for row in re.findall(r"<tr>.*?</tr>", _text(dataset)) if (cells := re.findall(r">([^<>]+)</", row))]
    stats = stats_of(dataset)
    place = stats["sources"]["http://10.0.0.1"]
    statuses = [str(place[status]) for status in ("ok", "failed", "skipped", "quarantined")]
    assert ["http://10.0.0.1", *statuses, "0 B"] in rows
    assert ["CC0 &lt;i&gt;", str(stats["licenses"]["CC0 <i>"])] in [row[:2] for row in rows]
    assert "CC0 <i>" in page.text


def test_nothing_hostile_becomes_an_element_or_a_handler(dataset: Path) -> None:
    page = Page(dataset / "report.html")
    assert not {"script", "iframe", "object", "embed", "form", "link", "base"} & set(page.tags)
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    sources = [value or "" for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert all(re.match(r"data:image/jpeg;base64,|#|\./|[\w.]+$", value) for value in sources), sources
    assert HOSTILE[0] in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not re.search("[\u202e\x00\x1b]", page.text)


def test_no_credential_reaches_the_page(dataset: Path) -> None:
    text = (dataset / "report.html").read_text()
    assert "10.0.0.1" in text
    assert not any(secret in text for secret in ("hunter2", "hush"))


def test_the_page_may_load_and_run_nothing(dataset: Path) -> None:
    policy = dict(re.findall(r'http-equiv="Content-Security-Policy" content="(default-src) ([^;]+);', _text(dataset)))
    assert policy == {"default-src": "'none'"}
    assert "http://" not in re.sub(r"<bdi.*?</bdi>", "", _text(dataset))


def test_every_picture_says_what_is_on_it(dataset: Path) -> None:
    alts = re.findall(r'<img [^>]*alt="([^"]*)"', _text(dataset))
    assert any(alt.endswith(": 3 car") for alt in alts)
    assert any("square" in alt for alt in alts)
    assert all(alts)


def test_the_same_dataset_gives_the_same_page(dataset: Path) -> None:
    before = _text(dataset)
    assert rewrite_report(dataset) == dataset / "report.html"
    assert _text(dataset) == before
    assert re.findall(r' id="([^"]+)"', before) == list(dict.fromkeys(re.findall(r' id="([^"]+)"', before)))


@pytest.mark.parametrize("rows", [[{"id": "gone", "url": "gone.png"}], [{"url": ""}]])
def test_a_dataset_of_nothing_has_a_page_that_says_so(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    config = settings(Workspace(tmp_path / "work"), rows)
    ended = run(config, Workspace(tmp_path / "work"))
    page = Page(Path(ended.dataset or "") / "report.html")
    assert (page.stats["items.ok"], page.stats["files"], page.tags.count("img")) == ("0", "0", 0)
    assert "svg" not in page.tags


@pytest.mark.parametrize("layout", ["imagefolder", "webdataset", "voc"])
def test_one_item_without_labels_is_a_page_with_one_picture(tmp_path: Path, layout: str) -> None:
    png(tmp_path / "a.png")
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, [{"id": "a", "url": "a.png"}], export={"format": layout})
    run(config, workspace)
    page = Page(Path(config.output_place) / "report.html")
    assert page.tags.count("img") == 1
    assert "Nothing failed" not in page.text
    assert "Every planned item is in the dataset" in page.text
    assert "boxes" not in page.text.lower().replace("boxes_per_file", "")


def test_a_video_shows_the_frame_that_bears_a_label(tmp_path: Path) -> None:
    page = Page(make(tmp_path, frames=None, transcode=None, export={"format": "videofolder"}) / "report.html")
    alts = [value for name, value in page.attributes if name == "alt"]
    assert any((alt or "").startswith("clip: 1 square") for alt in alts)


def test_a_folder_that_is_no_dataset_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dataset"):
        rewrite_report(tmp_path)


def test_files_are_picked_as_if_by_lot_from_as_many_videos_as_there_are(tmp_path: Path) -> None:
    row = ManifestRow("", "", "ok", "export", path="a.png", annotations=(Annotation("car"),))
    rows = [
        replace(row, id=f"v{video}-{frame}", parent=f"v{video}", frame=frame)
        for video in range(9)
        for frame in range(50)
    ]
    rows += [replace(row, id="rare", annotations=(Annotation("bus"),)), replace(row, id="failed", path=None)]
    write_lines(tmp_path / "manifest.jsonl", rows)
    found = pick(tmp_path / "manifest.jsonl", ["bus", "car", "none"], 3, 12)
    assert [one.id for one in found.by_class["bus"]] == ["rare"]
    assert set(found.by_class) == {"bus", "car"}
    assert len({one.parent for one in found.by_class["car"]}) == 3
    assert len({one.parent for one in found.others}) == 10
    assert len({one.id for one in found.others}) == 12
    write_lines(tmp_path / "turned.jsonl", rows[::-1])
    turned = pick(tmp_path / "turned.jsonl", ["bus", "car"], 3, 12)
    assert {one.id for one in turned.others} == {one.id for one in found.others}


def test_the_rarest_classes_come_first() -> None:
    assert rarest({"a": {"train": 5}, "b": {"train": 1, "val": 1}, "c": {"val": 1}}, 2) == ["c", "b"]


def test_a_long_tail_is_one_bar_and_the_table_has_all() -> None:
    figure = class_figure({f"c{index:03}": {"train": 100 - index} for index in range(100)}, ["train"])
    assert figure is not None
    assert figure.svg.count("<text") == 2 * 21
    assert "80 others" in figure.svg
    assert len(figure.table.rows) == 100
    assert figure.alt == "Bar chart, labels per class: c000 100, c001 99, c002 98, and 97 more; 5,050 in all."


def test_a_plot_is_one_clean_element_whatever_its_labels_are() -> None:
    drawn = plots.bars([(clean(name), (1, 2)) for name in HOSTILE], ["3"] * len(HOSTILE))
    root = ET.fromstring(drawn)
    assert [text.text for text in root.iter("text")][: len(HOSTILE)] == [clean(name) for name in HOSTILE]
    assert not any("id" in element.attrib for element in root.iter())
    assert "#01" not in drawn
    assert {element.tag for element in root.iter()} == {"svg", "g", "path", "text"}


def test_matplotlib_writes_nothing_into_the_home(tmp_path: Path) -> None:
    code = "from rushes.summary.report.plots import bars; bars([('a', (1,))], ['1'])"
    cleared = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG"))}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=cleared | {"HOME": str(tmp_path)}, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr, [*tmp_path.iterdir()]) == (0, "", [])


def test_every_reason_of_the_docs_has_words_in_the_page() -> None:
    tables = re.findall(r"^\| Reason[^|]* \| .*\n((?:\|.*\n)+)", (ROOT / "docs/formats.md").read_text(), re.MULTILINE)
    codes = {
        code for table in tables for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert len(codes) > 40
    assert codes - set(REASONS) == set()


def test_numbers_are_told_as_people_read_them() -> None:
    assert [size(999), size(1000), size(999_999), size(2.5e9)] == ["999 B", "1 kB", "1 MB", "2.5 GB"]
    assert [span(0.5), span(600), span(7200)] == ["0.5 s", "10 min", "2 h"]
    assert [percent(0, 0), percent(1, 10**6), percent(999_999, 10**6), percent(1, 3)] == [
        "0 %",
        "< 0.1 %",
        "> 99.9 %",
        "33.3 %",
    ]
    assert (cut("漢字漢字", 5), cut("abcdef", 5), cut("abc", 5)) == ("漢…", "abcd…", "abc")
    assert [figure.title for figure in media_figures({"resolutions": {}, "codecs": {"h264": 1}})] == [
        "Codecs and types of items"
    ]


def _text(dataset: Path) -> str:
    return (dataset / "report.html").read_text(encoding="utf-8")
