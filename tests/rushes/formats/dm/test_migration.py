from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import AnnotationError
from rushes.formats.dm import dump, load, migrate_v1_to_v2, migrate_v2_to_v1, version_of
from rushes.jsonl import encode
from tests.rushes.formats.dm.documents import broken, edited_v2_documents, v1_documents, v2_documents

Json = dict[str, Any]


@given(v1_documents())
def test_v1_to_v2_and_back_is_the_same_document(document: Json) -> None:
    before = copy.deepcopy(document)
    v2 = migrate_v1_to_v2(document)
    assert encode(migrate_v2_to_v1(v2)) == encode(before)
    assert encode(document) == encode(before), "the document itself must stay as it is"


@given(v2_documents() | edited_v2_documents())
def test_v2_to_v1_and_back_is_the_same_document(document: Json) -> None:
    before = copy.deepcopy(document)
    v1 = migrate_v2_to_v1(document)
    assert encode(migrate_v1_to_v2(v1)) == encode(before)
    assert encode(document) == encode(before), "the document itself must stay as it is"
    assert encode(migrate_v2_to_v1(migrate_v1_to_v2(v1))) == encode(v1)


@settings(max_examples=50)
@given(v1_documents(), v2_documents(), st.sampled_from([dump, encode]))
def test_a_document_that_lay_in_a_file_is_still_the_same(v1: Json, v2: Json, write: Any) -> None:
    # `encode` sorts the keys, as many who write JSON do.
    assert encode(migrate_v2_to_v1(load(dump(migrate_v1_to_v2(v1)), "file"))) == encode(v1)
    assert encode(migrate_v1_to_v2(load(write(migrate_v2_to_v1(v2)), "file"))) == encode(v2)


@given(v1_documents())
def test_what_comes_of_v1_is_v2_and_the_other_way_round(document: Json) -> None:
    v2 = migrate_v1_to_v2(document)
    assert version_of(v2, "here") == "v2"
    assert version_of(migrate_v2_to_v1(v2), "here") == "v1"
    assert version_of(migrate_v2_to_v1(v2["annotation_data"]), "here") == "v1"


@settings(max_examples=50)
@given(broken(v1_documents().filter(bool)))
def test_a_broken_v1_is_refused_or_comes_back_the_same(document: Json) -> None:
    v2 = _unless_refused(migrate_v1_to_v2, document)
    assert v2 is None or encode(migrate_v2_to_v1(v2)) == encode(document)


@settings(max_examples=50)
@given(broken((v2_documents() | edited_v2_documents()).filter(bool)))
def test_a_broken_v2_is_refused_or_comes_back_the_same(document: Json) -> None:
    v1 = _unless_refused(migrate_v2_to_v1, document)
    assert v1 is None or encode(migrate_v1_to_v2(v1)) == encode(document)


@settings(max_examples=50)
@given(broken(v2_documents().filter(bool).map(migrate_v2_to_v1)))
def test_a_v1_whose_remains_are_broken_is_refused_or_becomes_a_v2_like_any_other(document: Json) -> None:
    v2 = _unless_refused(migrate_v1_to_v2, document)
    v1 = None if v2 is None else _unless_refused(migrate_v2_to_v1, v2)
    assert v1 is None or encode(migrate_v1_to_v2(v1)) == encode(v2)


def _unless_refused(migrate: Callable[[object, str], Json], document: Json) -> Json | None:
    """Returns what comes of a document, or None where it is refused in so many words."""
    try:
        return migrate(document, "a.json")
    except AnnotationError as error:
        said = str(error)
    assert said.startswith("a.json: ")
    assert len(said) < 800
    return None
