"""A damaged ledger is found before a run, and named; what it spoke of is done again, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.ledger import Ledger, segment
from rushes.preview.forecast import forecast
from rushes.seals import seal, sealed
from rushes.workspace import Workspace
from tests.damages import DAMAGES, flip_in_text
from tests.rushes.runs import png, run, settings
from tests.rushes.summary.test_aggregate import content
from tests.rushes.test_ledger import SOURCE, verified

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for number, name in enumerate(NAMES, 8):
        png(tmp_path / f"{name}.png", size=(64, number * 4))
    return Workspace(tmp_path / "work")


def config_of(workspace: Workspace) -> Pipeline:
    rows: list[dict[str, object]] = [{"id": name, "url": f"{name}.png", "annotations": []} for name in NAMES]
    return settings(workspace, rows, run={"batch_size": 2, "max_failed": 1})


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize(("ledger", "stage"), [("verified", "download"), ("media", "transcode")])
def test_what_a_damaged_segment_spoke_of_is_done_again_and_nothing_else(
    workspace: Workspace, ledger: str, stage: str, kind: str
) -> None:
    config = config_of(workspace)
    run(config, workspace)
    before = content(Path(config.output_place))
    target = sorted(workspace.ledger(ledger).iterdir())[1]
    DAMAGES[kind](target)
    again = {"garbage_line": 0, "flip_in_text": 1, "truncate": 1}.get(kind, 2)
    states = forecast(config, workspace, offline=True).items
    assert states["unchanged"] == 6 - again
    ended = run(config, workspace)
    assert int(ended.work.get(stage, {}).get("done", 0)) == again
    assert content(Path(config.output_place)) == before
    assert [target.name in message for message in ended.messages if "done again" in message] == [True]
    third = run(config, workspace)
    assert (third.fetched, third.made) == (0, 0)
    assert [message for message in third.messages if "done again" in message] == []


def test_the_line_is_named_and_what_was_damaged_is_kept(workspace: Workspace) -> None:
    config = config_of(workspace)
    run(config, workspace)
    target = min(workspace.ledger("verified").iterdir())
    DAMAGES["garbage_line"](target)
    damaged = target.read_bytes()
    ended = run(config, workspace)
    assert ended.messages[0] == (f"ledger/verified/{target.name}, line 2: damaged; what stood there is done again")
    assert target.with_name(f"{target.name}.damaged").read_bytes() == damaged


def test_an_older_line_counts_where_the_latest_is_damaged(tmp_path: Path) -> None:
    for name, digest in (("20260101-a", "aa"), ("20260102-a", "bb")):
        with segment(tmp_path / f"{name}.jsonl") as ledger:
            ledger.append("key", verified(digest))
    flip_in_text(tmp_path / "20260102-a.jsonl")
    assert getattr(Ledger(tmp_path).get("key"), "sha256", None) == "aa"


def test_each_flipped_bit_of_a_line_shows() -> None:
    line = seal(SOURCE)
    assert sealed(line)
    for place in range(len(line)):
        for bit in range(8):
            flipped = bytearray(line)
            flipped[place] ^= 1 << bit
            assert not sealed(bytes(flipped))


def test_lines_of_before_there_were_seals_are_believed(tmp_path: Path) -> None:
    with segment(tmp_path / "a.jsonl") as ledger:
        ledger.append("key", verified("aa"))
    line = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "a.jsonl").write_bytes(b"{" + line[len(b'{"crc":"00000000",') :])
    assert Ledger(tmp_path).get("key") == _unsigned()


def _unsigned() -> object:
    from rushes.ledger import with_source
    from rushes.records import Source
    from rushes.transfer.urls import redact

    return with_source(verified("aa"), Source(SOURCE.id, redact(SOURCE.url)))


def test_two_keys_of_one_hash_are_two_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushes.index.hash", lambda _: 7, raising=False)
    with segment(tmp_path / "a.jsonl") as ledger:
        for key in ("aa", "bb", "aa"):
            ledger.append(key, verified(key))
    found = Ledger(tmp_path)
    assert [getattr(found.get(key), "sha256", None) for key in ("aa", "bb", "cc")] == ["aa", "bb", None]
