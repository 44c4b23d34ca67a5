"""The command on archives: what comes out of them is planned inside the run, and spread over its workers."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.demo_run import manifest, run
from tests.rushes.files.archives import tar_of, zip_of
from tests.rushes.runs import png

_PIPELINE = """
name: packed
source: items.csv
output: packed
run: {batch_size: 5}
"""


def test_a_run_makes_items_of_what_is_in_archives_and_the_next_one_nothing(tmp_path: Path) -> None:
    pictures = {f"{number:02d}.png": png(tmp_path / "x.png", f"#0000{number:02x}") for number in range(24)}
    (tmp_path / "a.zip").write_bytes(zip_of(dict(list(pictures.items())[:12])))
    (tmp_path / "b.tar.xz").write_bytes(tar_of(dict(list(pictures.items())[12:]), mode="w:xz"))
    (tmp_path / "items.csv").write_text("id,url\na,a.zip\nb,b.tar.xz\n")
    (tmp_path / "pipeline.yaml").write_text(_PIPELINE)
    first = run(tmp_path / "pipeline.yaml", "--runner", "ray", dataset="packed")
    assert first.code == 0, first.stderr
    assert first.result["items"] == {"planned": 26, "ok": 26, "failed": 0, "skipped": 0, "quarantined": 0}
    work = first.result["work"]
    assert (work["unpack"]["done"], work["transcode"]["done"], work["transcode"]["batches"]) == (2, 24, 1 + 5)
    assert [row["id"] for row in manifest(first.dataset)] == [
        *("a", *(f"a/{number:02d}.png" for number in range(12))),
        *("b", *(f"b/{number:02d}.png" for number in range(12, 24))),
    ]
    second = run(tmp_path / "pipeline.yaml", "--runner", "threads", dataset="packed")
    assert (second.result["fetched"], second.result["made"]) == (0, 0)
    assert manifest(second.dataset) == manifest(first.dataset)
