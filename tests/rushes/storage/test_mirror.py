"""A mirror: what changed here goes up in order, what is gone here goes last, and a push that breaks loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.errors import StorageError
from rushes.storage import Storage
from rushes.storage.mirror import Mirror


def names(storage: Storage) -> list[str]:
    return sorted(entry.name for entry in storage.list())


def mirror_of(storage: Storage, root: Path) -> Mirror:
    root.mkdir()
    return Mirror(storage, root, lambda name: name.startswith("ledger/"))


def test_what_was_changed_renamed_and_removed_here_is_so_there(storage: Storage, tmp_path: Path) -> None:
    for name in ("incoming/a", "incoming/twin", "ledger/x", "untouched"):
        storage.write(name, name.encode())
    mirror = mirror_of(storage, tmp_path / "here")
    mirror.need_all("incoming")
    mirror.need(["ledger/x", "none"])
    (mirror.root / "media").mkdir()
    (mirror.root / "incoming/a").rename(mirror.root / "media/a")
    (mirror.root / "incoming/twin").unlink()
    (mirror.root / "ledger/x").write_bytes(b"longer than before")
    (mirror.root / ".unfinished").write_bytes(b"1")
    mirror.push()
    assert names(storage) == ["ledger/x", "media/a", "untouched"]
    assert (storage.read("media/a"), storage.read("ledger/x")) == (b"incoming/a", b"longer than before")


def test_a_push_that_is_cut_short_takes_nothing_away_that_the_next_try_needs(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write("incoming/a", b"1")
    put = storage.put

    def lost_before_the_ledger(path: Path, name: str) -> None:
        if name.startswith("ledger/"):
            raise StorageError("the network is gone")
        put(path, name)

    for attempt in range(2):
        mirror = mirror_of(storage, tmp_path / str(attempt))
        mirror.need(["incoming/a"])
        (mirror.root / "media").mkdir()
        (mirror.root / "incoming/a").rename(mirror.root / "media/a")
        (mirror.root / "ledger").mkdir()
        (mirror.root / "ledger/x").write_bytes(b"a is there")
        if attempt == 0:
            monkeypatch.setattr(storage, "put", lost_before_the_ledger)
            with pytest.raises(StorageError, match="gone"):
                mirror.push()
            assert names(storage) == ["incoming/a", "media/a"]
            monkeypatch.undo()
        else:
            mirror.push()
    assert names(storage) == ["ledger/x", "media/a"]
