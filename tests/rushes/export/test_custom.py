"""An exporter of the user's own: found, taken along, held to what it may do, and never half believed."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.errors import ConfigError, ExporterError, RushesError
from rushes.export.custom import check_exporter
from rushes.export.run import ExportRun
from rushes.pipeline_file import load
from rushes.records import ManifestRow
from rushes.summary.shown import markdown
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import manifest, png, run

HEAD = """
import json, os
from pathlib import Path
from rushes.errors import AnnotationError
from rushes.export import BaseExporter
"""


@pytest.fixture(autouse=True)
def as_imported_before() -> Iterator[None]:
    """Forgets modules that a test brought in."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("own"):
            del sys.modules[name]


def pipeline(folder: Path, code: str, name: str = "own:Own", beside: Mapping[str, str] = {}) -> Pipeline:
    """Writes an exporter beside a pipeline file over three pictures, and returns the pipeline."""
    folder.mkdir(exist_ok=True)
    for number in range(3):
        png(folder / f"{number}.png", "red", (32 + number, 24))
    labels = [{"class": "car", "box": [1, 2, 3, 4]}]
    rows = [{"url": f"{number}.png", "id": f"{number}", "annotations": labels} for number in range(3)]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "own.py").write_text(HEAD + code)
    for file, text in beside.items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    text = f'name: mine\nsource: items.jsonl\nexport: {{format: "{name}", params: {{size: 7}}}}\n'
    (folder / "pipeline.yaml").write_text(text + "run: {batch_size: 1, max_failed: 1}\n")
    return load(folder / "pipeline.yaml")


def export(config: Pipeline) -> Path:
    run(config, Workspace(Path(config.workspace)))
    return Path(config.output_place)


def rows(dataset: Path) -> dict[str, ManifestRow]:
    return manifest(dataset)


OWN = """
import own_words, own_package.more
from own_words import WORD
class Own(BaseExporter):
    def process_file_saving(self, data, export_path):
        super().process_file_saving(data, export_path)
        (Path(export_path) / "by_hand").mkdir(exist_ok=True)
        (Path(export_path) / "by_hand" / f"{data.name}.txt").write_text(WORD)
        self.run.write(f"{data.name}.size", str(self.params["size"]).encode())
    def additional_file_saving(self, export_path):
        (Path(export_path) / "more.txt").write_text(own_package.more.TEXT)
"""
BESIDE = {
    "own_words.py": "WORD = 'hello'",
    "own_package/__init__.py": "",
    "own_package/more.py": "TEXT = 'more'",
}


def test_its_code_goes_with_the_run_and_what_it_writes_by_hand_is_of_the_dataset(tmp_path: Path) -> None:
    unneeded = dict.fromkeys(["own_not_needed.py", "yaml.py"], "raise RuntimeError")
    config = pipeline(tmp_path / "user", OWN, beside=BESIDE | unneeded)
    dataset = export(config)
    assert {path.name: path.read_text() for path in (dataset / "by_hand").iterdir()} == {
        f"{number}.txt": "hello" for number in range(3)
    }
    assert (dataset / "more.txt").read_text() == "more"
    assert (dataset / "0.size").read_text() == "7"
    found = verify_dataset(dataset)
    assert (found.intact, found.checked) == (True, len([*dataset.rglob("*.*")]) - 3)
    (code,) = Path(config.workspace).glob("runs/*/code")
    taken = sorted(path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file())
    assert taken == ["own.py", "own_package/__init__.py", "own_package/more.py", "own_words.py"]
    assert str(tmp_path / "user") not in (dataset / "export_summary.json").read_text()


def test_a_run_uses_the_code_as_it_is_now(tmp_path: Path) -> None:
    for word in ("one", "two"):
        dataset = export(pipeline(tmp_path / "user", OWN, beside=BESIDE | {"own_words.py": f"WORD = '{word}'\n"}))
        assert (dataset / "by_hand/0.txt").read_text() == word


