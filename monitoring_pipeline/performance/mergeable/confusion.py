"""How often each class was predicted for each actual class, in a form that merges."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """A sparse confusion matrix: ``(actual, predicted, count)``, sorted by names, only counts above zero."""

    cells: tuple[tuple[str, str, int], ...] = ()

    @classmethod
    def of(cls, counts: Mapping[tuple[str, str], int]) -> Self:
        """From counts by ``(actual, predicted)``."""
        return cls(cells=tuple(sorted((actual, predicted, n) for (actual, predicted), n in counts.items() if n)))

    @classmethod
    def merged(cls, parts: Sequence["Confusion"]) -> Self:
        """The counts of all parts together; exact, in any order."""
        counts: Counter[tuple[str, str]] = Counter()
        for part in parts:
            for actual, predicted, n in part.cells:
                counts[actual, predicted] += n
        return cls.of(counts)

    @property
    def count(self) -> int:
        """All judged rows."""
        return sum(n for _, _, n in self.cells)

    @property
    def correct_count(self) -> int:
        """Rows whose predicted class is the actual one."""
        return sum(n for actual, predicted, n in self.cells if actual == predicted)

    def by_class(self) -> list["ClassCounts"]:
        """What each class got right and wrong, for every class that occurs as actual or as predicted, by name."""
        actual = _totals((actual, n) for actual, _, n in self.cells)
        predicted = _totals((predicted, n) for _, predicted, n in self.cells)
        correct = _totals((actual, n) for actual, predicted, n in self.cells if actual == predicted)
        return [
            ClassCounts(name=name, actual=actual[name], predicted=predicted[name], correct=correct[name])
            for name in sorted(actual.keys() | predicted.keys())
        ]

    def to_json(self) -> list[list[str | int]]:
        """``[[actual, predicted, count], …]``, sorted."""
        return [list(cell) for cell in self.cells]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote."""
        return cls(cells=tuple((str(actual), str(predicted), int(n)) for actual, predicted, n in stored))


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassCounts:
    """One class: rows that are of it, rows said to be of it, and rows that are both."""

    name: str
    actual: int
    predicted: int
    correct: int


def _totals(counted: Iterable[tuple[str, int]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for name, n in counted:
        totals[name] += n
    return totals
