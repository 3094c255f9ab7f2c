"""Anderson-Darling: the mean square gap between the distribution functions, in units of its noise at each point."""

import math
from functools import lru_cache

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.laws.pooled import PooledFunctions
from monitoring_pipeline.drift.laws.quadratic_law import ANDERSON_DARLING as LAW
from monitoring_pipeline.drift.laws.square_gap import SquareGap
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Sizes

_MOST_SUMMED = 10_000  # rows from which on the variance is that of its limit, within 0.1 %


def measure(reference: NumericReference, window: Floats, *, sizes: Sizes, alpha: float) -> Measurement:
    """Two-sample Anderson-Darling distance between the reference and a window.

    ``sqrt(∫ (F - G)² / (H (1 - H)) dH)`` with H the distribution of all rows of both: a gap where few rows lie counts
    as much as the same number of noise widths in the middle. Of the measures by rank it sees changes in the tails best.

    p-value: the limit law of ``n m / (n + m)`` times the square, whose mean is 1 at every size, after bringing the
    variance from its value at n and m rows to that of the limit; with ties in the reference the mean, too
    (:mod:`..laws.tied_moments`).

    Where a value ties most rows and another is so rare that a window expects fewer than about three of it, false
    alarms are more frequent than alpha: 2 times at 0.01, up to 10 times at 0.001. Use :mod:`.ks` there.

    It cannot see: how far a row has moved beyond all others, changes of order in time, and anything that leaves this
    one feature's distribution alone.

    Args:
        reference: the prepared reference, not empty.
        window: present values, ascending, not empty.
        sizes: how many independent rows both are worth.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> reference = NumericReference.from_values(np.arange(100.0))
    >>> found = measure(reference, np.arange(40.0, 60.0), sizes=Sizes(reference=100, window=20), alpha=0.01)
    >>> round(found.value, 4), round(found.p_value, 4)
    (0.5334, 0.0036)

    Sources: Pettitt (1976), "A two-sample Anderson-Darling rank statistic", Biometrika 63(1); Scholz & Stephens (1987),
    "K-sample Anderson-Darling tests", Journal of the American Statistical Association 82(399), for the variance.
    """
    mean, deviation = reference.own_laws.gap_moments_in_noise or (LAW.mean, LAW.deviation)
    gap = SquareGap(limit_law=LAW, mean=mean, deviation=_deviation(sizes) * deviation / LAW.deviation, sizes=sizes)
    largest = _largest(window.size / (window.size + reference.values.size))
    return gap.measurement(distance(reference, window), alpha=alpha, largest=largest)


def distance(reference: NumericReference, window: Floats) -> float:
    """The distance itself, of an ascending window, neither side empty; the functions are right-continuous at ties.

    >>> round(distance(NumericReference.from_values(np.array([1.0, 3.0])), np.array([2.0, 4.0])), 6)
    0.816497
    """
    functions = PooledFunctions.of(reference, window)
    # At and beyond the last row nothing can differ: both functions are 1 there, up to rounding.
    noise = functions.both * (1.0 - functions.both)
    terms = np.divide(functions.difference**2, noise, out=np.zeros_like(noise), where=noise > 1e-15)
    return math.sqrt(float(np.sum(functions.weights * terms)))


def _deviation(sizes: Sizes) -> float:
    """Standard deviation of the statistic without ties, from equation 4 of Scholz & Stephens for two samples."""
    rows = max(4, round(sizes.window + sizes.reference))
    inverse = 1.0 / max(1.0, sizes.window) + 1.0 / max(1.0, sizes.reference)
    h, g = _harmonic_sums(min(rows, _MOST_SUMMED))
    a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverse
    if rows > _MOST_SUMMED:
        return math.sqrt(a)
    b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g - 6.0
    c = (6.0 * h + 2.0 * g - 2.0) * 4.0 + (4.0 * h - 4.0 * g + 6.0) * 2.0 + (2.0 * h - 6.0) * inverse + 4.0 * h
    d = (2.0 * h + 6.0) * 4.0 - 8.0 * h
    return math.sqrt((((a * rows + b) * rows + c) * rows + d) / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0)))


@lru_cache(maxsize=4096)
def _harmonic_sums(rows: int) -> tuple[float, float]:
    """h and g of that equation; g tends to π² / 6."""
    if rows >= _MOST_SUMMED:
        return math.inf, math.pi**2 / 6.0  # h grows without end and is no longer needed
    sums = np.cumsum(1.0 / np.arange(rows - 1, 1, -1))
    return float(sums[-1]) + 1.0, float(np.sum(sums / np.arange(2, rows)))


def _largest(part: float) -> float:
    """The distance of two large samples that do not overlap, the window being ``part`` of all rows."""
    rest = 1.0 - part
    return math.sqrt((-math.log(rest) - part) / part**2 * part + (-math.log(part) - rest) / rest**2 * rest)
