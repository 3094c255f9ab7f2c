"""The expected calibration error, and what chance does to it.

With d the error of each bin, (positives - sum of probabilities) / n, the calibration error is Σ abs(d). Chance errors
do not cancel in it: it is too large on average, most for a calibrated model. So the two sides of the interval differ.

- Upper: Σ abs(d) falls short of the truth by no more than a normal error with the variance of Σ ± d, whatever the
  true errors are (because abs(d) is at least d, taken with the sign of the true error).
- Lower: the part of Σ abs(d) that bins with no clear error (below three standard errors) can owe to chance is that
  of a sum of half-normal variables; for bins with a clear error it is a normal error as above.

Rows at the far edge of rare events say little about their bin's variance, so each bin's share of positives is drawn
towards what the model promised, by z² = 3.84 pseudo-rows.

The interval is of the calibration error over these bins, and conservative: 95 % or more.
"""

import math

from monitoring_pipeline.performance.delta import drawn_to
from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.mergeable.reliability import ReliabilityBins
from monitoring_pipeline.performance.values import Interval

PSEUDO_ROWS = NORMAL_QUANTILE * NORMAL_QUANTILE
CLEAR_ERROR = 3.0  # standard errors; one of ten calibrated bins passes it once in 37 windows


def calibration_error(bins: ReliabilityBins) -> float:
    """Σ abs(positives - sum of probabilities) / n; 0 … 1."""
    return math.fsum(map(abs, _errors(bins))) / bins.count


def calibration_error_interval(bins: ReliabilityBins) -> Interval | None:
    """The interval of the calibration error; ``None`` for fewer than two rows."""
    n = bins.count
    if n < 2:
        return None
    value, variances = calibration_error(bins), _variances(bins)
    columns = [(abs(error), variance) for error, variance in zip(_errors(bins), variances, strict=True)]
    clear = [error for error, variance in columns if error > CLEAR_ERROR * math.sqrt(variance)]
    unclear = [variance for error, variance in columns if error <= CLEAR_ERROR * math.sqrt(variance)]
    # A half-normal variable has the mean s √(2/π) and the variance s² (1 - 2/π).
    owed = math.sqrt(2 / math.pi) * math.fsum(map(math.sqrt, unclear))
    below = math.fsum(variances) - 2 / math.pi * math.fsum(unclear) - math.fsum(clear) ** 2 / n
    above = math.fsum(variances) - n * value * value
    lower = value - (owed + NORMAL_QUANTILE * math.sqrt(max(below, 0.0))) / n
    upper = value + NORMAL_QUANTILE * math.sqrt(max(above, 0.0)) / n
    return Interval(lower=max(lower, 0.0), upper=min(upper, 1.0))


def _errors(bins: ReliabilityBins) -> list[float]:
    return [positives - promised for positives, promised in zip(bins.positives, bins.probability_sums(), strict=True)]


def _variances(bins: ReliabilityBins) -> list[float]:
    """The variance of each bin's positives - sum of probabilities, its number of rows being chance as well."""
    columns = zip(bins.counts, bins.positives, bins.probability_sums(), strict=True)
    return [_variance(*column) if column[0] else 0.0 for column in columns]


def _variance(count: int, positives: int, promised: float) -> float:
    mean = promised / count
    share = drawn_to(positives / count, mean, count=count, pseudo_rows=PSEUDO_ROWS)
    return count * (share * (1 - mean) ** 2 + (1 - share) * mean**2)
