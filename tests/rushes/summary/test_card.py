"""The dataset's card: front matter that is YAML whatever names stand in it, and a page that shows them as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rushes.layouts import LAYOUTS
from rushes.summary.facts import Facts
from rushes.summary.packages.card import write_card
from rushes.summary.packages.markdown import code_block, plain
from rushes.summary.packages.reading import reading_of
from rushes.workspace import Workspace
from tests.rushes.runs import manifest, png, run, settings
from tests.rushes.summary.described import ABOUT, HOSTILE, dataset


def parts(folder: Path) -> tuple[dict[str, Any], str]:
    """Returns what the front matter says, and the page below it."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    _, front, page = re.split(r"^---\n", text, maxsplit=2, flags=re.MULTILINE)
    return yaml.safe_load(front), page


def table(page: str, heading: str) -> list[list[str]]:
    """Returns the rows of the first table below a heading; a bar that is escaped ends no cell."""
    below = page.split(f"## {heading}\n", 1)[1]
    rows = re.findall(r"^\|(.*)\|$", below.split("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


def test_hostile_names_end_no_cell_no_line_and_no_front_matter(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, ABOUT)
    front, page = parts(folder)
    assert front["pretty_name"] == ABOUT["title"]
    assert front["tags"] == ["rushes", *ABOUT["keywords"]]
    _, _, *rows = table(page, "Classes")
    assert sorted(row[1] for row in rows) == sorted(plain(name) for name in HOSTILE)
    assert {len(row) for row in rows} == {4}
    assert not re.search(r"(?<!\\)<(?!https:)", page)
    assert not re.search(r"(?<!\\)\]\((?!https://spdx)", page)
    assert not re.search("[\x00-\x09\x0b-\x1f\N{RIGHT-TO-LEFT OVERRIDE}]", page)


def test_its_figures_are_those_of_the_statistics(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    stats = json.loads((folder / "stats.json").read_bytes())
    _, page = parts(folder)
    _, _, *splits = table(page, "What is in it")
    assert splits == [
        *([name, str(counts["files"]), str(counts["annotations"])] for name, counts in stats["splits"].items()),
        ["**all**", str(stats["files"]), str(sum(counts["annotations"] for counts in stats["splits"].values()))],
    ]
    _, _, *classes = table(page, "Classes")
    for _, name, *counts in classes:
        found = next(counts for class_, counts in stats["classes"].items() if plain(class_) == name)
        assert [*map(int, counts)] == [found.get(split, 0) for split in stats["splits"]]
    made = dict(table(page, "How it was made")[2:7])
    assert {status: int(count) for status, count in made.items()} == stats["items"]
    assert table(page, "Where it comes from")[2:] == [["file", "not said", "1"], ["file", "CC0-1.0", "3"]]


@pytest.mark.parametrize(("seconds", "words"), [(22.416, "22.4 s"), (1_800.0, "30 min"), (7.2e6, "2,000 h")])
def test_lengths_and_sizes_are_written_out(tmp_path: Path, seconds: float, words: str) -> None:
    config, folder = dataset(tmp_path)
    stats = json.loads((folder / "stats.json").read_bytes()) | {"duration_s": seconds, "bytes": 999_900}
    (folder / "README.md").unlink()
    write_card(Facts(config, Workspace(tmp_path / "work"), "run", HOSTILE, stats, folder))
    assert f"\n1 MB of media, made of {words} of video." in parts(folder)[1]


def test_licenses_of_items_are_those_of_the_statistics_however_their_column_is_spelled(tmp_path: Path) -> None:
    names = ("license", "licence", "License", "LICENCE")
    for name in names:
        png(tmp_path / f"{name}.png", "red", (8 + names.index(name), 8))
    rows: list[dict[str, object]] = [
        {"id": name, "url": f"{name}.png", "split": "train", name: " MIT "} for name in names
    ]
    config = settings(Workspace(tmp_path / "work"), rows)
    run(config, Workspace(tmp_path / "work"))
    folder = Path(config.output_place)
    assert json.loads((folder / "stats.json").read_bytes())["licenses"] == {"MIT": 4}
    assert table(parts(folder)[1], "Where it comes from")[2:] == [["file", "MIT", "4"]]


@pytest.mark.parametrize(
    ("license_", "said"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("ODbL-1.0", {"license": "odbl"}),
        (
            "EUPL-1.1",
            {
                "license": "other",
                "license_name": "eupl-1.1",
                "license_link": "https://spdx.org/licenses/EUPL-1.1.html",
            },
        ),
        (
            "https://example.com/terms",
            {"license": "other", "license_name": "terms", "license_link": "https://example.com/terms"},
        ),
        (None, {}),
    ],
)
def test_the_hub_is_told_the_license_as_it_knows_it(tmp_path: Path, license_: str | None, said: dict[str, str]) -> None:
    _, folder = dataset(tmp_path, {"license": license_})
    front, page = parts(folder)
    assert {key: value for key, value in front.items() if key.startswith("license")} == said
    assert ("License of the dataset: not said." in page) == (license_ is None)


@pytest.mark.parametrize("layout", ["imagefolder", "yolo-cls", "webdataset", "yolo"])
def test_the_files_that_the_hub_is_told_to_load_are_there(tmp_path: Path, layout: str) -> None:
    _, folder = dataset(tmp_path, export={"format": layout})
    (config,) = parts(folder)[0]["configs"]
    found = {
        one["split"]: [path for path in folder.glob(one["path"].replace("**", "**/*")) if path.is_file()]
        for one in config["data_files"]
    }
    assert all(found.values())
    if layout in ("yolo", "webdataset"):  # of shards, `datasets` wants pictures of one type, and here are two
        assert found == {"items": [folder / "manifest.parquet"]}
    else:
        assert [*found] == ["train", "validation"]
        files = {path for paths in found.values() for path in paths}
        assert files >= {folder / row.path for row in manifest(folder).values() if row.path}


def test_the_hub_is_told_to_load_shards_of_one_type(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    rows = [{"id": "a", "url": "a.png", "split": "val", "label": "cat"}]
    config = settings(Workspace(tmp_path / "work"), rows, export={"format": "webdataset"})
    run(config, Workspace(tmp_path / "work"))
    folder = Path(config.output_place)
    files = [{"split": "validation", "path": "val-*.tar"}]
    assert parts(folder)[0]["configs"] == [{"config_name": "default", "data_files": files}]
    assert [*folder.glob("val-*.tar")]


def test_every_layout_says_how_it_is_read() -> None:
    assert all(reading_of(name).title != name for name in LAYOUTS if name not in ("imagefolder", "videofolder"))
    for name in LAYOUTS:
        for _, code in reading_of(name).load:
            compile(code.replace("{split}", "train"), name, "exec")


def test_the_card_of_an_exporter_stays(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from rushes.export import BaseExporter\n\n\n"
        "class Own(BaseExporter):\n"
        "    def additional_file_saving(self, export_path):\n"
        "        (export_path / 'README.md').write_text('mine')\n"
    )
    _, folder = dataset(tmp_path, export={"format": "own:Own", "code": str(tmp_path)})
    assert (folder / "README.md").read_text() == "mine"


def test_a_text_in_code_stays_in_it() -> None:
    assert code_block("a ```` b") == "`````\na ```` b\n`````"
    assert plain("a\n\n# b\t|") == "a \\# b \\|"
