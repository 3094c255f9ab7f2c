"""Wasserstein: how far rows would have to move to turn one distribution into the other."""

import math
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws.bridge_law import BridgeLaw
from monitoring_pipeline.drift.laws.mean_shape import MeanShape
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.placed import PLACING
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes

# A row farther from the reference than this is counted as this far: its fourth power must stay a finite number.
FARTHEST_DEVIATIONS = 1e70

_SMALLEST = 1e-300  # a probability that has a logarithm
_FINER = 17


def measure(reference: NumericReference, window: Floats, *, sizes: Sizes, alpha: float) -> Measurement:
    """1-Wasserstein distance in standard deviations of the reference.

    ``W1 / std`` with ``W1 = ∫ |Q_reference(u) - Q_window(u)| du``, computed exactly; 0.25 means that rows moved by
    a quarter of a standard deviation on average.

    p-value: ``sqrt(n m / (n + m)) · W1`` tends to the area under a Brownian bridge through the distribution, whose law
    the reference keeps (:mod:`..laws.bridge_law`). Two things are added for small windows. The unit is the deviation of
    both samples together where that is larger: without drift both tell of the same tails, and a small reference alone
    knows too little of them. And the tails are those of the difference of two means of so few rows
    (:mod:`..laws.mean_shape`), without which skewed and heavy-tailed features would raise false alarms.

    False alarms in simulation, from 30 rows up: 0.8 to 1.3 times alpha at alpha 0.05 and 0.01 for normal, uniform,
    exponential, lognormal and Poisson features; without finite variance (Cauchy) from a third of alpha down to none.

    It cannot see: a change that moves few rows by little; and one far outlier however far: its own weight in the
    unit hides it.

    Args:
        reference: the prepared reference, not constant.
        window: present values, ascending, not empty.
        sizes: how many independent rows both are worth.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Vallender (1974); del Barrio, Giné & Matrán (1999), Annals of Probability 27(2), for its law.
    """
    scaled = _scaled(reference, window)
    value = _distance(reference, window, scaled)
    spread, skewness, kurtosis = _pooled_moments(reference, scaled)
    unit = max(1.0, spread) / sizes.root
    noise = _Noise(law=reference.own_laws.area, shape=MeanShape.of(skewness=skewness, kurtosis=kurtosis, sizes=sizes))
    limit = unit * noise.limit(sizes.level(alpha))
    return Measurement(
        value=value,
        p_value=sizes.p_value(noise.p_value(value / unit)),
        noise_limit=limit,
        detectable=limit + Z_POWER * unit,
    )


def normalised_distance(reference: NumericReference, window: Floats) -> float:
    """``W1 / std`` of an ascending window, not empty, in O(n log m); its rounding is about 1e-13.

    >>> reference = NumericReference.from_values(np.array([0.0, 2.0]))
    >>> normalised_distance(reference, np.array([3.0, 5.0]))
    3.0
    """
    return _distance(reference, window, _scaled(reference, window))


def _distance(reference: NumericReference, window: Floats, scaled: Floats) -> float:
    below = PLACING.rows_below(reference.values, window)
    if reference.shares is not None:
        return _weighted_distance(reference, scaled, below, reference.shares)
    n, m = window.size, reference.values.size
    # Probability in units of 1 / (n m), where every step of both quantile functions is a whole number. Row i of
    # the window faces the reference's quantiles on [lower, upper); up to ``split`` they lie below the row.
    bounds = np.arange(n + 1, dtype=np.int64) * m
    lower, upper, reached = bounds[:-1], bounds[1:], below * n
    split = np.clip(reached, lower, upper)
    at_bounds = _quantile_sums(reference, bounds / n)
    at_split = np.where(
        reached < lower, at_bounds[:-1], np.where(reached > upper, at_bounds[1:], reference.scaled_sums[below])
    )
    facing = at_bounds[:-1] + at_bounds[1:] - 2.0 * at_split
    return max(0.0, float(np.sum(scaled * ((2 * split - lower - upper) / (n * m)) + facing / m)))


def _weighted_distance(reference: NumericReference, scaled: Floats, below: Counts, shares: Floats) -> float:
    # As above, in probabilities: the integral of the quantile function is a straight line between two shares.
    bounds = np.arange(scaled.size + 1) / scaled.size
    lower, upper = bounds[:-1], bounds[1:]
    split = np.clip(shares[below], lower, upper)
    at_bounds = np.interp(bounds, shares, reference.scaled_sums)
    facing = at_bounds[:-1] + at_bounds[1:] - 2.0 * np.interp(split, shares, reference.scaled_sums)
    return max(0.0, float(np.sum(scaled * (2.0 * split - lower - upper) + facing)))


def _quantile_sums(reference: NumericReference, rows: Floats) -> Floats:
    """Integral of the reference's scaled quantile function over so many of its rows, parts of one included."""
    whole = rows.astype(np.int64)
    sums = reference.scaled_sums
    at = sums[whole]
    between: Floats = at + (rows - whole) * (sums[np.minimum(whole + 1, reference.values.size)] - at)
    return between


def _scaled(reference: NumericReference, window: Floats) -> Floats:
    with np.errstate(over="ignore"):
        scaled: Floats = (window - reference.median) / reference.std
    return np.clip(scaled, -FARTHEST_DEVIATIONS, FARTHEST_DEVIATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noise:
    """The area's law, its tails reshaped like those of the difference of the two samples' means."""

    law: BridgeLaw
    shape: MeanShape

    def p_value(self, area: float) -> float:
        return float(self._p_values(np.array([area]))[0])

    def limit(self, level: float) -> float:
        """The area exceeded with probability ``level``: between two of the law's own, then between nearer ones."""
        areas = self.law.areas * self.shape.stretch
        limit = self._between(areas, level)
        if self.shape.is_normal:
            return limit
        place = int(np.searchsorted(areas[1:-1], limit))
        return self._between(np.linspace(areas[place], areas[place + 1], _FINER), level)

    def _between(self, areas: Floats, level: float) -> float:
        tail = np.minimum.accumulate(np.maximum(self._p_values(areas), _SMALLEST))
        return float(np.interp(-math.log(max(level, _SMALLEST)), -np.log(tail), areas))

    def _p_values(self, areas: Floats) -> Floats:
        if self.shape.is_normal:
            return self.law.survival(areas)
        deviation = self.law.deviation
        up, down = self.shape.normal_scores(areas / deviation)
        mean: Floats = (self.law.survival(up * deviation) + self.law.survival(down * deviation)) / 2.0
        return mean


def _pooled_moments(reference: NumericReference, scaled: Floats) -> tuple[float, float, float]:
    """Standard deviation, skewness and excess kurtosis of both samples together, in scaled units."""
    n, m = scaled.size, reference.effective_rows
    first, second, third, fourth = reference.scaled_moments
    mean = (m * first + float(scaled.sum())) / (n + m)
    apart = scaled - mean
    square = apart * apart
    squares = m * (second - 2 * mean * first + mean**2) + float(square.sum())
    cubes = m * (third - 3 * mean * second + 3 * mean**2 * first - mean**3) + float(square @ apart)
    fourths = m * (fourth - 4 * mean * third + 6 * mean**2 * second - 4 * mean**3 * first + mean**4)
    variance = squares / (n + m)
    kurtosis = (fourths + float(square @ square)) / (n + m) / variance**2
    return math.sqrt(variance), cubes / (n + m) / variance**1.5, kurtosis - 3.0
