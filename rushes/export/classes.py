"""Class names of a dataset: their order, what merges into what, what is left out, and what must not change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from rushes.errors import ClassesError, ConfigError
from rushes.labels import Category
from rushes.records import Source

if TYPE_CHECKING:
    from rushes.config import Pipeline  # it is slow to import, and a conversion has no pipeline

__all__ = ["ClassMap", "check_drift", "check_required", "class_map", "classes_of", "listed"]

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ClassMap:
    """The dataset's classes.

    Attributes:
        names: In the dataset's order.
        renamed: The dataset's name of each of the source's names; those that are not in it are left out.
        dropped: Those of the source's names that the pipeline leaves out by name.
    """

    names: tuple[str, ...]
    renamed: Mapping[str, str]
    dropped: Set[str] = frozenset()

    def apply(self, source: Source) -> tuple[Source, Counter[str]]:
        """Returns the item with the dataset's class names, and how many labels were left out, by reason code."""
        labels, reasons = source.annotations, Counter(source.dropped)
        if labels:
            reasons.update(self._reason(label.label) for label in labels if label.label not in self.renamed)
        kept = labels and tuple(
            replace(label, label=self.renamed[label.label]) for label in labels if label.label in self.renamed
        )
        whole = self.renamed.get(source.label) if source.label is not None else None
        if source.label is not None and whole is None:
            reasons[self._reason(source.label)] += 1
        return replace(source, annotations=kept, label=whole), reasons

    def categories(self, known: Iterable[Category]) -> tuple[Category, ...]:
        """Returns what is known of the dataset's classes: of those that merge, what is known of the first."""
        found: dict[str, Category] = {}
        for category in known:
            if name := self.renamed.get(category.name):
                found.setdefault(name, replace(category, name=name))
        return tuple(found.values())

    def _reason(self, name: str) -> str:
        return "class_dropped" if name in self.dropped else "class_not_listed"


def classes_of(pipeline: Pipeline, seen: Sequence[str]) -> ClassMap:
    """Returns the classes of a pipeline's dataset.

    Args:
        pipeline: The pipeline.
        seen: The names that the source uses, in its order.

    Raises:
        ConfigError: The keys of `export` contradict each other.
        ClassesError: A required class is none of the dataset's, or no label of the source goes into it.
    """
    export = pipeline.export
    found = class_map(export.classes, seen, export.drop_classes)
    sources = {found.renamed[name] for name in seen if name in found.renamed}
    for name in export.required_classes:
        if name not in sources:
            known = "no label of the source goes into it" if name in found.names else "it is none of the classes"
            raise ClassesError(
                f"export.required_classes: {name!r}: {known}; there are {listed(found.names)}. Correct the name, or "
                "bring items with such labels."
            )
    return found


def class_map(
    configured: Sequence[str] | Mapping[str, Sequence[str]] | None, seen: Sequence[str], dropped: Sequence[str] = ()
) -> ClassMap:
    """Returns the classes of a dataset.

    Args:
        configured: `export.classes`: names in order; or new names, each with the old ones it takes in; or None.
        seen: The names that the source uses, in its order; they count where nothing is configured.
        dropped: `export.drop_classes`: names of the source that are left out.

    Raises:
        ConfigError: A name stands twice, or is both listed and left out.
    """
    if isinstance(configured, Mapping):
        found = _merged(configured)
    else:
        names = tuple(dict.fromkeys(seen)) if configured is None else tuple(configured)
        if configured is None:
            names = tuple(name for name in names if name not in dropped)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ConfigError(
                f"export.classes: {twice[0]!r} stands there {names.count(twice[0])} times; expected once."
            )
        found = ClassMap(names, {name: name for name in names})
    both = [name for name in dropped if name in found.renamed]
    if both:
        raise ConfigError(f"export.drop_classes: {both[0]!r} stands in export.classes, too; expected one of them.")
    return ClassMap(found.names, found.renamed, frozenset(dropped))


def check_required(required: Sequence[str], labels: Mapping[str, object]) -> None:
    """Refuses a dataset that lacks a class which it must have.

    Args:
        required: `export.required_classes`.
        labels: Classes that have labels in the dataset.

    Raises:
        ClassesError: One of them has none: its items failed, or its labels were left out.
    """
    missing = [name for name in required if name not in labels]
    if missing:
        raise ClassesError(
            f"export.required_classes: no label of {listed(missing)} came into the dataset; the old one stays. Mend "
            "the items that failed, or bring others; or do not require it."
        )


def check_drift(before: Sequence[str], now: Sequence[str], allowed: bool | Literal["append"], where: str) -> None:
    """Refuses classes that are other ones, or in another order, than in the dataset before.

    A model knows classes by their numbers, and has as many outputs as there were classes when it was trained; so new
    ones at the end are a drift, too. Nobody was trained on a dataset without classes.

    Args:
        before: Class names of the dataset that stands at the output.
        now: Those of the dataset that would take its place.
        allowed: `export.allow_class_drift`.
        where: The output.

    Raises:
        ClassesError: They differ, and this is not allowed.
    """
    appended = tuple(now[: len(before)]) == tuple(before)
    if allowed is True or not before or tuple(now) == tuple(before) or (appended and allowed == "append"):
        return
    raise ClassesError(
        f"{where}: its classes would change: {'; '.join(_changes(before, now))}. A model that was trained on it knows "
        f"classes by their number. To keep them, set export.classes: [{listed(before)}]; if it is meant, set "
        f"export.allow_class_drift: {'append' if appended else 'true'}, for one run with --set."
    )


def _changes(before: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    gone = [name for name in before if name not in now]
    new = [name for name in now if name not in before]
    places = {name: place for place, name in enumerate(now)}
    moved = [
        f"{name} {place} → {places[name]}" for place, name in enumerate(before) if places.get(name, place) != place
    ]
    for what, names in (("gone", gone), ("new", new), ("other numbers", moved)):
        if names:
            yield f"{what}: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Returns names for a message: the first of them, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else "none"


def _merged(configured: Mapping[str, Sequence[str]]) -> ClassMap:
    renamed: dict[str, str] = {}
    for new, olds in configured.items():
        for old in olds:
            if renamed.setdefault(old, new) != new:
                raise ConfigError(
                    f"export.classes: {old!r} goes into {renamed[old]!r} and into {new!r}; expected one of them."
                )
    return ClassMap(tuple(configured), renamed)
