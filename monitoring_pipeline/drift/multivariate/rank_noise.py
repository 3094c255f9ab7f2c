"""How well scores separate a window from a reference, and how well noise alone would seem to.

Rows are scored by trees that were fitted on the other folds, and the folds' areas under the curve are averaged.
Without drift that mean is one half, but the folds are not independent: what fold 1 says about fold 2, fold 2 says
about fold 1. Where the score is a sum of what each training fold contributes, as in all linear rules, the noise of
the pairs j, k is that of ``g(j, k) + g(k, j)``, whose variance is at most twice the sum of both: so the variance is
twice that of Mann and Whitney for the same rows, whatever the number of folds. A test that scores one half with
trees of the other half has just that noise too, but learns from fewer rows.

Rows that share an hour's weather add to it: a window's own weather can be learned, and truly separates it. Over f
features it separates by at most the length of f normal deviations, each as large as the effective rows say; that
length is added to the noise as it is distributed (χ with f degrees of freedom).

Sources: Mann & Whitney (1947); Lopez-Paz & Oquab (2017), "Revisiting classifier two-sample tests", for the held-out
score; the two additions are our own, checked in the tests.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, ndtri

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes

_FOLD_DEPENDENCE = 2.0
_SMALLEST_LEVEL = 1e-300  # 37 deviations; at a level of 0, which few degrees of freedom come to, no limit is finite
# Tail probabilities at which the law of a shared weather is taken; between two of them, the larger deviation.
_TAILS = np.concatenate([np.logspace(-12, -2, 80), np.linspace(0.01, 1.0, 120)[1:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class RankNoise:
    """The law of the mean area under the curve, less one half, when nothing has changed.

    Attributes:
        rows: standard deviation by the choice of rows.
        weather: standard deviation, per feature, by what rows of one hour have in common.
        features: how many features can carry it.
        sizes: the effective rows, for how well these are known.
    """

    rows: float
    weather: float
    features: int
    sizes: Sizes

    @classmethod
    def of(cls, sizes: Sizes, *, rows: Sizes, used: Sizes, features: int, tied: float) -> Self:
        """The noise of ``rows`` that are worth ``sizes``, of which those of ``used`` were scored.

        ``tied`` is what ties leave of the variance: 1 without ties, 0 if all scores are equal.
        """
        by_rows = (used.reference + used.window + 1.0) / (12.0 * used.reference * used.window)
        return cls(
            rows=math.sqrt(_FOLD_DEPENDENCE * by_rows * tied),
            weather=math.sqrt(max(0.0, sizes.variance - rows.variance) / 12.0),
            features=features,
            sizes=sizes,
        )

    def p_value(self, excess: float) -> float:
        """Probability that noise alone reaches an area of one half plus ``excess``."""
        return self.sizes.p_value(self._normal_p_value(excess))

    def limit(self, alpha: float) -> float:
        """The excess that noise alone exceeds with probability ``alpha``; it may lie beyond one half."""
        level = max(self.sizes.level(alpha), _SMALLEST_LEVEL)
        if self.weather == 0:
            return self.rows * float(-ndtri(level))
        low, high = 0.0, 40.0 * (self.rows + self.weather * math.sqrt(self.features))
        for _ in range(60):
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._normal_p_value(middle) > level else (low, middle)
        return high

    def detectable(self, alpha: float) -> float | None:
        """The true excess that passes the limit in 80 % of cases; ``None`` if it is above one half."""
        excess = max(0.0, self.limit(alpha)) + Z_POWER * self.rows
        return excess if excess <= 0.5 else None

    def _normal_p_value(self, excess: float) -> float:
        if self.rows == 0:  # all scores are tied: the area is one half exactly
            return 1.0
        if self.weather == 0:
            return float(ndtr(-excess / self.rows))
        shared = self.weather * np.sqrt(chdtri(self.features, _TAILS))
        given = ndtr((shared[:-1] - excess) / self.rows)  # at the tail's outer end: never below the truth
        return min(1.0, float(_TAILS[0] + np.sum(np.diff(_TAILS) * given)))


def area_and_ties(reference_scores: Floats, window_scores: Floats) -> tuple[float, float]:
    """The share of pairs in which the window's row scores higher, ties counting half; and what ties leave of variance.

    >>> area_and_ties(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    (0.875, 0.9)
    """
    pooled = np.concatenate([reference_scores, window_scores])
    _, codes, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    counted: NDArray[np.float64] = counts.astype(np.float64)
    middle_ranks = np.cumsum(counted) - (counted - 1.0) / 2.0
    n, m, total = window_scores.size, reference_scores.size, float(pooled.size)
    wins = float(np.sum(middle_ranks[codes[m:]])) - n * (n + 1) / 2.0
    tied = 1.0 - float(np.sum(counted**3 - counted)) / (total**3 - total)
    return wins / (n * m), tied
