from __future__ import annotations

from typing import Literal

import pytest

from rushes.errors import ClassesError, ConfigError
from rushes.export.classes import check_drift, class_map
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


def test_classes_that_are_dropped_by_name_are_counted_apart_from_those_that_nobody_listed() -> None:
    found = class_map(None, SEEN, dropped=("lorry",))
    assert found.names == ("car", "bus")
    item, reasons = found.apply(ITEM)
    assert ([label.label for label in item.annotations or ()], item.label) == (["bus", "car"], None)
    assert reasons == {"class_dropped": 2}
    _, reasons = class_map(("car",), SEEN, dropped=("lorry",)).apply(ITEM)
    assert reasons == {"class_dropped": 2, "class_not_listed": 1}


@pytest.mark.parametrize("configured", [("car", "lorry"), {"heavy": ("lorry",)}])
def test_a_class_cannot_be_listed_and_dropped(configured: tuple[str, ...] | dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError, match=r"export\.drop_classes: 'lorry' stands in export\.classes, too"):
        class_map(configured, SEEN, dropped=("lorry",))


@pytest.mark.parametrize(
    ("now", "allowed", "expected"),
    [
        (("a", "b"), False, None),
        (("a", "b", "c"), "append", None),
        (("a", "b", "c"), True, None),
        (("b", "a"), True, None),
        (("a", "b", "c"), False, r"new: c\. .* set export\.classes: \[a, b\]; .*allow_class_drift: append"),
        (("b", "a"), "append", r"other numbers: a 0 → 1, b 1 → 0\. .*allow_class_drift: true"),
        (("c", "a", "b"), "append", r"new: c; other numbers: a 0 → 1, b 1 → 2"),
        (("b",), False, r"gone: a; other numbers: b 1 → 0"),
        (("a", "c"), "append", r"gone: b; new: c\."),
        ((), False, r"gone: a, b\."),
    ],
)
def test_classes_stay_as_they_are_unless_told(
    now: tuple[str, ...], allowed: bool | Literal["append"], expected: str | None
) -> None:
    if expected is None:
        check_drift(("a", "b"), now, allowed, "out")
        return
    with pytest.raises(ClassesError, match=expected):
        check_drift(("a", "b"), now, allowed, "out")


def test_a_dataset_without_classes_binds_nobody() -> None:
    check_drift((), ("a",), False, "out")
