"""Cramér-von Mises: the mean square gap between the two distribution functions."""

import math

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.laws.pooled import PooledFunctions
from monitoring_pipeline.drift.laws.quadratic_law import CRAMER_VON_MISES as LAW
from monitoring_pipeline.drift.laws.square_gap import SquareGap
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Sizes

LARGEST = math.sqrt(1.0 / 3.0)
"""The distance of two large samples that do not overlap."""


def measure(reference: NumericReference, window: Floats, *, sizes: Sizes, alpha: float) -> Measurement:
    """Two-sample Cramér-von Mises distance between the reference and a window.

    ``sqrt(∫ (F - G)² dH)`` with H the distribution of all rows of both: a typical gap, as a share of rows,
    where :mod:`.ks` takes the largest; 0.577 for many rows that do not overlap. It sees a shift a little earlier.

    p-value: the limit law of ``n m / (n + m) · ∫ (F - G)² dH``, after bringing mean and variance from their values at
    n and m rows, and with the ties of the reference (:mod:`..laws.tied_moments`), to those of the limit.

    Where a value ties most rows and another is so rare that a window expects fewer than about three of it, false
    alarms are more frequent than alpha: 2 times at 0.01, up to 10 times at 0.001. Use :mod:`.ks` there.

    It cannot see: changes in the tails that move few rows, changes of order in time, and anything that leaves this
    one feature's distribution alone.

    Args:
        reference: the prepared reference, not empty.
        window: present values, ascending, not empty.
        sizes: how many independent rows both are worth.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> reference = NumericReference.from_values(np.arange(100.0))
    >>> found = measure(reference, np.arange(40.0, 60.0), sizes=Sizes(reference=100, window=20), alpha=0.01)
    >>> round(found.value, 4), round(found.p_value, 4)
    (0.2312, 0.0042)

    Source: Anderson (1962), "On the distribution of the two-sample Cramér-von Mises criterion", Annals of
    Mathematical Statistics 33(3).
    """
    mean, deviation = _moments(sizes, reference.own_laws.gap_moments)
    gap = SquareGap(limit_law=LAW, mean=mean, deviation=deviation, sizes=sizes)
    return gap.measurement(distance(reference, window), alpha=alpha, largest=LARGEST)


def distance(reference: NumericReference, window: Floats) -> float:
    """The distance itself, of an ascending window, neither side empty; the functions are right-continuous at ties.

    >>> distance(NumericReference.from_values(np.array([1.0, 2.0])), np.array([3.0, 4.0]))
    0.6123724356957945
    """
    functions = PooledFunctions.of(reference, window)
    return math.sqrt(float(np.sum(functions.weights * functions.difference**2)))


def _moments(sizes: Sizes, tied: tuple[float, float] | None) -> tuple[float, float]:
    """Mean and standard deviation of the statistic; ties change them in proportion to those of the limit."""
    n, m = max(1.0, sizes.window), max(2.0, sizes.reference)
    rows = n + m
    spread = 4.0 * n * m * rows - 3.0 * (n**2 + m**2) - 2.0 * n * m
    variance = (1.0 + 1.0 / rows) / rows * spread / (180.0 * n * m)
    mean, deviation = tied or (LAW.mean, LAW.deviation)
    return mean * (1.0 + 1.0 / rows), math.sqrt(variance) * deviation / LAW.deviation
