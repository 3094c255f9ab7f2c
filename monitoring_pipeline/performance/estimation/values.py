"""What an estimator answers: an expected value with its interval, or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from monitoring_pipeline.performance.rows.grouping import Floats
from monitoring_pipeline.performance.values import Interval, UndefinedReason

MIN_HISTORY_DAYS = 7
"""How far days differ from each other is what the intervals are made of; fewer days do not show it."""
MIN_HISTORY_ROWS = 200
"""Labelled rows below which neither a calibration curve nor a loss is learned."""


class EstimationReason(StrEnum):
    """Why nothing can be estimated, beside the reasons that the metric itself has."""

    NOT_ENOUGH_HISTORY = "not_enough_history"
    """Fewer than ``MIN_HISTORY_DAYS`` days or ``MIN_HISTORY_ROWS`` rows with mature labels before the window."""
    TOO_FEW_LABELS_SO_LATE = "too_few_labels_so_late"
    """Too few rows of the history got their truth as late as this; those that wait so long may never get it."""
    UNLABELLED_WITHOUT_PROBABILITY = "unlabelled_without_probability"
    """A row without truth carries no probability, so nothing says what to expect of it."""


class Method(StrEnum):
    """How an estimate was made."""

    CONFIDENCE_BASED = "confidence_based"
    DIRECT_LOSS = "direct_loss"


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimatedMetric:
    """One metric of a whole window: what is measured of it and what is expected of the rest, together.

    ``value`` or ``undefined``, exactly one of the two; ``lower`` and ``upper`` are both there or both missing.
    """

    metric: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    undefined: EstimationReason | UndefinedReason | None = None


def estimated(metric: str, value: float, interval: Interval | None) -> EstimatedMetric:
    """A finite value with its interval; ``overflow`` if it is beyond the doubles."""
    if not np.isfinite(value):
        return EstimatedMetric(metric=metric, undefined=UndefinedReason.OVERFLOW)
    if interval is None or not (np.isfinite(interval.lower) and np.isfinite(interval.upper)):
        return EstimatedMetric(metric=metric, value=float(value))
    return EstimatedMetric(metric=metric, value=float(value), lower=interval.lower, upper=interval.upper)


def interval_of_draws(draws: Floats) -> Interval:
    """The middle 95 % of simulated values; they hold their mean, but for rounding."""
    lower, upper = np.quantile(draws, [0.025, 0.975])
    return Interval(lower=float(min(lower, draws.mean())), upper=float(max(upper, draws.mean())))
