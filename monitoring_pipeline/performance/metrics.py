"""The registry: which metrics a task has, and all of them for one group's sums.

A metric is one function in :mod:`.regression`, :mod:`.binary` or :mod:`.multiclass`, known by its own name.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from monitoring_pipeline.performance import binary, multiclass, regression
from monitoring_pipeline.performance.sums import SUMS_OF_TASK, Sums
from monitoring_pipeline.performance.values import Answer, Estimate, MetricValue, UndefinedReason

# Any: a metric takes the sums of its own task, and evaluate looks it up by the type of the sums.
Metric = Callable[[Any], Answer]

METRICS_OF_TASK: Mapping[str, tuple[Metric, ...]] = {
    "regression": (
        regression.mae,
        regression.rmse,
        regression.mape,
        regression.bias,
        regression.r2,
    ),
    "binary": (
        binary.accuracy,
        binary.balanced_accuracy,
        binary.precision,
        binary.recall,
        binary.specificity,
        binary.f1,
        binary.mcc,
        binary.log_loss,
        binary.brier,
    ),
    "multiclass": (
        multiclass.accuracy,
        multiclass.macro_precision,
        multiclass.macro_recall,
        multiclass.macro_f1,
        multiclass.weighted_precision,
        multiclass.weighted_recall,
        multiclass.weighted_f1,
        multiclass.log_loss,
    ),
}

_METRICS_OF_SUMS = {SUMS_OF_TASK[task]: metrics for task, metrics in METRICS_OF_TASK.items()}


def metric_names(task: str) -> tuple[str, ...]:
    """The names of a task's metrics, in the order in which :func:`evaluate` gives them.

    Args:
        task: "regression", "binary" or "multiclass".

    Raises:
        KeyError: if there is no such task.

    >>> metric_names("regression")
    ('mae', 'rmse', 'mape', 'bias', 'r2')
    """
    return tuple(metric.__name__ for metric in METRICS_OF_TASK[task])


def evaluate(sums: Sums) -> list[MetricValue]:
    """Every metric of the sums' task: a finite value, or the reason why there is none; never NaN, never an exception.

    >>> from monitoring_pipeline.performance.group import regression_sums
    >>> [hour] = regression_sums([0, 0, 0], 1, predicted=[10.0, 12.0, 9.0], actual=[11.0, 12.0, float("nan")])
    >>> evaluate(hour)[0].value
    0.5
    """
    reason = _nothing_to_judge(sums)
    return [_metric_value(metric.__name__, reason or metric(sums)) for metric in _METRICS_OF_SUMS[type(sums)]]


def _nothing_to_judge(sums: Sums) -> UndefinedReason | None:
    if sums.labelled_count:
        return None
    return UndefinedReason.NO_USABLE_ROWS if sums.unusable_count else UndefinedReason.NO_LABELS


def _metric_value(name: str, answer: Answer) -> MetricValue:
    if isinstance(answer, Estimate) and not math.isfinite(answer.value):
        answer = UndefinedReason.OVERFLOW
    if not isinstance(answer, Estimate):
        return MetricValue(metric=name, value=None, lower=None, upper=None, undefined=answer)
    lower, upper = (answer.interval.lower, answer.interval.upper) if answer.interval else (None, None)
    return MetricValue(metric=name, value=answer.value, lower=lower, upper=upper, undefined=None)