FINE = "class Own(BaseExporter):\n    pass\n"


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        (FINE, "own_missing:Own", r"no module own_missing, neither in .*user nor .* Put own_missing\.py beside"),
        (FINE, "own.inner:Own", r"no module own\.inner"),
        (FINE, "own:Other", r"own has no Other; exporters that it has: Own"),
        (FINE, "own:json", "it is a module; expected a subclass"),
        (FINE, "own:Path", "it is a class of another kind; expected a subclass"),
        (FINE, "own:BaseExporter", "a class of another kind"),
        (
            "import own_gone\n" + FINE,
            "own:Own",
            r"own imports own_gone, which is not there\. Install it on every worker",
        ),
        ("class Own(\n", "own:Own", r"own cannot be imported: SyntaxError: .*own\.py, line 6"),
        ("1 / 0\n", "own:Own", "own cannot be imported: ZeroDivisionError"),
        (
            "class Own(BaseExporter):\n    def process_file_saving(self, data, path, flag, errors, more): pass\n",
            "own:Own",
            r"process_file_saving\(self, data, path, flag, errors, more\): expected \(self, data, export_path\)",
        ),
    ],
)
def test_what_is_no_exporter_is_refused_before_anything_is_done(
    tmp_path: Path, code: str, name: str, expected: str
) -> None:
    config = pipeline(tmp_path / "user", code, name)
    with pytest.raises(ConfigError, match=expected) as caught:
        check_exporter(config)
    assert f"export.format = '{name}'" in str(caught.value)


@pytest.mark.parametrize("name", ["own", "own:", ":Own", "own:Own:More", "own/x:Own", "../own:Own", "own:Own()"])
def test_a_format_is_a_known_one_or_module_and_class(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"export\.format = .* expected one of yolo, .* or an exporter of your own"):
        pipeline(tmp_path / "user", FINE, name)


def test_a_parameter_that_every_exporter_has_is_refused(tmp_path: Path) -> None:
    pipeline(tmp_path / "user", FINE)
    with pytest.raises(ConfigError, match=r"export\.params\.classes = 3: rushes gives every exporter one"):
        load(tmp_path / "user/pipeline.yaml", ["export.params.classes=3"])


def test_a_hook_that_breaks_ends_the_run_and_is_named_with_item_and_line(tmp_path: Path) -> None:
    for number, broken in enumerate(("{}[data.id]", "data[data.id]")):  # a hook, and what rushes does for one
        code = f"class Own(BaseExporter):\n    def convert_data(self, data):\n        return {broken}\n"
        with pytest.raises(ExporterError, match=r"Own broke on 0: KeyError: '0' \(own\.py, line 8\)"):
            export(pipeline(tmp_path / f"user{number}", code))


def test_a_hook_that_refuses_an_item_fails_that_item_and_its_files_go(tmp_path: Path) -> None:
    code = """
class Own(BaseExporter):
    def __init__(self, run):
        super().__init__(run)
        self.seen = []
    def process_file_saving(self, data, export_path):
        super().process_file_saving(data, export_path)
        self.run.emit("name", data.name)
        self.seen.append(data.name)
        if data.id == "1":
            raise AnnotationError("1: nobody can read this. Look at it.")
    def additional_file_saving(self, export_path):
        self.run.write("seen.json", json.dumps([self.seen, list(self.run.parts("name"))]).encode())
"""
    dataset = export(pipeline(tmp_path / "user", code))
    found = rows(dataset)
    assert {key: (row.status, row.error_code) for key, row in found.items()} == {
        "0": ("ok", None),
        "1": ("failed", "bad_annotation"),
        "2": ("ok", None),
    }
    assert sorted(path.name for path in dataset.rglob("*.png")) == ["0.png", "2.png"]
    assert json.loads((dataset / "seen.json").read_text()) == [["0", "2"], ["0", "2"]]
    assert verify_dataset(dataset).intact


ENDS = (
    "class Own(BaseExporter):\n    def additional_file_saving(self, export_path):\n        root = Path(export_path)\n"
)
EACH = "class Own(BaseExporter):\n    def process_file_saving(self, data, export_path):\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            f"{ENDS}        (root / 'manifest.jsonl').write_text('')\n",
            r"manifest\.jsonl: written by the exporter, and by",
        ),
        (f"{ENDS}        next(root.rglob('0.png')).unlink()\n", r"0\.png: removed by the exporter"),
        (
            f"{ENDS}        (root / 'export_summary.json').write_text('[]')\n",
            r"export_summary\.json: .* no JSON object",
        ),
        (f"{ENDS}        1 / 0\n", r"Own broke on the end: ZeroDivisionError: .* \(own\.py, line 9\)"),
        (
            f"{EACH}        self.run.write('same.txt', data.name.encode())\n",
            r"same\.txt: written for two items, with different contents",
        ),
    ],
)
def test_what_would_spoil_the_dataset_leaves_the_old_one(tmp_path: Path, code: str, expected: str) -> None:
    dataset = export(pipeline(tmp_path / "user", FINE))
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    with pytest.raises(RushesError, match=expected):
        export(pipeline(tmp_path / "user", code))
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("mode", ["copy", "link"])
def test_media_that_a_hook_writes_over_are_told_and_a_stored_file_among_them_is_made_anew(
    tmp_path: Path, mode: str
) -> None:
    code = f"{EACH}        path = export_path / self.run.place(data, f'{{data.name}}.png').path\n"
    pipeline(tmp_path / "user", code + "        path.chmod(0o644)\n        path.write_bytes(b'x')\n")
    config = load(tmp_path / "user/pipeline.yaml", [f"export.media={mode}"])
    with pytest.raises(ExporterError, match=r"0\.png: changed or removed by the exporter after it was placed"):
        export(config)
    pipeline(tmp_path / "user", FINE)
    fine = export(load(tmp_path / "user/pipeline.yaml", [f"export.media={mode}"]))
    pictures = sorted(fine.rglob("*.png"), key=lambda path: path.name)
    assert [path.name for path in pictures] == ["0.png", "1.png", "2.png"]
    assert all(path.read_bytes() == (tmp_path / "user" / path.name).read_bytes() for path in pictures)


