"""Kolmogorov-Smirnov: the largest gap between the two distribution functions."""

import math

import numpy as np
from scipy.special import kolmogi, kolmogorov

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.reference import NumericReference


def measure(reference: NumericReference, window: Floats, *, alpha: float) -> Measurement:
    """Two-sample Kolmogorov-Smirnov distance between the reference and a window.

    ``D = sup |F_reference(x) - F_window(x)|``, a share of rows in [0, 1], exact also with ties.

    p-value: the limit law of Kolmogorov at ``D · sqrt(n m / (n + m))``. It is the conservative one of the known
    choices: at n = 100 it is up to 22 % above scipy's exact p near 0.001 (0.4 % below it at worst, around 0.5), and
    ties make it larger still. False alarms are 0.6 to 1.0 times alpha in simulation, 0.1 with heavy ties.

    It cannot see: changes in the tails that move few rows (a gap is measured in rows, not in distance), changes
    of order in time, and anything that leaves this one feature's distribution alone.

    Args:
        reference: the prepared reference, not empty.
        window: present values, ascending, not empty.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Smirnov (1939); Hodges (1958), "The significance probability of the Smirnov two-sample test".
    """
    value = statistic(reference.values, window)
    root = math.sqrt(reference.values.size * window.size / (reference.values.size + window.size))
    return Measurement(
        value=value,
        p_value=float(kolmogorov(value * root)),
        noise_limit=float(kolmogi(alpha)) / root,
    )


def statistic(first: Floats, second: Floats) -> float:
    """The distance D of two ascending samples, neither empty; its only rounding is the last division.

    >>> statistic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    0.5
    """
    few, many = sorted((first, second), key=len)
    last_of_tie = np.flatnonzero(np.append(few[1:] != few[:-1], True))
    points = few[last_of_tie]
    few_at = last_of_tie + 1
    few_before = np.concatenate(([0], few_at[:-1]))
    # Between two points of the smaller sample only the other function rises, so the gap is largest at the
    # point itself or just before the next one. Counts are compared as integers, over the common denominator.
    at = few_at * many.size - np.searchsorted(many, points, side="right") * few.size
    before = few_before * many.size - np.searchsorted(many, points, side="left") * few.size
    return max(int(np.max(np.abs(at))), int(np.max(np.abs(before)))) / (few.size * many.size)
