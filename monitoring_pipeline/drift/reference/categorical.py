"""The reference of a categorical feature: rows per category."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from monitoring_pipeline.drift.reference.content_id import id_of_categories


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoricalReference:
    """The categories of one feature and how often each occurred.

    Attributes:
        counts: rows per category, in the order of the category's text.
        missing_count: how many values were ``None``.
    """

    counts: dict[str, int]
    missing_count: int

    @classmethod
    def from_values(cls, values: Sequence[str | None]) -> Self:
        """Prepare a reference from raw values; ``None`` means missing. The order of the values does not matter."""
        counts, missing_count = count_categories(values)
        return cls(counts=dict(sorted(counts.items())), missing_count=missing_count)

    @property
    def row_count(self) -> int:
        """How many values are present."""
        return sum(self.counts.values())

    def content_id(self) -> str:
        """SHA-256 (hex) of the content: equal for equal counts and missing count, whatever the order of rows."""
        return id_of_categories(self.counts, missing_count=self.missing_count)


def count_categories(values: Sequence[str | None]) -> tuple[dict[str, int], int]:
    """Rows per category, and how many values are missing."""
    counts: Counter[str | None] = Counter(values)
    missing_count = counts.pop(None, 0)
    return {category: count for category, count in counts.items() if category is not None}, missing_count
