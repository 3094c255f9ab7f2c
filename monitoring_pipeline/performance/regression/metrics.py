"""Metrics of regression models. Error is predicted - actual; n counts the rows that have an actual."""

import math
import sys

from monitoring_pipeline.performance.intervals import mean_interval, root_mean_interval
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason


def mae(sums: RegressionSums) -> Answer:
    """Mean absolute error: Σ abs(error) / n, in the target's unit, 0 is perfect. Blind to the direction of errors."""
    sample = sums.absolute_error
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0))


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


def bias(sums: RegressionSums) -> Answer:
    """Mean error: Σ (predicted - actual) / n, in the target's unit. Above zero the model predicts too much."""
    return Estimate(value=sums.error.mean, interval=mean_interval(sums.error))


def r2(sums: RegressionSums) -> Answer:
    """Coefficient of determination: 1 - Σ error² / Σ (actual - mean actual)². 1 is perfect, 0 is the mean's skill.

    Compares with the mean of the *same* window: a calm window has little variance to explain and scores low.
    """
    if sums.actual.count == 1:
        return UndefinedReason.ONE_ROW
    if sums.actual.lowest == sums.actual.highest:
        return UndefinedReason.CONSTANT_ACTUALS
    if not (math.isfinite(sums.squared_error.total) and math.isfinite(sums.actual.m2)):
        return UndefinedReason.OVERFLOW
    if sums.actual.m2 < sys.float_info.min:
        return UndefinedReason.UNDERFLOW
    return Estimate(value=1 - sums.squared_error.total / sums.actual.m2)


def _is_lost(squares: Moments) -> bool:
    return squares.total < sys.float_info.min
