"""Wasserstein: how far rows would have to move to turn one distribution into the other."""

import math

import numpy as np
from scipy.special import ndtri

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.reference import NumericReference

# A row farther from the reference than this is counted as this far: its cube must stay a finite number.
FARTHEST_DEVIATIONS = 1e100

_MEAN_OF_HALF_NORMAL = math.sqrt(2.0 / math.pi)


def measure(reference: NumericReference, window: Floats, *, alpha: float) -> Measurement:
    """1-Wasserstein distance in standard deviations of the reference.

    ``W1 / std`` with ``W1 = ∫ |Q_reference(u) - Q_window(u)| du``, computed exactly; 0.25 means that rows moved by
    a quarter of a standard deviation on average. There is no p-value, only a bound (:func:`noise_limit`).

    It cannot see: a change that moves few rows by little; and, at alpha below 0.004, one far outlier however far:
    its own weight in the noise limit hides it.

    Args:
        reference: the prepared reference, not constant.
        window: present values, ascending, not empty.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Vallender (1974); del Barrio, Giné & Matrán (1999), Annals of Probability 27(2), for its law.
    """
    scaled = _scaled(reference, window)
    return Measurement(
        value=_distance(reference, window, scaled),
        p_value=None,
        noise_limit=noise_limit(reference, scaled, alpha=alpha),
    )


def normalised_distance(reference: NumericReference, window: Floats) -> float:
    """``W1 / std`` of an ascending window, not empty, in O(n log m); its rounding is about 1e-13.

    >>> reference = NumericReference.from_values(np.array([0.0, 2.0]))
    >>> normalised_distance(reference, np.array([3.0, 5.0]))
    3.0
    """
    return _distance(reference, window, _scaled(reference, window))


def noise_limit(reference: NumericReference, scaled: Floats, *, alpha: float) -> float:
    """What the distance exceeds by noise alone with probability at most about ``alpha``, in deviations.

    With ``s = sqrt(1/n + 1/m)`` the distance of two samples of one distribution tends to ``s · ∫ |B(F(x))| dx``, B a
    Brownian bridge. Its mean is ``s · sqrt(2/π) · ∫ sqrt(F (1 - F)) dx``. It is a convex function of a Gaussian
    process whose largest directional deviation is the distribution's own ``σ``; so its median is at most its mean
    (Kwapień 1994), and it exceeds its median by ``s σ z(1 - alpha)`` with probability at most alpha (Borell 1975;
    Sudakov & Tsirelson 1974). For small windows the term ``s σ g (z² - 1) / 6`` (Cornish & Fisher 1938, g the
    skewness of the difference of the two means) is added, without which skewed features would raise false alarms.
    σ and g are those of both samples together, as under the null both tell of the same tails; a small reference
    alone knows too little of them.

    In simulation it is exceeded far less often than alpha by light-tailed features and about as often by lognormal
    ones; the other measures see small shifts earlier. That is the price of a bound without resampling.
    """
    n, m = scaled.size, reference.values.size
    spread, skewness = _pooled_moments(reference, scaled)
    root = math.sqrt(1.0 / n + 1.0 / m)
    z = float(ndtri(1.0 - alpha))
    skew = abs(skewness) * abs(1.0 / n**2 - 1.0 / m**2) / root**3
    mean = _MEAN_OF_HALF_NORMAL * reference.noise_width * max(1.0, spread)
    return root * (mean + spread * (max(0.0, z) + skew * max(0.0, z * z - 1.0) / 6.0))


def _scaled(reference: NumericReference, window: Floats) -> Floats:
    with np.errstate(over="ignore"):
        scaled: Floats = (window - reference.median) / reference.std
    return np.clip(scaled, -FARTHEST_DEVIATIONS, FARTHEST_DEVIATIONS)


def _distance(reference: NumericReference, window: Floats, scaled: Floats) -> float:
    n, m = window.size, reference.values.size
    # Probability in units of 1 / (n m), where every step of both quantile functions is a whole number. Row i of
    # the window faces the reference's quantiles on [lower, upper); up to ``split`` they lie below the row.
    bounds = np.arange(n + 1, dtype=np.int64) * m
    lower, upper = bounds[:-1], bounds[1:]
    split = np.clip(np.searchsorted(reference.values, window) * n, lower, upper)
    at_bounds = _quantile_sums(reference, bounds, n)
    facing = at_bounds[:-1] + at_bounds[1:] - 2.0 * _quantile_sums(reference, split, n)
    return max(0.0, float(np.sum(scaled * ((2 * split - lower - upper) / (n * m)) + facing / m)))


def _quantile_sums(reference: NumericReference, positions: Counts, n: int) -> Floats:
    """Integral of the reference's scaled quantile function up to ``positions / (n m)``, times m."""
    whole, part = np.divmod(positions, n)
    sums = reference.scaled_sums
    following = np.minimum(whole + 1, reference.values.size)
    between: Floats = sums[whole] + (part / n) * (sums[following] - sums[whole])
    return between


def _pooled_moments(reference: NumericReference, scaled: Floats) -> tuple[float, float]:
    """Standard deviation and skewness of both samples together, in scaled units."""
    n, m = scaled.size, reference.values.size
    first, second, third = reference.scaled_moments
    mean = (m * first + float(scaled.sum())) / (n + m)
    apart = scaled - mean
    squares = m * (second - 2 * mean * first + mean**2) + float(np.sum(apart**2))
    cubes = m * (third - 3 * mean * second + 3 * mean**2 * first - mean**3) + float(np.sum(apart**3))
    spread = math.sqrt(squares / (n + m))
    return spread, cubes / (n + m) / spread**3
