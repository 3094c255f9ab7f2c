"""Moments, quantiles and bins of ascending values whose rows may count unequally.

``shares`` are everywhere the cumulative weights: one more than there are rows, from 0 to exactly 1; ``None`` where all
rows count the same, because then they are ``k / m`` and need not be stored.
"""

import math

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats

BIN_COUNT = 10  # deciles: the binning PSI is traditionally read on

# Steps of ten in binary: a decile that falls on a row's upper end must not slip to the next row by rounding.
_DECILE_SLACK = 1e-12


def cumulative_shares(weights: Floats) -> Floats:
    """The cumulative weights, starting with 0 and ending with exactly 1.

    >>> cumulative_shares(np.array([0.25, 0.75])).tolist()
    [0.0, 0.25, 1.0]
    """
    shares = np.zeros(weights.size + 1)
    np.cumsum(weights, out=shares[1:])
    shares /= shares[-1]
    return shares


def share_of_first(count: Counts, row_count: int, shares: Floats | None) -> Floats:
    """Share of the whole that the first ``count`` of the rows have."""
    return count / row_count if shares is None else shares[count]


def median_index(row_count: int, shares: Floats | None) -> int:
    """The row of the upper median: the first one with more than half of the weight at or below it."""
    if shares is None:
        return row_count // 2
    return int(np.searchsorted(shares[1:-1], 0.5, side="right"))


def decile_edges(ascending: Floats, shares: Floats | None) -> Floats:
    """The distinct deciles, without the maximum: above every edge lies at least one row."""
    if ascending.size == 0:
        return np.empty(0)
    deciles: Floats = np.unique(ascending[_decile_indices(ascending.size, shares)])
    # An edge at the maximum would leave nothing above it: a bin the reference never fills.
    return deciles[: np.searchsorted(deciles, ascending[-1])]


def count_in_bins(ascending: Floats, edges: Floats) -> Counts:
    """How many of the ascending values lie in each bin of ``edges`` (right-closed, open-ended outside)."""
    positions = np.searchsorted(ascending, edges, side="right")
    return np.diff(positions, prepend=0, append=ascending.size)


def rows_in_bins(ascending: Floats, edges: Floats, weights: Floats | None, shares: Floats | None) -> Floats:
    """Rows per bin; with weights, the bin's share of the :func:`equal_rows`."""
    if weights is None or shares is None:
        return count_in_bins(ascending, edges).astype(np.float64)
    at_edges = shares[np.searchsorted(ascending, edges, side="right")]
    return np.diff(at_edges, prepend=0.0, append=1.0) * equal_rows(weights)


def equal_rows(weights: Floats) -> float:
    """How many equally weighted rows would tell as much: ``1 / Σ w²``."""
    return 1.0 / float(weights @ weights)


def standard_deviation(ascending: Floats, weights: Floats | None) -> float:
    """Zero only for a constant, which is recognised by its values and not by a rounded deviation.

    >>> standard_deviation(np.array([0.0, 10.0]), np.array([0.5, 0.5]))
    5.0
    """
    if ascending.size == 0 or ascending[0] == ascending[-1]:
        return 0.0
    centre = ascending[ascending.size // 2]
    spread = float(max(centre - ascending[0], ascending[-1] - centre))  # dividing by it keeps the squares finite
    unit = (ascending - centre) / spread
    variance = float(np.var(unit)) if weights is None else _weighted_variance(unit, weights)
    return max(math.sqrt(variance) * spread, float(np.finfo(np.float64).smallest_subnormal))


def raw_moments(scaled: Floats, weights: Floats | None) -> tuple[float, float, float, float]:
    """Means of the values and of their second, third and fourth powers; zeros if there are none."""
    if scaled.size == 0:
        return 0.0, 0.0, 0.0, 0.0
    squares = scaled * scaled
    weighted = np.full(scaled.size, 1.0 / scaled.size) if weights is None else weights
    one, two = scaled * weighted, squares * weighted
    return float(one.sum()), float(two.sum()), float(two @ scaled), float(two @ squares)


def _decile_indices(row_count: int, shares: Floats | None) -> Counts:
    steps = np.arange(1, BIN_COUNT)
    if shares is None:
        indices: Counts = -(-steps * row_count // BIN_COUNT) - 1
        return indices
    return np.searchsorted(shares[1:-1], steps / BIN_COUNT - _DECILE_SLACK)


def _weighted_variance(values: Floats, weights: Floats) -> float:
    apart = values - float(weights @ values)
    return float(weights @ (apart * apart))
