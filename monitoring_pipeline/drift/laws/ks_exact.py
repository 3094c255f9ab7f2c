"""The exact law of the two-sample Kolmogorov-Smirnov distance, for samples small enough to count its paths.

All rows of both samples in ascending order are a path of n steps to the right and m steps up; without drift and ties
every such path is equally likely. The distance is at least D where the path leaves the band
``|i/n - j/m| < D``. The paths that do are counted where they leave it first: a sum of positive numbers only, so that
also a probability of 1e-12 keeps ten exact digits.

Source: Hodges (1958), "The significance probability of the Smirnov two-sample test", Arkiv för Matematik 3(5).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from monitoring_pipeline.drift.arrays import Floats

MOST_FEWER_ROWS = 100
"""Rows of the smaller sample up to which the paths are counted: above them the corrected limit law is as good."""

MOST_CELLS = 200_000
"""Product of both samples' rows up to which they are counted, for cost: a few milliseconds per p-value at most."""


def is_countable(n: int, m: int) -> bool:
    """Whether the exact law is affordable for samples of these sizes; the counts then fit a double, too."""
    return min(n, m) <= MOST_FEWER_ROWS and n * m <= MOST_CELLS


@lru_cache(maxsize=4096)
def p_value(n: int, m: int, gap: int) -> float:
    """Probability without drift of a distance of at least ``gap / (n m)``.

    >>> round(p_value(3, 3, 9), 6)
    0.1
    """
    few, many = min(n, m), max(n, m)
    if gap <= 0:
        return 1.0
    paths = np.ones(_last(0, few, many, gap) + 1)  # from (0, 0) to (0, j), for the j inside the band
    first, leaving = 0, 0.0
    for i in range(few + 1):
        last = _last(i, few, many, gap)
        if i > 0:
            start = min(max(0, (i * many - gap) // few + 1), many)
            out = paths[: start - first]
            leaving += _share(out, i, first + np.arange(out.size), few, many)
            paths = np.cumsum(np.append(paths[start - first :], np.zeros(max(0, last + 1 - first - paths.size))))
            first = start
        if last < many and paths.size > 0:
            leaving += _share(paths[-1:], i, np.array([last + 1]), few, many)
    return min(1.0, leaving)


def _last(i: int, few: int, many: int, gap: int) -> int:
    """The largest j inside the band at i."""
    return min(many, (i * many + gap - 1) // few)


def _share(paths: Floats, i: int, j: NDArray[np.int64], few: int, many: int) -> float:
    """Share of all paths that pass these points, given how many reach each of them."""
    if paths.size == 0:
        return 0.0
    right, up = few - i, many - j
    onward = gammaln(right + up + 1.0) - gammaln(right + 1.0) - gammaln(up + 1.0)
    everything = gammaln(few + many + 1.0) - gammaln(few + 1.0) - gammaln(many + 1.0)
    return float(np.sum(paths * np.exp(onward - everything)))
