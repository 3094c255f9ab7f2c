"""Counts, exact moments and cells of many groups at once.

Sums are exact and rounded once (see :mod:`monitoring_pipeline.performance.mergeable.moments`), so a group's result
has the same bits whatever the order of its rows and whichever other groups are computed beside it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.joint_moments import JointMoments
from monitoring_pipeline.performance.mergeable.moments import Moments, exact_sum
from monitoring_pipeline.performance.rows.exact import FROM_ROWS, exact_array_sum

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

    def totals(self, values: Floats) -> list[float]:
        """Each group's exact sum of ``values``; ``OVERFLOWED`` if it, or a value, is no finite double."""
        ends = np.searchsorted(self.codes, np.arange(self.group_count + 1)).tolist()
        if values.size >= FROM_ROWS * self.group_count:
            return [exact_array_sum(values[start:end]) for start, end in pairwise(ends)]
        numbers: list[float] = values.tolist()  # once: cutting a list is cheaper than cutting an array
        return [exact_sum(numbers[start:end]) for start, end in pairwise(ends)]

    def moments(self, values: Floats) -> list[Moments]:
        """Each group's moments of ``values``, which may be infinite (an overflow) but never NaN."""
        return self._moments_and_deviations(values)[0]

    def joint_moments(self, values: Floats, weights: Floats) -> list[JointMoments]:
        """Each group's joint moments; ``weights`` may be infinite (an overflow), neither may be NaN."""
        moments, d = self._moments_and_deviations(values)
        with np.errstate(over="ignore", invalid="ignore"):
            squares, weighted = d * d, weights * d
            columns = (squares * squares, weights, weighted, weighted * d)
        sums = zip(moments, *map(self.totals, columns), strict=True)
        return [
            JointMoments.of(value=value, m4=m4, weight=weight, weight_d=weight_d, weight_d2=weight_d2)
            for value, m4, weight, weight_d, weight_d2 in sums
        ]

    def cells(self, cells: Integers) -> list[tuple[tuple[int, int], ...]]:
        """Each group's cells with how many of its rows fall into them, ascending, only those that hold any."""
        if not cells.size:
            return [()] * self.group_count
        lowest, span = int(cells.min()), int(np.ptp(cells)) + 1
        keys, counts = np.unique(self.codes * span + (cells - lowest), return_counts=True)
        found = list(zip((keys % span + lowest).tolist(), counts.tolist(), strict=True))
        ends = np.searchsorted(keys, np.arange(self.group_count + 1) * span).tolist()
        return [tuple(found[start:end]) for start, end in pairwise(ends)]

    def _moments_and_deviations(self, values: Floats) -> tuple[list[Moments], Floats]:
        counts, totals = self.counts(), self.totals(values)
        lowest, highest = np.full(self.group_count, np.inf), np.full(self.group_count, -np.inf)
        starts = np.flatnonzero(np.diff(self.codes, prepend=-1))
        present = self.codes[starts]
        if starts.size:
            lowest[present] = np.minimum.reduceat(values, starts)
            highest[present] = np.maximum.reduceat(values, starts)
        with np.errstate(over="ignore", invalid="ignore"):
            # Kept inside the range as in moments.mean_of: a constant deviates from its mean by exactly nothing.
            means = np.clip(np.array(totals) / np.maximum(counts, 1), lowest, highest)
            deviations = values - means[self.codes]
            squares = deviations * deviations
            m2, m3 = self.totals(squares), self.totals(squares * deviations)
        columns = zip(counts, totals, m2, m3, lowest.tolist(), highest.tolist(), strict=True)
        moments = [
            Moments.of(count=count, total=total, m2=second, m3=third, lowest=low, highest=high)
            for count, total, second, third, low, high in columns
        ]
        return moments, deviations
