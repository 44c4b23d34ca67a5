"""An exporter of the user's own where steps share only a storage: its code comes from there, its files go there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rushes.export.custom import custom_exporter
from rushes.pipeline_file import load
from rushes.storage import Storage
from rushes.summary.verify import verify_dataset
from rushes.workspace import opened
from tests.rushes.runs import png, run_apart

CODE = """
import json
from pathlib import Path
from rushes.export import BaseExporter
from own_beside import WORD

class Own(BaseExporter):
    def __init__(self, run, export_items, path_root, **params):
        super().__init__(run, export_items, path_root, **params)
        self.names = []

    def process_file_saving(self, data, export_path):
        super().process_file_saving(data, export_path)
        self.names.append(data.name)
        (Path(export_path) / "words").mkdir(exist_ok=True)
        (Path(export_path) / "words" / f"{data.name}.txt").write_text(WORD)

    def additional_file_saving(self, export_path):
        (Path(export_path) / "names.json").write_text(json.dumps(self.names))
"""


def test_code_and_files_travel_by_the_storage_alone(storage: Storage, place: str, tmp_path: Path) -> None:
    rows = []
    for number in range(4):
        png(tmp_path / f"{number}.png", "red", (32 + number, 24))
        rows.append({"url": f"{number}.png", "id": f"n{number}"})
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "own_far.py").write_text(CODE)
    (tmp_path / "own_beside.py").write_text("WORD = 'hello'\n")
    workspace = f"{place}/{Path(storage.url).name}"
    (tmp_path / "pipeline.yaml").write_text(
        f"name: far\nsource: items.jsonl\nworkspace: {workspace}\n"
        "export: {format: 'own_far:Own'}\nrun: {batch_size: 1}\n"
    )
    config = load(tmp_path / "pipeline.yaml")
    ended = run_apart(config)
    assert ended.items["ok"] == 4
    assert json.loads(storage.read("datasets/far/names.json") or b"null") == ["n0", "n1", "n2", "n3"]
    assert {storage.read(f"datasets/far/words/n{number}.txt") for number in range(4)} == {b"hello"}
    found = verify_dataset(f"{workspace}/datasets/far")
    assert (found.intact, found.checked) == (True, 4 + 4 + 1 + 9)  # media, words, names; what every dataset has
    assert not [entry.name for entry in storage.list("runs") if "__pycache__" in entry.name]
    _forget()  # as in a worker, which has neither imported it nor the folder that it came from
    (tmp_path / "own_far.py").unlink()
    with opened(config.workspace_place) as there:
        exporter = custom_exporter(config, there, ended.run)
        assert exporter.__module__ == "own_far"
        assert Path(sys.modules["own_far"].__file__ or "").is_relative_to(there.root)
    _forget()


def _forget() -> None:
    for name in ("own_far", "own_beside"):
        sys.modules.pop(name, None)