def test_files_that_a_hook_rewrites_count_as_they_are_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
class Own(BaseExporter):
    def process_file_saving(self, data, export_path):
        self.run.write(f"{data.name}.txt", b"first")
        (Path(export_path) / f"{data.name}.txt").write_text("second, longer")
    def additional_file_saving(self, export_path):
        (Path(export_path) / "0.txt").write_text("third")
        (Path(export_path) / ".half").write_text("half")
        (Path(export_path) / "where.txt").write_text(str(export_path))
"""
    with caplog.at_level(logging.WARNING):
        dataset = export(pipeline(tmp_path / "user", code))
    assert [(dataset / f"{number}.txt").read_text() for number in range(3)] == [
        "third",
        "second, longer",
        "second, longer",
    ]
    assert verify_dataset(dataset).intact
    assert not (dataset / ".half").exists()
    assert ".half: left unfinished by the exporter" in caplog.text
    assert "where.txt: names .mine.building" in caplog.text


def test_it_is_found_where_it_is_installed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/own_installed.py").write_text(HEAD + FINE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    config = pipeline(tmp_path / "user", FINE, "own_installed:Own")
    assert len([*export(config).rglob("*.png")]) == 3
    assert not [*Path(config.workspace).glob("runs/*/code")]


def test_a_name_that_another_module_bears_already_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = pipeline(tmp_path / "user", FINE)
    monkeypatch.setitem(sys.modules, "own", json)
    with pytest.raises(
        ConfigError, match=r"json/__init__\.py bears the name own already\. Give .*own\.py another name"
    ):
        check_exporter(config)


def test_code_that_was_written_for_dicts_reads_samples_as_such(tmp_path: Path) -> None:
    code = """
class Own(BaseExporter):
    def __init__(self, run, export_items, path_root, **params):
        super().__init__(run, export_items, path_root, **params)
        self.class_names = set()
        self.size = params.get("size")
    def convert_data(self, data):
        for annotation in data.get("annotations", []):
            self.class_names.add(annotation["class_name"])
        assert data.get("colour", "none") == "none"
        return data
    def additional_file_saving(self, unique_export_path):
        with open(os.path.join(unique_export_path, "classes.txt"), "w") as file:
            file.write(" ".join([*sorted(self.class_names), str(self.size)]))
"""
    assert (export(pipeline(tmp_path / "user", code)) / "classes.txt").read_text() == "car 7"


def test_progress_and_messages_are_logged_and_warnings_shown_once_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"{EACH}        self.run.log_message(f'at {{data.id}}')\n        self.run.log_message('dark', 'warning')\n"
    code += "    def additional_file_saving(self, export_path):\n        self.run.log_message('late', 'error')\n"
    config = pipeline(tmp_path / "user", code)
    with caplog.at_level(logging.INFO, "rushes.export"):
        ended = run(config, Workspace(Path(config.workspace)))
    logged = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "rushes.export"]
    each = [[("INFO", f"at {number}"), ("WARNING", "dark")] for number in range(3)]
    assert logged == [*each[0], *each[1], *each[2], ("ERROR", "late")]
    assert ended.messages == ("dark", "late")
    assert "- dark\n- late\n" in markdown(config, ended, {})


def test_progress_is_logged_now_and_then(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of_batch = ExportRun({}, workspace, tmp_path)
    with caplog.at_level(logging.INFO, "rushes.export"):
        run_of_batch.set_progress(0, 9, category="faces")
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 11)
        run_of_batch.set_progress(4, 9, category="faces")
        run_of_batch.set_progress(5, 9, category="faces")
    assert [record.getMessage() for record in caplog.records] == ["faces: 4 of 9 items"]
