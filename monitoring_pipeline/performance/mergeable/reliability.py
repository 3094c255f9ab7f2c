"""What a model promised and what happened, in ten bins of probability, in a form that merges.

Bins are a tenth wide and hold their lower edge; the last one also holds 1. Probabilities are rounded to a multiple of
2⁻³² (2.3e-10) and added as whole numbers: sums are the same bits however the rows are grouped, and a mean is off by
at most 1.2e-10. (Ten bins of equal width are what C. Guo et al., "On calibration of modern neural networks", 2017,
and most tools use for the expected calibration error.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Integers

BIN_COUNT = 10
PARTS_PER_UNIT = 2**32
"""What a probability of 1 adds to ``probability_parts``: two thousand million rows fit a 64-bit integer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBins:
    """Labelled rows with a probability, by bin; one element per bin, in each field.

    Attributes:
        counts: rows.
        positives: rows that turned out positive.
        probability_parts: sum of the probabilities, in units of 2⁻³².
    """

    counts: tuple[int, ...] = (0,) * BIN_COUNT
    positives: tuple[int, ...] = (0,) * BIN_COUNT
    probability_parts: tuple[int, ...] = (0,) * BIN_COUNT

    @classmethod
    def of_groups(
        cls, groups: Integers, group_count: int, *, probability: Floats, is_positive: Booleans
    ) -> list["ReliabilityBins"]:
        """Each group's bins.

        Args:
            groups: each row's group, 0 … ``group_count - 1``, in any order.
            group_count: how many groups; one without rows gets empty bins.
            probability: 0 … 1, never NaN.
            is_positive: whether the row turned out positive.
        """
        place = groups * BIN_COUNT + np.minimum((probability * BIN_COUNT).astype(np.int64), BIN_COUNT - 1)
        size = group_count * BIN_COUNT
        parts = np.zeros(size, dtype=np.int64)
        np.add.at(parts, place, np.rint(probability * PARTS_PER_UNIT).astype(np.int64))
        counts, positives = np.bincount(place, minlength=size), np.bincount(place[is_positive], minlength=size)
        columns = (column.reshape(-1, BIN_COUNT).tolist() for column in (counts, positives, parts))
        return [
            cls(counts=tuple(count), positives=tuple(positive), probability_parts=tuple(part))
            for count, positive, part in zip(*columns, strict=True)
        ]

    @classmethod
    def merged(cls, parts: Sequence["ReliabilityBins"]) -> Self:
        """The sums of all parts together; exact, in any order and grouping."""
        return cls(
            counts=_added([part.counts for part in parts]),
            positives=_added([part.positives for part in parts]),
            probability_parts=_added([part.probability_parts for part in parts]),
        )

    @property
    def count(self) -> int:
        """Labelled rows with a probability."""
        return sum(self.counts)

    def probability_sums(self) -> tuple[float, ...]:
        """What the bins promised: the sum of each one's probabilities."""
        return tuple(parts / PARTS_PER_UNIT for parts in self.probability_parts)

    def to_json(self) -> list[list[int]]:
        """``[[bin, count, positives, probability_parts], …]`` of the bins that have rows."""
        columns = zip(range(BIN_COUNT), self.counts, self.positives, self.probability_parts, strict=True)
        return [list(one) for one in columns if one[1]]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote."""
        found = {int(number): tuple(map(int, rest)) for number, *rest in stored}
        columns = zip(*(found.get(number, (0, 0, 0)) for number in range(BIN_COUNT)), strict=True)
        counts, positives, parts = columns
        return cls(counts=counts, positives=positives, probability_parts=parts)


def _added(columns: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(values) for values in zip(*columns, strict=True))
