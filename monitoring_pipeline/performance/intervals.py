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
    """Student's t interval of a mean: mean ± t(n - 1) · s / √n, cut to the values that the mean can take.

    Approximate for skewed values; by the central limit theorem good from some dozens of rows.

    Args:
        sample: moments of the values.
        at_least: smallest possible mean.
        at_most: largest possible mean.

    Returns:
        ``None`` for fewer than two rows or beyond the doubles.
    """
    half_width = _half_width(sample)
    if half_width is None:
        return None
    return _finite(max(sample.mean - half_width, at_least), min(sample.mean + half_width, at_most))


def root_mean_interval(sample: Moments) -> Interval | None:
    """Interval of √mean by the delta method: se(√m) = se(m) / (2 √m), with Student's t, cut at zero.

    Needs the spread of the values themselves: for an RMSE, of the squared errors (hence fourth powers of errors).

    Returns:
        ``None`` for fewer than two rows or beyond the doubles; zero width if all values are equal.

    Source: L. Wasserman, "All of Statistics", 2004, section 9.9.
    """
    half_width = _half_width(sample)
    if half_width is None:
        return None
    root = math.sqrt(sample.mean)
    half_width = half_width / (2 * root) if root > 0 else 0.0
    return _finite(max(root - half_width, 0.0), root + half_width)


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


def _half_width(sample: Moments) -> float | None:
    if sample.count < 2 or not math.isfinite(sample.m2):
        return None
    return _student_quantile(sample.count - 1) * math.sqrt(sample.m2 / (sample.count - 1) / sample.count)


def _finite(lower: float, upper: float) -> Interval | None:
    return Interval(lower=lower, upper=upper) if math.isfinite(lower) and math.isfinite(upper) else None


@lru_cache(maxsize=65_536)
def _student_quantile(degrees_of_freedom: int) -> float:
    from scipy.special import stdtrit  # 0.2 s to import: only when a metric is computed  # noqa: PLC0415

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))
