"""No damaged clip crashes, hangs, or ends as a silent success."""

from __future__ import annotations

from pathlib import Path

from tests.damaged_clips import damaged


def test_no_damaged_clip_ends_as_a_silent_success(tmp_path: Path) -> None:
    found = list(damaged(60, tmp_path))
    assert [one for one in found if one.silent] == []
    assert sum(one.outcome == "corrupt_media" for one in found) > 30
    assert sum(one.outcome.startswith("ok") for one in found) > 3
