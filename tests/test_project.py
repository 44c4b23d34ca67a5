"""What the project says of itself is true: its README, its locks, its pages and its floors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from cli.main import rushes
from rushes import errors
from rushes.config import Pipeline
from rushes.labels import Annotation
from rushes.pipeline_file import load, validate
from rushes.records import ManifestRow, Source
from rushes.sources import read_sources
from rushes.summary.explained import explained
from rushes.summary.stats import Stats

ROOT = Path(__file__).parents[1]


def test_continuous_integration_calls_the_readmes_test_command() -> None:
    commands = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and line[0] != "#"]
    assert commands[0] == "set -euo pipefail"
    assert commands[-1] == "make test"
    assert "\nmake test " in (ROOT / "README.md").read_text()


def test_the_readme_lists_every_command_and_no_other() -> None:
    table = re.findall(r"^\| (`rushes .+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = re.findall(r"`rushes ([a-z]+)", " ".join(table))
    assert sorted(listed) == sorted(rushes.commands)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-uv.lock"])
def test_locks_carry_hashes_and_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    assert "http" not in re.sub(r"^[\w.-]*http[\w.-]*==", "", text, flags=re.MULTILINE)


def test_every_key_of_the_pipeline_file_stands_in_its_page() -> None:
    page = (ROOT / "docs/pipeline.md").read_text()
    assert [key for key in _keys(Pipeline) if f"| `{key}` |" not in page] == []


def test_the_page_of_the_pipeline_file_has_no_key_that_does_not_exist() -> None:
    page, _, _ = (ROOT / "docs/pipeline.md").read_text().partition("## The source file")
    named = re.findall(r"^\| `([a-z_.]+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    profile_rows = {"vcodec", "preset", "crf", "acodec", "audio_bitrate", "movflags", "resolution"}
    assert set(named) - profile_rows == set(_keys(Pipeline))


def test_the_page_of_errors_names_every_code_and_no_other() -> None:
    named = re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted({getattr(errors, name).code for name in errors.__all__})


def test_the_page_of_errors_says_what_to_do_as_the_classes_do() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    told = dict(re.findall(r"^\| `([a-z_]+)` \| .*? \| *(.*?) *\|", page, re.MULTILINE))
    assert told == {code: explained(code)[1] for code in told}


def test_the_page_of_datasets_names_every_column_of_the_manifest_in_its_order_and_every_field_of_a_label() -> None:
    _, _, page = (ROOT / "docs/dataset.md").read_text().partition("## A row of the manifest")
    rows = re.findall(r"^\| (`[^|]+`) \| ", page.partition("\n## ")[0], re.MULTILINE)
    assert tuple(re.findall(r"`([a-z0-9_]+)`", " ".join(rows))) == ManifestRow.__struct_fields__
    label = page[page.index("A label is a struct") :]
    assert [field for field in Annotation.__struct_fields__ if f"`{field}`" not in label] == []


def test_the_page_of_datasets_names_every_count_and_no_other() -> None:
    _, _, page = (ROOT / "docs/dataset.md").read_text().partition("## The counts")
    rows = re.findall(r"^\| (`[^|]+`) \| ", page.partition("\n## ")[0], re.MULTILINE)
    assert sorted(re.findall(r"`([a-z0-9_]+)`", " ".join(rows))) == sorted(Stats().result())


def test_the_example_can_be_read_whole() -> None:
    pipeline = load(ROOT / "examples/pipeline.yaml")
    rows = list(read_sources(pipeline.source, pipeline.download))
    assert len(rows) == 3
    assert all(isinstance(row, Source) for row in rows), rows


def test_every_deployment_is_a_flow_whose_parameters_it_takes() -> None:
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        module, _, flow = deployment["entrypoint"].partition(":")
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").read_text().count(
            f"\ndef {flow}({next(iter(deployment['parameters']))}:"
        ) == 1
        assert deployment["version"] == version("rushes")
        if config := deployment["parameters"].get("config"):
            assert (ROOT / validate(config, "prefect.yaml").source).is_file()


def test_the_floors_hold() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_a_planted_import_of_the_orchestrator_is_caught(tmp_path: Path) -> None:
    for package in ("rushes", "tasks", "flows", "cli"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    records = tmp_path / "rushes/records.py"
    records.write_text(records.read_text().replace("import msgspec\n", "import msgspec\nimport prefect\n", 1))
    done = _lint(tmp_path)
    assert done.returncode != 0
    assert "The library knows no orchestrator BROKEN" in done.stdout
    assert "rushes.records -> prefect" in done.stdout


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        named = getattr(field.annotation, "__origin__", None) is dict  # models by names of the user's own
        inner = [part for part in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_model(part)]
        if inner and not named:
            yield from _keys(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
