"""What hooks gather on `self` comes out the same however batches are cut, and what cannot come together says so."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ExporterError
from rushes.export.gather import Change, Gatherer, gathered
from rushes.export.values import pack, packed, unpack

Hook = Callable[[Any, Any], None]


class Plain:
    """As an exporter is to the gatherer: public attributes, set by a constructor."""

    shared: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.stats: dict[str, Any] = {"images": 0, "area": 0.0, "by_class": {}}
        self.items: list[Any] = []
        self.counts: Counter[str] = Counter()
        self.groups: defaultdict[str, list[str]] = defaultdict(list)
        self.mapping: dict[str, int] = {}
        self.histogram = [0, 0, 0]
        self.total = 10
        self.kind: str | None = None
        self._seen = 0


def note(exporter: Any, item: tuple[str, float, int]) -> None:
    """Gathers in every way there is."""
    name, area, bin_ = item
    exporter.names.add(name)
    exporter.stats["images"] += 1
    exporter.stats["area"] += area
    exporter.stats["by_class"][name] = exporter.stats["by_class"].get(name, 0) + 1
    exporter.items.append({"name": name, "place": (area, bin_)})
    exporter.counts[name] += 2
    exporter.groups[name].append(f"{area}")
    exporter.histogram[bin_] += 1
    exporter.total += bin_
    exporter.kind = "boxes"
    exporter.shared.append(name)
    exporter._seen += 1
    if name not in exporter.mapping:
        exporter.mapping[name] = len(exporter.mapping)


def run(batches: Sequence[Sequence[Any]], hook: Hook = note, kind: type = Plain) -> Any:
    """Gathers over batches, each with an exporter of its own and through JSON, as if in processes of their own."""
    lines: list[str] = []
    for batch in batches:
        exporter = kind()
        gatherer = Gatherer(exporter)
        for item in batch:
            hook(exporter, item)
            lines.append(packed(gatherer.take()))
    end = kind()
    changes: list[Change] = [json.loads(line) for line in lines]
    gathered(end, changes)
    return end


def public(exporter: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(exporter).items() if name[0] != "_"}


items = st.lists(st.tuples(st.sampled_from("dcba"), st.floats(0, 1e6), st.integers(0, 2)), max_size=12)


@given(items, st.data())
def test_it_makes_no_difference_how_batches_are_cut(found: list[Any], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=5)))
    batches = [found[start:end] for start, end in zip([0, *cuts], [*cuts, len(found)], strict=True)]
    whole, cut = public(run([found])), public(run(batches))
    assert packed(pack(cut)) == packed(pack(whole))  # the order of keys and all digits with it


@given(items)
def test_many_batches_come_to_what_one_object_would_have_gathered(found: list[Any]) -> None:
    together = Plain()
    vars(together)["shared"] = []
    for item in found:
        note(together, item)
    cut = public(run([[item] for item in found]))
    assert cut == public(together)
    assert [*cut["mapping"].items()] == [*together.mapping.items()]
    assert [*cut["stats"]["by_class"]] == [*together.stats["by_class"]]
    assert Plain.shared == []


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, 2**80, 0.1, float("inf"), "ä\ud800", b"\0", (1, ("x",)), [1, [2]], {"b", "a"}, frozenset({1})),
        *({1: "x", (2, 3): {"y": None}}, Counter(a=2), Path("a/b")),
    ],
)
def test_values_come_back_as_they_were(value: Any) -> None:
    back = unpack(json.loads(packed(pack(value))))
    assert back == value
    assert isinstance(back, type(value)) or isinstance(value, Path)


def test_counts_that_begin_with_zeros_are_not_taken_for_numbers_of_keys() -> None:
    def crowds(exporter: Any, item: str) -> None:
        exporter.mapping[item] = exporter.mapping.get(item, 0) + 0

    assert run([["car"], ["bus"]], crowds).mapping == {"car": 0, "bus": 0}


def change_later(exporter: Any, item: str) -> None:
    exporter.late = item


def forget(exporter: Any, item: str) -> None:
    del exporter.items


def say(exporter: Any, item: str) -> None:
    exporter.kind = item


def take_out(exporter: Any, item: str) -> None:
    del exporter.stats["images"]


def overwrite(exporter: Any, item: str) -> None:
    exporter.histogram = ["x"]


def keep_object(exporter: Any, item: str) -> None:
    exporter.items.append(object())


def take_numbers(exporter: Any, item: str) -> None:
    exporter.mapping[item] = len(exporter.mapping)
    exporter.items.append(exporter.mapping[item])


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (change_later, r"Plain\.late first appears in a hook; expected its first value in __init__"),
        (forget, r"Plain\.items is deleted in a hook"),
        (say, r'Plain\.kind is "a" after one item and "b" after another'),
        (take_out, r"Plain\.stats cannot be put together over batches: key 'images' was taken out"),
        (overwrite, r"Plain\.histogram cannot be put together over batches: what stood in it was changed"),
        (keep_object, r"Plain\.items cannot be put together over batches: a object cannot travel"),
        (take_numbers, r"Plain\.mapping .* take the number of a class from its place in self\.params\['classes'\]"),
    ],
)
def test_what_cannot_come_together_is_named_with_the_way_out(hook: Hook, expected: str) -> None:
    with pytest.raises(ExporterError, match=expected):
        run([["a", "b"]], hook)
    with pytest.raises(ExporterError, match=r"self\.run\.emit\(\)|__init__"):
        run([["a"], ["b"]], hook)


def test_a_tool_must_not_look_like_data() -> None:
    class Tool(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.model = object()

    with pytest.raises(ExporterError, match=r"Tool\.model is a object, .* underscore"):
        Gatherer(Tool())


def test_hooks_of_one_item_see_nothing_of_another() -> None:
    exporter = Plain()
    gatherer = Gatherer(exporter)
    note(exporter, ("a", 1.0, 1))
    gatherer.take()
    assert (exporter.names, exporter.stats["by_class"], exporter.total) == (set(), {}, 10)
    assert exporter._seen == 1


SHARED: list[str] = []


class Borrowing:
    """Sets what a module shares, and tools that do not change."""

    def __init__(self) -> None:
        self.items = SHARED
        self.log = logging.getLogger("x")
        self.json = json
        self.suffix = re.compile("x")


def test_what_an_exporter_borrows_is_left_alone_and_constants_stay() -> None:
    end = run([["a"], ["b"]], lambda exporter, item: exporter.items.append(item), Borrowing)
    assert (end.items, SHARED, end.json) == (["a", "b"], [], json)


def test_a_dict_that_is_only_looked_at_gathers_nothing() -> None:
    def look(exporter: Any, item: str) -> None:
        exporter.stats["images"] += len(exporter.stats["by_class"]) + len(exporter.mapping) + 1

    end = run([["a", "b"]], look)
    assert (end.stats["images"], end.stats["by_class"], end.mapping) == (2, {}, {})
