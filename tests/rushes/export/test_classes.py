from __future__ import annotations

import pytest

from rushes.errors import ConfigError
from rushes.export.classes import class_map
from rushes.labels import Annotation
from rushes.records import Source

SEEN = ("lorry", "car", "bus")
ITEM = Source("a", "a.jpg", annotations=(Annotation("bus"), Annotation("car"), Annotation("lorry")), label="lorry")


def test_without_a_choice_the_order_of_the_source_counts() -> None:
    found = class_map(None, SEEN)
    assert found.names == SEEN
    assert found.apply(ITEM) == (ITEM, {})


def test_a_list_gives_the_order_and_leaves_the_rest_out() -> None:
    found = class_map(("car", "bike", "bus"), SEEN)
    assert found.names == ("car", "bike", "bus")
    item, dropped = found.apply(ITEM)
    assert item.annotations == (Annotation("bus"), Annotation("car"))
    assert item.label is None
    assert dropped == {"class_not_listed": 2}


def test_a_mapping_merges_under_new_names() -> None:
    found = class_map({"heavy": ("lorry", "bus"), "light": ("car",)}, SEEN)
    assert found.names == ("heavy", "light")
    item, dropped = found.apply(ITEM)
    assert [label.label for label in item.annotations or ()] == ["heavy", "light", "heavy"]
    assert item.label == "heavy"
    assert not dropped


@pytest.mark.parametrize("annotations", [None, ()])
def test_unlabelled_stays_apart_from_empty(annotations: tuple[Annotation, ...] | None) -> None:
    item = Source("a", "a.jpg", annotations=annotations)
    assert class_map(("car",), SEEN).apply(item) == (item, {})


def test_an_item_that_loses_all_labels_is_still_labelled() -> None:
    item, _ = class_map(("bike",), SEEN).apply(ITEM)
    assert item.annotations == ()


@pytest.mark.parametrize("configured", [("car", "car"), {"a": ("car",), "b": ("car",)}])
def test_a_class_that_is_there_twice_is_refused(configured: tuple[str, ...] | dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError, match=r"export\.classes: 'car'"):
        class_map(configured, SEEN)
