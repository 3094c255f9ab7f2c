"""Metrics of regression models. Error is predicted - actual; n counts the rows that have an actual."""

import math
import sys

from monitoring_pipeline.performance.intervals import (
    finite_interval,
    mean_interval,
    root_mean_interval,
    student_quantile,
)
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.quantiles import quantile_estimate
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.values import Answer, Estimate, Interval, UndefinedReason

_LARGEST_EXPONENT = 700.0  # of a double; an interval that wide says nothing


def mae(sums: RegressionSums) -> Answer:
    """Mean absolute error: Σ abs(error) / n, in the target's unit, 0 is perfect. Blind to the direction of errors."""
    sample = sums.absolute_error
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0))


def median_absolute_error(sums: RegressionSums) -> Answer:
    """The error size that half of the rows do not exceed, in the target's unit, within 1 %; 0 is perfect.

    Blind to how bad the worse half is; of an even number of rows the lower of the two in the middle.
    """
    return quantile_estimate(sums.error_sizes, 0.5)


def p90_absolute_error(sums: RegressionSums) -> Answer:
    """The error size that 90 % of the rows do not exceed, in the target's unit, within 1 %; 0 is perfect.

    Blind to the worst tenth. Fewer than 36 rows give no interval: none of them may lie above it.
    """
    return quantile_estimate(sums.error_sizes, 0.9)


def rmse(sums: RegressionSums) -> Answer:
    """Root mean squared error: √(Σ error² / n), in the target's unit, 0 is perfect. One large error can rule it."""
    sample = sums.squared_error
    if _is_lost(sample) and sums.absolute_error.total > 0:
        return UndefinedReason.UNDERFLOW
    return Estimate(value=math.sqrt(sample.mean), interval=root_mean_interval(sample))


def mape(sums: RegressionSums) -> Answer:
    """Mean absolute percentage error, as a ratio: mean of abs(error / actual) over actuals that are not zero.

    Rows with a zero actual are left out (``zero_actual_count`` says how many); scikit-learn divides them by 2.2e-16
    instead. Blind to how asymmetric it is: forecasts that are too low cost at most 1, too high ones without limit.
    """
    sample = sums.percentage_error
    if sample.count == 0:
        return UndefinedReason.ALL_ACTUALS_ZERO
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0))


def smape(sums: RegressionSums) -> Answer:
    """Symmetric mean absolute percentage error, as a ratio: mean of 2 abs(error) / (abs(predicted) + abs(actual)).

    0 … 2, 0 is perfect; a row whose prediction and actual are both zero counts as 0. Blind to size near zero: any
    prediction for an actual of zero but zero itself costs 2, and so does any of the wrong sign.

    Source: S. Makridakis, "Accuracy measures: theoretical and practical concerns", 1993.
    """
    sample = sums.symmetric_error
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0, at_most=2.0))


def pinball(sums: RegressionSums) -> Answer | None:
    """Mean pinball loss at the quantile q that the model declares, in the target's unit, 0 is perfect.

    Mean of max((1 - q) · error, -q · error): being too low costs q, too high 1 - q per unit. Lowest in the long run
    for the true quantile. Blind to which of sharpness and calibration is at fault. Not told of other models.

    Source: R. Koenker, G. Bassett, "Regression quantiles", 1978.
    """
    if not predicts_quantile(sums):
        return None
    return Estimate(value=sums.pinball_loss.mean, interval=mean_interval(sums.pinball_loss, at_least=0.0))


def predicts_quantile(sums: RegressionSums) -> bool:
    """Whether the model declares a quantile, and so has a pinball loss."""
    return sums.quantile_count > 0


def bias(sums: RegressionSums) -> Answer:
    """Mean error: Σ (predicted - actual) / n, in the target's unit. Above zero the model predicts too much."""
    return Estimate(value=sums.error.mean, interval=mean_interval(sums.error))


def r2(sums: RegressionSums) -> Answer:
    """Coefficient of determination: 1 - Σ error² / Σ (actual - mean actual)². 1 is perfect, 0 is the mean's skill.

    Compares with the mean of the *same* window: a calm window has little variance to explain and scores low.

    Interval: the delta method for log(1 - r2), the logarithm of a ratio of means, with u = error² and
    v = (actual - mean actual)²: se² = Σ (u / Σu - v / Σv)², 1 - r2 times exp(±t(n - 1) · se). That the mean of the
    actuals is estimated as well changes nothing in first order: Σv is least there. Heavy tails make it too narrow:
    with exponential errors it holds the truth in 91 % of windows of 100 rows.

    Source of the interval: L. Wasserman, "All of Statistics", 2004, section 9.9.
    """
    if sums.actual.count == 1:
        return UndefinedReason.ONE_ROW
    if sums.actual.lowest == sums.actual.highest:
        return UndefinedReason.CONSTANT_ACTUALS
    if not (math.isfinite(sums.squared_error.total) and math.isfinite(sums.actual.m2)):
        return UndefinedReason.OVERFLOW
    if sums.actual.m2 < sys.float_info.min:
        return UndefinedReason.UNDERFLOW
    return Estimate(value=1 - sums.squared_error.total / sums.actual.m2, interval=_r2_interval(sums))


def _r2_interval(sums: RegressionSums) -> Interval | None:
    joint, squared = sums.joint, sums.squared_error
    if not (joint.is_known and math.isfinite(squared.m2)):
        return None
    unexplained = squared.total / sums.actual.m2
    if squared.total == 0:
        return Interval(lower=1.0, upper=1.0)
    if _is_lost(squared):
        return None
    of_errors = squared.m2 / squared.total / squared.total + 1 / squared.count
    of_actuals = joint.m4 / sums.actual.m2 / sums.actual.m2
    of_both = joint.weight_d2 / squared.total / sums.actual.m2
    standard_error = math.sqrt(max(of_errors + of_actuals - 2 * of_both, 0.0))
    exponent = student_quantile(squared.count - 1) * standard_error
    if exponent > _LARGEST_EXPONENT:
        return None
    return finite_interval(1 - unexplained * math.exp(exponent), 1 - unexplained * math.exp(-exponent))


def _is_lost(squares: Moments) -> bool:
    return squares.total < sys.float_info.min
