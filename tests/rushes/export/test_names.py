from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.export.names import file_stem


@pytest.mark.parametrize("identity", ["a", "street-1f00a9c3d2e4", "IMG_0001.b", "straße", "猫", "a-f1"])
def test_an_id_that_can_be_a_name_is_the_name(identity: str) -> None:
    assert file_stem(identity) == identity


@pytest.mark.parametrize(
    "identity", ["a/b", "..", "", "a b", ".hidden", "a\nb", "x" * 500, "é" * 100, "v-f000005", "a\0"]
)
def test_any_other_gets_a_hash(identity: str) -> None:
    assert len(file_stem(identity)) > 9
    assert file_stem(identity)[-9] == "-"


@given(st.lists(st.text(st.characters(codec="utf-8")), unique=True, min_size=2, max_size=10))
def test_different_ids_have_different_names(ids: list[str]) -> None:
    assert len({file_stem(identity) for identity in ids}) == len(ids)


@given(st.text(st.characters(codec="utf-8")))
def test_a_name_is_safe(identity: str) -> None:
    stem = file_stem(identity)
    assert not set(stem) & set('/\\\0\n\r:*?"<>|')
    assert not stem.startswith(".")
    assert len(stem.encode()) < 200
    assert unicodedata.is_normalized("NFC", stem)
