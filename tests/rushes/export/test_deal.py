"""No two splits share a group or a file, nothing moves when other items come or go, and classes get their shares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from rushes.export.deal import dealt, digest_of, key_of
from rushes.records import Media, MediaInfo, Outcome, Rejection, Source, Verified
from rushes.workspace import Workspace
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import manifest, png, run
from tests.rushes.runs import settings as runs_settings

INFO = MediaInfo("image/png", 8, 8)


def media(key: str, content: str = "", **row: Any) -> Media:
    """Returns an item whose bytes are named, not there."""
    sha256 = f"{digest_of(content or key):016x}" * 4
    verified = Verified(Source(key, f"{key}.png", origin=f"items.csv:{key}", **row), f"media/{key}", sha256, 1)
    return Media(verified, verified.path, sha256, 1, INFO, INFO, "kept", "", "recipe")


def deal(folder: Path, found: Sequence[Outcome], **export: Any) -> tuple[dict[str, str], dict[str, Rejection]]:
    """Returns each item's split, and those that were left out."""
    config = pipeline(Workspace(folder), export=export)
    splits, out = {}, {}
    for outcome in dealt(found, config, folder / "spool"):
        if isinstance(outcome, Media):
            splits[outcome.verified.source.id] = outcome.verified.source.split or "none"
        elif isinstance(outcome, Rejection):
            out[outcome.source.id] = outcome
    assert not (folder / "spool").exists()
    return splits, out


items: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        content=st.sampled_from([f"c{number}" for number in range(8)]),
        group=st.sampled_from([None, *(f"g{number}" for number in range(5))]),
        split=st.sampled_from([None, None, None, "train", "val", "test"]),
        attributes=st.builds(dict, city=st.sampled_from(["", "a", "b", "c", "val"])),
    ),
    max_size=14,
)


@given(items, st.sampled_from([None, "city"]), st.data())
@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_two_splits_share_and_nothing_moves(
    tmp_path: Path, rows: list[dict[str, Any]], column: str | None, data: st.DataObject
) -> None:
    found = [media(f"{number}", **row) for number, row in enumerate(rows)]
    splits, out = deal(tmp_path, found, split_by=column)
    assert splits.keys() | out.keys() == {f"{number}" for number in range(len(rows))}
    together: defaultdict[object, set[str]] = defaultdict(set)
    for key, split in splits.items():
        row = rows[int(key)]
        together[row["content"], "bytes"].add(split)
        together[row["group"] or key, "group"].add(split)
        assert row["split"] in (None, split)
    assert all(len(one) == 1 for one in together.values())
    left = data.draw(st.permutations(found))[: data.draw(st.integers(0, len(found)))]
    fewer, _ = deal(tmp_path, left, split_by=column)
    moved = {key: (splits[key], split) for key, split in fewer.items() if key in splits and splits[key] != split}
    assert moved == {}


def test_of_equal_bytes_in_two_splits_the_given_one_keeps_them_else_the_one_that_is_measured_on(tmp_path: Path) -> None:
    found = [
        media("a", "same", split="train"),
        media("b", "same", group="in val"),
        media("c", "other", split="train"),
        media("d", "other", split="test"),
        media("e", "e"),
    ]
    splits, out = deal(tmp_path, found, split={"val": 1.0})
    assert splits == {"a": "train", "d": "test", "e": "val"}
    assert {key: (one.status, one.code, one.stage) for key, one in out.items()} == dict.fromkeys(
        "bc", ("skipped", "split_conflict", "export")
    )
    assert out["b"].message.startswith(
        "items.csv:b: it would stand in val, and a, which has the same bytes, stands in train. Left out"
    )


def test_a_column_keeps_its_items_together_and_may_name_splits(tmp_path: Path) -> None:
    cities = ["rome", "oslo", "lima", "test", "train"]
    found = [media(f"{number}", attributes={"city": cities[number % 5]}) for number in range(50)]
    splits, out = deal(tmp_path, found, split_by="city")
    by_city = {city: {splits[f"{number}"] for number in range(50) if cities[number % 5] == city} for city in cities}
    assert all(len(one) == 1 for one in by_city.values())
    assert (by_city["test"], by_city["train"], out) == ({"test"}, {"train"}, {})


def test_a_group_that_its_column_tears_apart_stays_in_one_split(tmp_path: Path) -> None:
    found = [media("a", group="g", attributes={"part": "train"}), media("b", group="g", attributes={"part": "val"})]
    splits, out = deal(tmp_path, found, split_by="part")
    assert splits == {"b": "val"}
    assert "a" in out
    assert "which has the same group" in out["a"].message


def test_the_key_is_the_column_then_the_group_then_the_bytes() -> None:
    source = Source("a", "a", group="g", attributes={"n": 3, "empty": ""})
    assert [key_of(source, "sha", column) for column in (None, "n", "empty", "none")] == ["g", "3", "g", "g"]
    assert key_of(Source("a", "a"), "sha", "n") == "sha"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def pictures(folder: Path, numbers: Sequence[int]) -> list[dict[str, object]]:
    """Returns rows over pictures that all differ: of ten, seven are cars, two buses and one is a tram."""
    for number in numbers:
        if not (folder / f"{number}.png").exists():
            png(folder / f"{number}.png", f"#{number:06x}", (16, 16))
    names = {7: "bus", 8: "bus", 9: "tram"}
    return [{"id": f"{n}", "url": f"{n}.png", "label": names.get(n % 10, "car")} for n in numbers]


def test_classes_get_their_shares_and_keep_their_items_when_others_come_and_go(
    workspace: Workspace, tmp_path: Path
) -> None:
    export: dict[str, Any] = {"stratify": "label", "format": "imagefolder", "classes": ["car", "bus", "tram"]}

    def splits(numbers: Sequence[int]) -> dict[str, str]:
        config = runs_settings(workspace, pictures(tmp_path, numbers), export=export)
        run(config, workspace)
        return {key: row.split or "none" for key, row in manifest(Path(config.output_place)).items()}

    def counts(found: dict[str, str], label: str) -> tuple[int, int]:
        labels = {str(row["id"]): row["label"] for row in pictures(tmp_path, [*map(int, found)])}
        of_label = Counter(split for key, split in found.items() if labels[key] == label)
        return of_label["train"], of_label["val"]

    first = splits(range(50))
    assert [counts(first, name) for name in export["classes"]] == [(28, 7), (8, 2), (4, 1)]
    second = splits(range(20, 100))
    assert {key: second[key] for key in first.keys() & second.keys()} == {
        key: first[key] for key in first.keys() & second.keys()
    }
    assert sum(counts(second, "tram")) == 8
    assert counts(second, "tram")[1] in (1, 2)
    assert abs(counts(second, "car")[1] - 0.2 * 56) <= 1
