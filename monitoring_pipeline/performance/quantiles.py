"""Quantiles of a logarithmic histogram, with the interval that the ranks of rows give.

What it cannot see: as in :mod:`.intervals`, the rows of a window are taken as independent draws.
"""

import math
import sys
from functools import lru_cache

from monitoring_pipeline.performance.intervals import CONFIDENCE
from monitoring_pipeline.performance.mergeable.log_histogram import RELATIVE_ACCURACY, LogHistogram
from monitoring_pipeline.performance.values import Answer, Estimate, Interval, UndefinedReason


def quantile_estimate(histogram: LogHistogram, probability: float) -> Answer:
    """The quantile, its 95 % interval and how far it can be from the rows' own: 1 % of the value.

    The interval runs from one row to another (see :func:`rank_interval`), each widened by 1 %. It holds for any
    distribution, and more often than in 95 % of windows: ranks are whole, and with many rows the 1 % outgrows what is
    left of the uncertainty. No interval if too few rows lie beyond the quantile to bound it from above.

    Args:
        histogram: of values that are at least 0; with at least one value.
        probability: 0 … 1.
    """
    count = histogram.count
    lowest, highest = rank_interval(count, probability)
    middle = max(math.ceil(probability * count), 1)
    below, value, above = histogram.at_ranks([max(lowest, 1), middle, min(highest, count)])
    if math.isinf(value):
        return UndefinedReason.OVERFLOW
    if 0 < value < sys.float_info.min:
        return UndefinedReason.UNDERFLOW
    lower = below * (1 - RELATIVE_ACCURACY) if lowest else 0.0
    upper = above * (1 + RELATIVE_ACCURACY) if highest <= count else math.inf
    interval = Interval(lower=lower, upper=upper) if math.isfinite(upper) else None
    return Estimate(value=value, interval=interval, error_bound=RELATIVE_ACCURACY * value)


@lru_cache(maxsize=65_536)
def rank_interval(count: int, probability: float) -> tuple[int, int]:
    """The ranks of the two rows between which the true quantile lies in at least 95 % of windows.

    How many of n rows lie below the true quantile is binomial(n, probability): the lower rank is its 2.5 % quantile,
    the upper one its 97.5 % quantile plus 1.

    Returns:
        Ranks from 0 (no row bounds it from below) to ``count + 1`` (none bounds it from above).

    Source: W. J. Conover, "Practical Nonparametric Statistics", 3rd edition, 1999, section 3.2.
    """
    tail = (1 - CONFIDENCE) / 2
    return _binomial_quantile(tail, count, probability), _binomial_quantile(1 - tail, count, probability) + 1


def _binomial_quantile(share: float, count: int, probability: float) -> int:
    from scipy.special import bdtr, bdtrik  # 0.2 s to import: only when a metric is computed  # noqa: PLC0415

    if probability in (0.0, 1.0):
        return round(probability * count)
    found = math.ceil(bdtrik(share, count, probability))
    # The inverse works to a tolerance: a whole number may come out a little above itself.
    return found - 1 if found > 0 and bdtr(found - 1, count, probability) >= share else max(found, 0)
