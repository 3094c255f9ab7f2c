"""Kolmogorov-Smirnov: the largest gap between the two distribution functions."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import kolmogi, kolmogorov

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws import ks_exact
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.placed import PLACING, rows_up_to
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes

_EXACT_BELOW = 0.2  # a p-value above it is no evidence, whatever its digits are
_SMALLEST = 1e-300  # a level that has a limit; with few degrees of freedom alpha may be worth less


def measure(reference: NumericReference, window: Floats, *, sizes: Sizes, alpha: float) -> Measurement:
    """Two-sample Kolmogorov-Smirnov distance between the reference and a window.

    ``D = sup |F_reference(x) - F_window(x)|``, a share of rows in [0, 1], exact also with ties.

    p-value: Kolmogorov's limit law at ``D · sqrt(n m / (n + m))``, with a correction for the rows (:func:`_correction`)
    if all of them are independent and equally weighted; exact instead (:mod:`..laws.ks_exact`) for few rows where it
    is below 0.2. Against the exact law that of the limit is 1 % below at worst (of few rows 10 %, where it is above
    0.2), and above it by 30 % to 50 % near 1e-6 at n = 100. Ties make every p conservative: with heavy ones false
    alarms are a tenth of alpha.

    The noise limit is always that of the limit law, within 5 % of the exact one from 12 rows up at alpha 0.05 to 0.001:
    the p-value decides, not the limit.

    It cannot see: changes in the tails that move few rows (a gap is measured in rows, not in distance), changes
    of order in time, and anything that leaves this one feature's distribution alone.

    Args:
        reference: the prepared reference, not empty.
        window: present values, ascending, not empty.
        sizes: how many independent rows both are worth.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> reference = NumericReference.from_values(np.arange(100.0))
    >>> found = measure(reference, np.arange(50.0, 60.0), sizes=Sizes(reference=100, window=10), alpha=0.01)
    >>> found.value, round(found.p_value, 4), round(found.noise_limit, 2)
    (0.5, 0.0139, 0.53)

    Source: Smirnov (1939); Hodges (1958), "The significance probability of the Smirnov two-sample test".
    """
    n, m = window.size, reference.values.size
    as_they_are = reference.weights is None and sizes == Sizes(reference=m, window=n)
    correction = _correction(n, m) if as_they_are else 0.0
    limit = max(0.0, float(kolmogi(max(sizes.level(alpha), _SMALLEST))) - correction) / sizes.root
    value = statistic(reference.values, window) if reference.weights is None else weighted_statistic(reference, window)
    p_value = sizes.p_value(float(kolmogorov(value * sizes.root + correction)))
    if p_value < _EXACT_BELOW and as_they_are and ks_exact.is_countable(n, m):
        p_value = ks_exact.p_value(n, m, round(value * (n * m)))
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
    steps = _Steps.of(reference.values, window)
    above = np.abs(steps.at / window.size - reference.share_of_first(steps.others_at))
    below = np.abs(steps.before / window.size - reference.share_of_first(steps.others_before))
    return min(1.0, float(max(np.max(above), np.max(below))))


def _gap(first: Floats, second: Floats) -> int:
    """The distance as a whole number of ``1 / (n m)``."""
    n, m = second.size, first.size
    steps = _Steps.of(first, second)
    # Between two steps of one sample only the other function rises, so the gap is largest at a step itself or just
    # before it. Counts are compared as integers, over the common denominator.
    at, before = steps.at * m - steps.others_at * n, steps.before * m - steps.others_before * n
    return int(max(at.max(), -at.min(), before.max(), -before.min()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Steps:
    """Where a sample's function rises: rows of it and of another sample, at most and below each distinct value."""

    at: Counts
    before: Counts
    others_at: Counts
    others_before: Counts

    @classmethod
    def of(cls, others: Floats, ascending: Floats) -> Self:
        below = PLACING.rows_below(others, ascending)
        rises = ascending[1:] != ascending[:-1]
        if rises.all():
            at, points = np.arange(1, ascending.size + 1), ascending
        else:
            last_of_tie = np.append(np.flatnonzero(rises), ascending.size - 1)
            at, points, below = last_of_tie + 1, ascending[last_of_tie], below[last_of_tie]
        before = np.concatenate(([0], at[:-1]))
        return cls(at=at, before=before, others_at=rows_up_to(others, points, below), others_before=below)


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
