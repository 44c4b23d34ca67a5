"""How far a step is, as others see it: on a shared disk, and in a storage, where nothing but files travels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes import progress
from rushes.progress import Step, run_progress, steps, telling
from rushes.workspace import Batch, opened
from tests import storages

BATCH = Batch("ingest-0003", "run", "runs/run/ingest.jsonl", 0, 7)
OTHER = Batch("members-0001", "run", "runs/run/members.jsonl", 0, 4)


@pytest.fixture(params=["folder", "storage"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(progress, "_EVERY_S", 0)
    monkeypatch.setattr(progress, "_EVERY_IN_STORAGE_S", 0)
    if request.param == "folder":
        yield str(tmp_path / "work")
        return
    with storages.s3() as url:
        yield f"{url}/{tmp_path.name}"  # one memory serves all servers of a process


def seen(place: str) -> list[Step]:
    """Returns what another process sees."""
    with opened(place) as workspace:
        return list(steps(workspace, "run"))


def test_others_see_each_item_while_the_step_is_at_work(place: str) -> None:
    told: list[tuple[int, int]] = []
    assert seen(place) == []
    with opened(place) as workspace:
        with telling(workspace, BATCH, "download", lambda done, total: told.append((done, total))) as tell:
            for done in (1, 5):
                tell(done, 7)
                assert seen(place) == [Step("ingest-0003", "download", done)]
        with telling(workspace, OTHER, "transcode"):
            pass
    assert seen(place) == [Step("ingest-0003", "download", 7), Step("members-0001", "transcode", 4)]
    assert told == [(1, 7), (5, 7)]


def test_a_step_that_breaks_is_not_done_and_its_next_try_goes_on_from_what_it_has(place: str) -> None:
    with pytest.raises(KeyError), opened(place) as workspace, telling(workspace, BATCH, "download") as tell:
        raise KeyError(tell(5, 7))
    assert seen(place) == [Step("ingest-0003", "download", 5)]
    with opened(place) as workspace, telling(workspace, BATCH, "download") as tell:
        tell(3, 7)
        assert run_progress(workspace, "run") == {"download": 3}


def test_what_cannot_be_told_fails_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_EVERY_S", 0)
    (tmp_path / "runs").write_text("no folder")
    with opened(str(tmp_path)) as workspace, telling(workspace, BATCH, "download") as tell:
        tell(3, 7)
    assert seen(str(tmp_path)) == []


def test_a_busy_step_tells_seldom(tmp_path: Path) -> None:
    with opened(str(tmp_path)) as workspace, telling(workspace, BATCH, "download") as tell:
        for done in range(7):
            tell(done, 7)
        assert seen(str(tmp_path)) == []
