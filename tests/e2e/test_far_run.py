"""The command, on Ray, with workspace and output in a storage: no disk is shared, and the dataset is the same."""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from rushes.storage import open_storage
from tests import storages
from tests.e2e.demo_run import rushes
from tests.http_server import serve
from tests.rushes.runs import png
from tests.rushes.video.clips import coloured

_PIPELINE = """
name: far
source: items.csv
workspace: {workspace}
download: {{allow_private_hosts: ["127.0.0.1"], attempts: 1}}
transcode: {{profile: web, preset: ultrafast}}
frames: {{every_s: 1.0}}
run: {{max_failed: 0.5, batch_size: 3}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    for number in range(5):
        png(folder / f"{number}.png", size=(64 + number, 48))
    coloured(folder / "clip.mp4")
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        for number in range(2):
            packed.writestr(f"in/{number}.png", png(folder / f"{number}.png", "green", (50 + number, 40)))
    return folder


@pytest.mark.parametrize("kind", ["s3", "sftp"])
def test_a_run_on_a_storage_gives_the_same_manifest_as_one_on_a_disk(kind: str, served: Path, tmp_path: Path) -> None:
    if kind == "sftp" and storages.SSHD is None:
        pytest.skip("OpenSSH's sshd is not installed")
    (tmp_path / "sshd").mkdir()
    there: AbstractContextManager[str] = storages.s3() if kind == "s3" else storages.sftp(tmp_path / "sshd")
    with there as place, serve(served) as server:
        names = [*(f"{number}.png" for number in range(5)), "clip.mp4", "more.zip", "gone.png"]
        (tmp_path / "items.csv").write_text("url\n" + "".join(f"{server.url(f'/{name}')}\n" for name in names))
        done = {}
        for name, workspace, runner in (("far", f"{place}/work", "ray"), ("near", tmp_path / "near", "threads")):
            (tmp_path / f"{name}.yaml").write_text(_PIPELINE.format(workspace=workspace))
            done[name] = rushes("run", tmp_path / f"{name}.yaml", "--runner", runner)
            assert done[name].returncode == 0, done[name].stderr
        with closing(open_storage(f"{place}/work/datasets/far")) as dataset:
            far = {name: dataset.read(name) or b"" for name in ("manifest.jsonl", "stats.json", "checksums.sha256")}
            assert len(list(dataset.list("images"))) > 7
        near = {name: (tmp_path / "near/datasets/far" / name).read_bytes() for name in far}
        assert [
            line for line in far["manifest.jsonl"].splitlines() if line not in near["manifest.jsonl"].splitlines()
        ] == []
        assert far == near
        assert rushes("verify", f"{place}/work/datasets/far").returncode == 0
