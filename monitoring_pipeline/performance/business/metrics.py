"""What predictions were worth, in the unit that the business declared.

Over the judged rows only: what the rest is worth is not known before its truth arrives, so while labels come in totals
grow, and a total stands beside its coverage.
"""

import math
import sys

from monitoring_pipeline.performance.business.sums import BusinessSums
from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE, finite_interval, mean_interval
from monitoring_pipeline.performance.mergeable.covariance import Covariance
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.values import Answer, Estimate, Interval, UndefinedReason

SMALLEST_SAMPLE_OF_A_CORRELATION = 4  # Fisher's interval divides by √(n - 3)


def business_value_total(sums: BusinessSums) -> Answer:
    """What the judged predictions brought: Σ value, in the declared unit; the revenue impact, costs subtracted.

    Exact for these rows. The interval is of what as many rows of the same kind bring on average: n times the interval
    of the mean.
    """
    return _total(sums.value)


def business_value_per_prediction(sums: BusinessSums) -> Answer:
    """What one judged prediction brings on average: Σ value / n. Blind to how many predictions there are."""
    return Estimate(value=sums.value.mean, interval=mean_interval(sums.value))


def business_savings_total(sums: BusinessSums) -> Answer:
    """What the judged predictions brought beyond the declared baseline: Σ (value - baseline). No better than it."""
    return _total(sums.saving)


def satisfaction_correlation(sums: BusinessSums) -> Answer | None:
    """Pearson's correlation of a row's value with its satisfaction, -1 … 1, over the rows that have both.

    Σ (v - mean v)(s - mean s) / √(Σ (v - mean v)² Σ (s - mean s)²). Blind to any relation that is not a straight line,
    and ruled by outliers; says nothing about causes. Interval by Fisher's z = artanh r ± z(0.975) / √(n - 3), which
    holds for values near a normal distribution. Not told where no row carries a satisfaction.

    Source: R. A. Fisher, "On the probable error of a coefficient of correlation deduced from a small sample", 1921.
    """
    return _correlation(sums.satisfaction) if carries_satisfaction(sums) else None


def carries_satisfaction(sums: BusinessSums) -> bool:
    """Whether any row carries a satisfaction, judged or not."""
    return sums.satisfaction_count > 0


def _total(sample: Moments) -> Estimate:
    of_mean = mean_interval(sample)
    if of_mean is None:
        return Estimate(value=sample.total)
    below, above = sample.count * (sample.mean - of_mean.lower), sample.count * (of_mean.upper - sample.mean)
    return Estimate(value=sample.total, interval=finite_interval(sample.total - below, sample.total + above))


def _correlation(pairs: Covariance) -> Answer:
    if pairs.count < SMALLEST_SAMPLE_OF_A_CORRELATION:
        return UndefinedReason.TOO_FEW_ROWS
    if any(each.lowest == each.highest for each in (pairs.first, pairs.second)):
        return UndefinedReason.CONSTANT_VALUES
    if not all(map(math.isfinite, (pairs.first.m2, pairs.second.m2, pairs.shared))):
        return UndefinedReason.OVERFLOW
    if min(pairs.first.m2, pairs.second.m2) < sys.float_info.min:
        return UndefinedReason.UNDERFLOW
    r = max(-1.0, min(1.0, pairs.shared / math.sqrt(pairs.first.m2) / math.sqrt(pairs.second.m2)))
    return Estimate(value=r, interval=_fishers_interval(r, pairs.count))


def _fishers_interval(r: float, count: int) -> Interval:
    if abs(r) == 1.0:  # on a line, where artanh is infinite
        return Interval(lower=r, upper=r)
    half_width = NORMAL_QUANTILE / math.sqrt(count - 3)
    lower, upper = math.tanh(math.atanh(r) - half_width), math.tanh(math.atanh(r) + half_width)
    return Interval(lower=min(lower, r), upper=max(upper, r))
