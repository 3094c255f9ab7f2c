"""Which rows of two samples together fall into the smaller one when nothing has changed.

Given how many rows of each cell both samples hold together, every choice of the smaller sample's rows is equally
likely: their counts are multivariate hypergeometric. That is the law of independent binomial counts, one per cell,
under the condition that they add up to the sample's rows (Levin 1981), and so the law of any sum over cells can be
had cell by cell. Nothing unknown is left in it, however few rows a cell holds.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import gammaln

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.sizes import Sizes

Contribution = Callable[[Floats, Floats, float, float], Floats]
"""A cell's part of a distance: rows of the cell in either sample, then all rows of either sample."""

# A count farther from its mean than this many standard deviations, and as many rows more, adds below 1e-12.
_FARTHEST_DEVIATIONS = 12.0
_FARTHEST_ROWS = 20.0

_ENOUGH_EXPECTED_ROWS = 300.0
_MOST_EXPECTED_ROWS = 1e7
_MOST_TIMES = 200.0
_FEW_CELLS = 3
_MOST_KINDS = 8
_STEP_OF_KINDS = 0.25
_STEP_OF_ROWS = math.log(1.1)
_STEP_OF_TIMES = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Urn:
    """The rows of two samples, and how many of them the smaller sample draws.

    Attributes:
        totals: rows of each kind of cell in both samples together, above 0, in effective rows.
        repeats: how many cells of each kind there are.
        drawn: rows of the smaller sample.
        left: rows of the larger one; together they are all rows of all cells.
    """

    totals: tuple[float, ...]
    repeats: tuple[int, ...]
    drawn: float
    left: float

    @classmethod
    def of(cls, reference_counts: Counts | Floats, window_counts: Counts | Floats, sizes: Sizes) -> Self:
        """The urn of two counted samples, every row weighing its share of an effective one."""
        together = effective(reference_counts, sizes.reference) + effective(window_counts, sizes.window)
        totals = np.sort(together[together > 0])
        fewer, more = sorted((sizes.reference, sizes.window))
        return cls(totals=tuple(totals.tolist()), repeats=(1,) * totals.size, drawn=fewer, left=more)

    @property
    def cell_count(self) -> int:
        """How many cells hold a row."""
        return sum(self.repeats)

    @property
    def variance(self) -> float:
        """``1/n + 1/m``."""
        return 1.0 / self.drawn + 1.0 / self.left

    @property
    def share(self) -> float:
        """The smaller sample's share of all rows."""
        return self.drawn / (self.drawn + self.left)

    def one_by_one(self) -> Self:
        """The same urn without repeats."""
        totals = tuple(np.repeat(self.totals, self.repeats).tolist())
        return replace(self, totals=totals, repeats=(1,) * len(totals))

    def rounded(self) -> Self:
        """An urn of nearly the same law, so coarse that many urns share it.

        Of more than three cells those within a quarter of each other count as equal, and all in steps of a tenth: in
        simulation that moves the probability by a tenth where it is 0.05, and by a third where it is 0.001. Samples
        in which every cell expects more than 300 rows shrink to that; a sample more than 200 times the other counts
        as 200 times.
        """
        expected = np.array(self.totals) * self.share
        expected = np.minimum(expected * min(1.0, _ENOUGH_EXPECTED_ROWS / float(expected[0])), _MOST_EXPECTED_ROWS)
        kinds = Counter(_on_steps(_alike(expected), _STEP_OF_ROWS).tolist())
        times = float(_on_steps(np.array([min(self.left / self.drawn, _MOST_TIMES)]), _STEP_OF_TIMES)[0])
        drawn = math.fsum(rows * repeat for rows, repeat in kinds.items())
        return replace(
            self,
            totals=tuple(rows * (1.0 + times) for rows in sorted(kinds)),
            repeats=tuple(kinds[rows] for rows in sorted(kinds)),
            drawn=drawn,
            left=drawn * times,
        )

    def grid(self, points: int, *, deviations: float = _FARTHEST_DEVIATIONS) -> tuple[Floats, Floats]:
        """For each kind of cell (rows of the arrays) counts it may draw, and the logarithm of their weights.

        Every whole number in reach, or ``points`` of them evenly spaced where there are more.
        """
        totals = np.array(self.totals)
        expected = totals * self.share
        reach = deviations * np.sqrt(expected * (1.0 - self.share))
        highest = np.floor(
            np.minimum(np.minimum(self.drawn, np.ceil(totals)), np.ceil(expected + reach + _FARTHEST_ROWS))
        )
        lowest = np.minimum(np.floor(np.maximum(np.maximum(0.0, totals - self.left), expected - reach)), highest)
        step = np.maximum(1.0, (highest - lowest) / (points - 1))
        used = int(min(points, np.max((highest - lowest) / step) + 1.0))
        counts = lowest[:, None] + step[:, None] * np.arange(used)
        reachable = counts <= highest[:, None] + 0.5
        counts = np.minimum(counts, highest[:, None])
        weights = self.weights(counts, totals[:, None]) + np.log(step)[:, None]
        return counts, np.where(reachable, weights, -np.inf)

    def weights(self, counts: Floats, totals: Floats | float) -> Floats:
        """The logarithm of the binomial probability that a cell of ``totals`` rows gives ``counts`` of them."""
        others = totals - counts
        ways: Floats = gammaln(totals + 1.0) - gammaln(counts + 1.0) - gammaln(others + 1.0)
        return ways + counts * math.log(self.share) + others * math.log1p(-self.share)

    def contributions(self, part: Contribution, counts: Floats) -> Floats:
        """What each of the counts of :meth:`grid` adds to a distance."""
        others = np.maximum(np.array(self.totals)[:, None] - counts, 0.0)
        return part(counts, others, self.drawn, self.left)


def effective(counts: Counts | Floats, rows: float) -> Floats:
    """The counts, scaled so that they add up to ``rows``."""
    scaled: Floats = counts.astype(np.float64) * (rows / float(counts.sum()))
    return scaled


def _alike(ascending: Floats) -> Floats:
    """The same numbers, each replaced by the mean of those near it, if there are more than three."""
    if ascending.size <= _FEW_CELLS:
        return ascending
    logarithms = np.log(ascending)
    width = max(_STEP_OF_KINDS, float(logarithms[-1] - logarithms[0]) / _MOST_KINDS)
    kinds = ((logarithms - logarithms[0]) / width).astype(np.int64)
    means: Floats = np.bincount(kinds, ascending) / np.maximum(np.bincount(kinds), 1)
    grouped: Floats = means[kinds]
    return grouped


def _on_steps(numbers: Floats, step: float) -> Floats:
    rounded: Floats = np.exp(np.round(np.log(numbers) / step) * step)
    return rounded
