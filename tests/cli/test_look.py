"""Commands that look: what they print, how they end, and what they leave alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rushes.jsonl import write_lines
from rushes.records import ManifestRow
from tests.cli.test_main import pipeline_file, rushes
from tests.rushes.runs import png
from tests.rushes.summary.report_data import make


def test_a_plan_is_words_and_one_line_for_scripts_and_leaves_nothing(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text("url\na.png\nb.png\n")
    path = pipeline_file(tmp_path, "name: x\nsource: items.csv\n")
    before = sorted(tmp_path.rglob("*"))
    ended = rushes("plan", path, "--offline", "--json", "--set", "transcode.profile=web")
    assert ended.returncode == 0, ended.stderr
    *words, line = ended.stdout.splitlines()
    assert words[0].startswith("items:     2 planned = 2 new")
    found = json.loads(line)
    assert (found["status"], found["items"]["new"], found["fetch"]) == ("ok", 2, 2)
    assert found["fetch_bytes"] == (tmp_path / "a.png").stat().st_size
    assert found["transcode_s"] is None
    assert sorted(tmp_path.rglob("*")) == before


def test_a_plan_of_what_cannot_run_is_exit_2_and_one_line(tmp_path: Path) -> None:
    for text, expected in [
        ("name: x\nsource: nowhere.csv\n", "nowhere.csv"),
        ("name: x\nsource: a.csv\nnope: 1\n", "unknown key nope"),
    ]:
        ended = rushes("plan", pipeline_file(tmp_path, text))
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
        assert expected in ended.stderr


def test_a_plan_says_what_would_stop_a_run_at_once(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text("url\na.png\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    ended = rushes("plan", pipeline_file(tmp_path, "name: x\nsource: items.csv\noutput: mine\n"), "--json")
    assert ended.returncode == 0
    assert "would stop here" in ended.stderr
    assert "mine: holds something" in json.loads(ended.stdout.splitlines()[-1])["stopped"]


def test_a_plan_imports_no_orchestrator(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("url\na.png\n")
    path = pipeline_file(tmp_path, "name: x\nsource: items.csv\n")
    code = (
        f"import sys; from cli.main import rushes; rushes.main(['plan', {str(path)!r}], standalone_mode=False);"
        "sys.exit(any(name in sys.modules for name in ('prefect', 'ray')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_datasets_that_differ_are_exit_1_and_the_same_ones_exit_0(tmp_path: Path) -> None:
    for name, ids in (("old", "ab"), ("new", "bc")):
        rows = [ManifestRow(each, f"{each}.png", "ok", "export") for each in ids]
        write_lines(tmp_path / name / "manifest.jsonl", rows)
    ended = rushes("diff", tmp_path / "old", tmp_path / "new", "--json")
    assert ended.returncode == 1
    *words, line = ended.stdout.splitlines()
    assert words == ["added: 1: c", "vanished: 1: a", "2 rows differ; 2 before, 2 now"]
    assert json.loads(line)["first"]["added"] == ["c"]
    assert rushes("diff", tmp_path / "old", tmp_path / "old").returncode == 0
    nowhere = rushes("diff", tmp_path / "old", tmp_path / "nowhere")
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)


def test_a_report_is_written_again_from_what_stands_in_the_folder(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    before = (dataset / "report.html").read_bytes()
    (dataset / "report.html").unlink()
    ended = rushes("report", dataset, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout.splitlines()[-1]) == {"status": "ok", "report": f"{dataset}/report.html"}
    assert (dataset / "report.html").read_bytes() == before
    nowhere = rushes("report", tmp_path)
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)
