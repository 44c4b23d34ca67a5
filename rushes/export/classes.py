"""Class names of a dataset: their order, what merges into what, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from rushes.errors import ConfigError
from rushes.records import Source

__all__ = ["ClassMap", "class_map"]


@dataclass(frozen=True, slots=True)
class ClassMap:
    """The dataset's classes.

    Attributes:
        names: In the dataset's order.
        renamed: The dataset's name of each of the source's names; those that are not in it are left out.
    """

    names: tuple[str, ...]
    renamed: Mapping[str, str]

    def apply(self, source: Source) -> tuple[Source, Counter[str]]:
        """Returns the item with the dataset's class names, and how many labels were left out, by reason code."""
        labels = source.annotations
        kept = labels and tuple(
            replace(label, label=self.renamed[label.label]) for label in labels if label.label in self.renamed
        )
        whole = self.renamed.get(source.label) if source.label is not None else None
        lost = len(labels or ()) - len(kept or ()) + (whole is None and source.label is not None)
        return replace(source, annotations=kept, label=whole), +Counter(class_not_listed=lost)


def class_map(configured: Sequence[str] | Mapping[str, Sequence[str]] | None, seen: Sequence[str]) -> ClassMap:
    """Returns the classes of a dataset.

    Args:
        configured: `export.classes`: names in order; or new names, each with the old ones it takes in; or None.
        seen: The names that the source uses, in its order; they count where nothing is configured.

    Raises:
        ConfigError: A name stands twice.
    """
    if isinstance(configured, Mapping):
        return _merged(configured)
    names = tuple(dict.fromkeys(seen)) if configured is None else tuple(configured)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"export.classes: {twice[0]!r} stands there {names.count(twice[0])} times; expected once.")
    return ClassMap(names, {name: name for name in names})


def _merged(configured: Mapping[str, Sequence[str]]) -> ClassMap:
    renamed: dict[str, str] = {}
    for new, olds in configured.items():
        for old in olds:
            if renamed.setdefault(old, new) != new:
                raise ConfigError(
                    f"export.classes: {old!r} goes into {renamed[old]!r} and into {new!r}; expected one of them."
                )
    return ClassMap(tuple(configured), renamed)
