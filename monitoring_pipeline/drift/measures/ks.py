"""Kolmogorov-Smirnov: the largest gap between the two distribution functions."""

import math

import numpy as np
from scipy.special import kolmogi, kolmogorov

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws import ks_exact
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes

_SMALLEST = 1e-300  # a level that has a limit; with few degrees of freedom alpha may be worth less


def measure(reference: NumericReference, window: Floats, *, sizes: Sizes, alpha: float) -> Measurement:
    """Two-sample Kolmogorov-Smirnov distance between the reference and a window.

    ``D = sup |F_reference(x) - F_window(x)|``, a share of rows in [0, 1], exact also with ties.

    p-value: exact for few rows (:mod:`..laws.ks_exact`), otherwise Kolmogorov's limit law at ``D · sqrt(n m / (n +
    m))``, with a correction for the rows (:func:`_correction`) if all of them are independent and equally weighted.
    Against the exact law it is 1 % below at worst, and above it by 30 % to 50 % near 1e-6 at n = 100. Ties make every p
    conservative: with heavy ones false alarms are a tenth of alpha.

    It cannot see: changes in the tails that move few rows (a gap is measured in rows, not in distance), changes
    of order in time, and anything that leaves this one feature's distribution alone.

    Args:
        reference: the prepared reference, not empty.
        window: present values, ascending, not empty.
        sizes: how many independent rows both are worth.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> reference = NumericReference.from_values(np.arange(100.0))
    >>> found = measure(reference, np.arange(50.0, 60.0), sizes=Sizes(reference=100, window=10), alpha=0.01)
    >>> found.value, round(found.p_value, 4), found.noise_limit
    (0.5, 0.0139, 0.52)

    Source: Smirnov (1939); Hodges (1958), "The significance probability of the Smirnov two-sample test".
    """
    n, m = window.size, reference.values.size
    as_they_are = reference.weights is None and sizes == Sizes(reference=m, window=n)
    if as_they_are and ks_exact.is_countable(n, m):
        gap = _gap(reference.values, window)
        guess = (float(kolmogi(alpha)) - _correction(n, m)) / sizes.root
        limit = ks_exact.smallest_gap(n, m, alpha, guess) / (n * m)
        return _measurement(gap / (n * m), ks_exact.p_value(n, m, gap), limit, sizes)
    value = statistic(reference.values, window) if reference.weights is None else weighted_statistic(reference, window)
    correction = _correction(n, m) if as_they_are else 0.0
    p_value = sizes.p_value(float(kolmogorov(value * sizes.root + correction)))
    limit = max(0.0, float(kolmogi(max(sizes.level(alpha), _SMALLEST))) - correction) / sizes.root
    return _measurement(value, p_value, limit, sizes)


def statistic(first: Floats, second: Floats) -> float:
    """The distance D of two ascending samples, neither empty; its only rounding is the last division.

    >>> statistic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    0.5
    """
    return _gap(first, second) / (first.size * second.size)


def weighted_statistic(reference: NumericReference, window: Floats) -> float:
    """The distance D of an ascending window, not empty, from a reference with weights.

    >>> reference = NumericReference.from_values(np.array([1.0, 3.0]), strata=np.array([0, 1]))
    >>> weighted_statistic(reference.reweighted({0: 3.0, 1: 1.0}), np.array([2.0]))
    0.75
    """
    points, at, before = _steps(window)
    above = np.abs(at / window.size - reference.share_of_first(np.searchsorted(reference.values, points, side="right")))
    below = np.abs(before / window.size - reference.share_of_first(np.searchsorted(reference.values, points)))
    return min(1.0, float(max(np.max(above), np.max(below))))


def _gap(first: Floats, second: Floats) -> int:
    """The distance as a whole number of ``1 / (n m)``."""
    few, many = sorted((first, second), key=len)
    points, few_at, few_before = _steps(few)
    # Between two points of the smaller sample only the other function rises, so the gap is largest at the
    # point itself or just before the next one. Counts are compared as integers, over the common denominator.
    at = few_at * many.size - np.searchsorted(many, points, side="right") * few.size
    before = few_before * many.size - np.searchsorted(many, points, side="left") * few.size
    return max(int(np.max(np.abs(at))), int(np.max(np.abs(before))))


def _steps(ascending: Floats) -> tuple[Floats, Counts, Counts]:
    """The distinct values, how many rows are at most each, and how many are below each."""
    last_of_tie = np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True))
    at = last_of_tie + 1
    return ascending[last_of_tie], at, np.concatenate(([0], at[:-1]))


def _correction(n: int, m: int) -> float:
    """What the limit law's argument lacks at n and m rows.

    It is ``1 / (6 sqrt(n))`` for one sample of n rows (Smirnov 1944), less half of the step in which the distance of
    two samples grows, and never negative: where both are of one size it vanishes. Our own combination; the tests hold
    it against exact laws.
    """
    half_step = math.sqrt(n * m / (n + m)) / (2 * math.lcm(n, m))
    return max(0.0, 1.0 / (6.0 * math.sqrt(min(n, m))) - half_step)


def _measurement(value: float, p_value: float, limit: float, sizes: Sizes) -> Measurement:
    return Measurement(value=value, p_value=p_value, noise_limit=limit, detectable=_detectable(limit, sizes))


def _detectable(limit: float, sizes: Sizes) -> float | None:
    """A true gap d is measured with at most the variance ``(1 - d²) / 4`` of each row, the largest for such a gap.

    A wide gap is seen more often than that (a normal one's shift in 95 % of cases), as the largest of many counts.
    """
    if limit > 1.0:
        return None
    unit = Z_POWER * math.sqrt(sizes.variance) / 2.0
    return (limit + unit * math.sqrt(max(0.0, 1.0 + unit**2 - limit**2))) / (1.0 + unit**2)
