from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.export.split import split_of

RATIOS = {"train": 0.8, "val": 0.2}


@given(st.lists(st.text(), unique=True, max_size=30), st.data())
def test_an_item_stays_in_its_split_whoever_comes_or_goes(keys: list[str], data: st.DataObject) -> None:
    before = {key: split_of(key, RATIOS) for key in keys}
    left = data.draw(st.permutations(keys))[: len(keys) // 2]
    assert {key: split_of(key, RATIOS) for key in left} == {key: before[key] for key in left}


@pytest.mark.parametrize("ratios", [RATIOS, {"train": 0.7, "val": 0.2, "test": 0.1}, {"train": 0.5, "val": 0.5}])
def test_splits_get_their_shares(ratios: dict[str, float]) -> None:
    counts = Counter(split_of(f"item {number}", ratios) for number in range(4000))
    for name, share in ratios.items():
        assert counts[name] / 4000 == pytest.approx(share, abs=0.03)


def test_a_larger_share_only_takes_from_the_others() -> None:
    keys = [f"item {number}" for number in range(1000)]
    train = {key for key in keys if split_of(key, RATIOS) == "train"}
    assert train <= {key for key in keys if split_of(key, {"train": 0.9, "val": 0.1}) == "train"}


@given(st.text())
def test_a_split_without_a_share_gets_nothing(key: str) -> None:
    assert split_of(key, {"train": 1.0, "val": 0.0}) == "train"
    assert split_of(key, {"train": 0.0, "val": 1.0}) == "val"
    assert split_of(key, {"train": 0.9999999, "val": 0.0}) == "train"


def test_splits_never_change_between_versions() -> None:
    found = [split_of(key, {"train": 0.6, "val": 0.2, "test": 0.2}) for key in "abcdefgh"]
    assert found == ["val", "train", "train", "train", "train", "train", "test", "val"]
