"""Direct loss estimation: how large the errors of unlabelled rows are, by those of rows like them.

The absolute and the squared error are learned as functions of the features and of the prediction, from mature
labelled days before the window. The window's value is that of its measured losses and the expected ones together;
the measured part is known, so only the rest widens the interval.

What it cannot see: concept drift, and what an error depends on beside the features. It is biased where labels arrive
early for rows of one kind, unless the history holds only rows that waited as long as those of the window.

Source: the idea is NannyML's, "Direct loss estimation", 2023.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.performance.estimation.inputs import Column, Encoding
from monitoring_pipeline.performance.estimation.losses import LossEstimator
from monitoring_pipeline.performance.estimation.values import (
    MIN_HISTORY_DAYS,
    MIN_HISTORY_ROWS,
    EstimatedMetric,
    EstimationReason,
    estimated,
)
from monitoring_pipeline.performance.mergeable.moments import exact_sum
from monitoring_pipeline.performance.rows.grouping import Floats, Integers
from monitoring_pipeline.performance.values import Interval, UndefinedReason

METRICS = ("mae", "rmse")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledRows:
    """Rows of the past: their columns (the prediction among them), errors (predicted - actual) and days."""

    columns: Mapping[str, Column]
    error: Floats
    day: Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What the history says of errors; ``None`` for a loss beyond the doubles."""

    encoding: Encoding
    absolute: LossEstimator | None
    squared: LossEstimator | None
    row_count: int


def is_enough(history: LabelledRows) -> bool:
    """Whether the history has the rows and the days that it takes to learn from it."""
    return len(history.error) >= MIN_HISTORY_ROWS and len(np.unique(history.day)) >= MIN_HISTORY_DAYS


def learn_losses(history: LabelledRows) -> Learned | EstimationReason:
    """Learn both losses; :attr:`EstimationReason.NOT_ENOUGH_HISTORY` where the history is too short for it."""
    if not is_enough(history):
        return EstimationReason.NOT_ENOUGH_HISTORY
    encoding = Encoding.learn(history.columns)
    inputs = encoding.matrix(history.columns, len(history.error))
    with np.errstate(over="ignore"):
        losses = np.abs(history.error), history.error * history.error
    absolute, squared = (
        LossEstimator.learn(inputs, loss, history.day, categorical=encoding.categorical)
        if np.isfinite(loss).all()
        else None
        for loss in losses
    )
    return Learned(encoding=encoding, absolute=absolute, squared=squared, row_count=len(history.error))


def estimate_regression(
    learned: Learned | EstimationReason, *, measured: Floats, unlabelled: Mapping[str, Column], unlabelled_count: int
) -> list[EstimatedMetric]:
    """The expected metrics of a whole window, some of whose rows have no truth yet.

    Args:
        learned: from :func:`learn_losses`.
        measured: the errors of the window's labelled rows.
        unlabelled: the columns of the rows without truth, named as in the history.
        unlabelled_count: how many they are.

    Returns:
        One answer for each of :data:`METRICS`; none if no row waits for its truth.
    """
    if unlabelled_count == 0:
        return []
    if isinstance(learned, EstimationReason):
        return [EstimatedMetric(metric=name, undefined=learned) for name in METRICS]
    inputs = learned.encoding.matrix(unlabelled, unlabelled_count)
    with np.errstate(over="ignore"):
        mae = _mean_loss("mae", learned.absolute, np.abs(measured), inputs)
        mse = _mean_loss("rmse", learned.squared, measured * measured, inputs)
    return [mae, _rooted(mse)]


def _mean_loss(metric: str, estimator: LossEstimator | None, measured: Floats, inputs: Floats) -> EstimatedMetric:
    if estimator is None:
        return EstimatedMetric(metric=metric, undefined=UndefinedReason.OVERFLOW)
    expected = estimator.expected(inputs)
    known, count = exact_sum(measured.tolist()), len(measured) + len(inputs)
    interval = estimator.interval(expected)
    bounds = None
    if interval is not None:
        bounds = Interval(lower=(known + interval.lower) / count, upper=(known + interval.upper) / count)
    return estimated(metric, (known + float(expected.sum())) / count, bounds)


def _rooted(mse: EstimatedMetric) -> EstimatedMetric:
    root = [None if number is None else math.sqrt(number) for number in (mse.value, mse.lower, mse.upper)]
    return EstimatedMetric(metric=mse.metric, value=root[0], lower=root[1], upper=root[2], undefined=mse.undefined)
