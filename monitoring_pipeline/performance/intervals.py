"""95 % confidence intervals from sums alone.

What they cannot see: they take the rows of a window as independent draws. Rows that err together (one storm, many
late flights) make the true uncertainty larger than stated. One row gives no interval.
"""

import math
from functools import lru_cache

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.values import Interval

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959963984540054  # standard normal, at (1 + CONFIDENCE) / 2


def mean_interval(sample: Moments, *, at_least: float = -math.inf, at_most: float = math.inf) -> Interval | None:
    """Student's t interval of a mean, corrected for skewness, cut to the values that the mean can take.

    Symmetric values: mean ± t(n - 1) · s / √n. Skewed ones pull t itself to their side; Hall's cubic transformation
    of t undoes that: with g the sample skewness, the bounds are mean - s / √n · h(±t) and h the inverse of
    x + g / (3 √n) · x² + g² / (27 n) · x³ + g / (6 √n). Measured at n = 100: squares of normal errors are covered in
    95 % of windows (t alone: 93 to 94 %), squares of exponential ones in 93 % (t alone: 90 %).

    What it cannot see: a tail so long that the window holds none of it.

    Args:
        sample: moments of the values.
        at_least: smallest possible mean.
        at_most: largest possible mean.

    Returns:
        ``None`` for fewer than two rows or beyond the doubles.

    Source: P. Hall, "On the removal of skewness by transformation", 1992.
    """
    if sample.count < 2 or not math.isfinite(sample.m2):
        return None
    standard_error = math.sqrt(sample.m2 / (sample.count - 1) / sample.count)
    t = student_quantile(sample.count - 1)
    skewness = _skewness(sample)
    lower = sample.mean - standard_error * _without_skew(t, skewness, sample.count)
    upper = sample.mean - standard_error * _without_skew(-t, skewness, sample.count)
    return finite_interval(max(lower, at_least), min(upper, at_most))


def root_mean_interval(sample: Moments) -> Interval | None:
    """Interval of √mean: the square roots of the mean's bounds, since the root keeps their order.

    Needs the spread of the values themselves: for an RMSE, of the squared errors (hence fourth powers of errors).

    Returns:
        ``None`` for fewer than two rows or beyond the doubles; zero width if all values are equal.
    """
    interval = mean_interval(sample, at_least=0.0)
    if interval is None:
        return None
    root = math.sqrt(sample.mean)
    return Interval(lower=min(math.sqrt(interval.lower), root), upper=max(math.sqrt(interval.upper), root))


def proportion_interval(successes: int, trials: int) -> Interval | None:
    """Wilson's score interval of a proportion; never outside 0 … 1, sound for few rows and near 0 or 1.

    Returns:
        ``None`` for fewer than two trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if trials < 2:
        return None
    z_squared = NORMAL_QUANTILE * NORMAL_QUANTILE
    failures = trials - successes
    centre = (successes + z_squared / 2) / (trials + z_squared)
    half_width = NORMAL_QUANTILE * math.sqrt(successes * failures / trials + z_squared / 4) / (trials + z_squared)
    lower = 0.0 if successes == 0 else max(centre - half_width, 0.0)  # exactly the bound, not its rounding
    upper = 1.0 if failures == 0 else min(centre + half_width, 1.0)
    return Interval(lower=lower, upper=upper)


def finite_interval(lower: float, upper: float) -> Interval | None:
    """The interval, or None if a bound is beyond the doubles."""
    return Interval(lower=lower, upper=upper) if math.isfinite(lower) and math.isfinite(upper) else None


@lru_cache(maxsize=65_536)
def student_quantile(degrees_of_freedom: int) -> float:
    """Student's t at (1 + ``CONFIDENCE``) / 2."""
    from scipy.special import stdtrit  # 0.2 s to import: only when a metric is computed  # noqa: PLC0415

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def _skewness(sample: Moments) -> float:
    """m3 / n over s³ with s² = m2 / n; 0 where it cannot be told from rounding, or is beyond the doubles."""
    spread = math.sqrt(sample.m2 / sample.count)
    if not (spread > 0 and math.isfinite(sample.m3)):
        return 0.0
    largest = math.sqrt(sample.count)  # of any n numbers; beyond it there is only rounding
    return min(max(sample.m3 / sample.count / spread / spread / spread, -largest), largest)


def _without_skew(t: float, skewness: float, count: int) -> float:
    a = skewness / 3 / math.sqrt(count)
    # Near 0 the closed form loses its digits; there t is off by less than 1e-7.
    return t if abs(a) < 1e-8 else (math.cbrt(1 + 3 * a * (t - a / 2)) - 1) / a
