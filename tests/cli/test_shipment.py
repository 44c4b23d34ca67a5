"""What goes to a cluster with a job, and what is kept from going."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.jobs.shipment import packed, prepare
from rushes.errors import ConfigError

EXPORTER = """
from own_helper import NAME
from rushes.export import BaseExporter


class Own(BaseExporter):
    name = NAME
"""


def pipeline(folder: Path, text: str, rows: str = "url\nhttps://example.org/a.jpg\n") -> Path:
    (folder / "items.csv").write_text(rows)
    path = folder / "pipeline.yaml"
    path.write_text(f"name: x\n{text}")
    return path


def test_only_code_and_the_pipeline_file_go_along(tmp_path: Path) -> None:
    for name in (".git/config", ".venv/bin/python", "work/media/a.mp4", "datasets/x/images/a.jpg", ".env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"data")
    file = pipeline(tmp_path, "source: items.csv\n")
    with packed(prepare(file, (), "run", "python", as_json=False)) as folder:
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "cli/__main__.py",
        "flows/pipeline.py",
        "tasks/plan.py",
        "rushes/py.typed",
        "pipeline/pipeline.yaml",
    } <= names
    assert {name.partition("/")[0] for name in names} == {"cli", "flows", "tasks", "rushes", "pipeline"}
    assert [name for name in names if name.startswith("pipeline/")] == ["pipeline/pipeline.yaml"]
    assert not [name for name in names if "__pycache__" in name]
    assert not folder.exists()


def test_folders_are_named_as_they_are_here_because_nodes_share_them(tmp_path: Path) -> None:
    file = pipeline(tmp_path, "source: items.csv\noutput: out\n")
    shipment = prepare(file, ("run.max_failed=0.5",), "ingest", "/opt/py", as_json=True)
    assert shipment.entrypoint == (
        "/opt/py -m cli ingest pipeline/pipeline.yaml --set=run.max_failed=0.5 "
        f"--set=workspace={tmp_path}/work --set=output={tmp_path}/out --set=source={tmp_path}/items.csv --json"
    )
    assert f"must be there on every node, under the same path: workspace {tmp_path}/work" in shipment.remarks[1]


def test_with_a_workspace_in_a_storage_a_local_list_goes_along(tmp_path: Path) -> None:
    file = pipeline(tmp_path, "source: items.csv\nworkspace: s3://bucket/${PLACE}\n")
    shipment = prepare(file, (), "run", "python", as_json=False)
    assert shipment.files["pipeline/items.csv"] == tmp_path / "items.csv"
    assert shipment.entrypoint == "python -m cli run pipeline/pipeline.yaml --set=source=items.csv"
    assert "pipeline.yaml reads PLACE" in shipment.remarks[-1]


def test_a_list_that_names_files_of_this_machine_stays(tmp_path: Path) -> None:
    file = pipeline(tmp_path, "source: items.csv\nworkspace: s3://bucket/x\n", "url\nclips/a.mp4\n")
    with pytest.raises(ConfigError, match=r"clips/a\.mp4 is a file of this machine"):
        prepare(file, (), "run", "python", as_json=False)


def test_an_exporter_of_ones_own_goes_along_with_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "own_exporter.py").write_text(EXPORTER)
    (tmp_path / "own_helper.py").write_text("NAME = 'own'\n")
    file = pipeline(tmp_path, "source: items.csv\nexport: {format: 'own_exporter:Own'}\n")
    shipment = prepare(file, (), "run", "python", as_json=False)
    assert {"pipeline/own_exporter.py", "pipeline/own_helper.py"} <= set(shipment.files)
    assert shipment.entrypoint.endswith("--set=export.code=.")


@pytest.mark.parametrize(
    "given",
    [
        "AWS_SECRET_ACCESS_KEY=hunter2",
        "RAY_AUTH_TOKEN=hunter2",
        "DB_PASSWORD=hunter2",
        "API_KEY=hunter2",
        "PREFECT_API_AUTH_STRING=me:hunter2",
        "PREFECT_API_URL=http://me:hunter2@prefect.example/api",
        "LIST=https://example.org/list.csv?sig=hunter2",
    ],
)
def test_no_variable_that_looks_like_a_credential_is_set_for_a_job(tmp_path: Path, given: str) -> None:
    shipment = prepare(pipeline(tmp_path, "source: items.csv\n"), (), "run", "python", as_json=False)
    with pytest.raises(ConfigError, match=rf"--env {given.partition('=')[0]}: it looks like a credential") as refused:
        shipment.with_variables([given])
    assert "hunter2" not in str(refused.value)


def test_variables_are_set_as_given_or_as_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHOR", "me")
    shipment = prepare(pipeline(tmp_path, "source: items.csv\n"), (), "run", "python", as_json=False)
    given = ["AUTHOR", "PREFECT_API_URL=http://prefect.example/api", "EMPTY="]
    assert shipment.with_variables(given).variables == {
        "AUTHOR": "me",
        "PREFECT_API_URL": "http://prefect.example/api",
        "EMPTY": "",
    }
    with pytest.raises(ConfigError, match="not set here"):
        shipment.with_variables(["NO_SUCH_VARIABLE_HERE"])
    with pytest.raises(ConfigError, match="expected NAME"):
        shipment.with_variables(["a b=c"])


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("source: https://me:hunter2@example.org/items.csv\n", ()),
        ("source: items.csv\nworkspace: sftp://me:hunter2@example.org/x\n", ()),
        ("source: items.csv\n", ("source=https://example.org/items.csv?token=hunter2",)),
    ],
)
def test_credentials_in_places_are_refused(tmp_path: Path, text: str, overrides: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="could be read in the job's description") as refused:
        prepare(pipeline(tmp_path, text), overrides, "run", "python", as_json=False)
    assert "hunter2" not in str(refused.value)


def test_credentials_by_reference_are_taken(tmp_path: Path) -> None:
    file = pipeline(tmp_path, "source: https://${WHO}:${WORD}@example.org/items.csv?token=${TOKEN}\n")
    assert "TOKEN, WHO, WORD" in prepare(file, (), "run", "python", as_json=False).remarks[-1]


def test_more_than_code_is_refused(tmp_path: Path) -> None:
    file = pipeline(tmp_path, "source: items.csv\nworkspace: s3://bucket/x\n")
    with (tmp_path / "items.csv").open("a") as rows:
        rows.write("https://example.org/" + "b" * (51 * 2**20) + ".jpg\n")
    with pytest.raises(ConfigError, match=r"items\.csv: .* bytes that would go along"):
        prepare(file, (), "run", "python", as_json=False)
