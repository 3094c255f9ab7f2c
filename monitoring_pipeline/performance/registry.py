"""The registry: every kind of sums, with its metrics and what they need.

A metric is one function in the kind's ``metrics`` module, known by its own name. Names are unique over all kinds
that one model can have, since results are told apart by metric and not by kind.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.performance.binary import metrics as binary
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.multiclass import metrics as multiclass
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.regression import metrics as regression
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import Answer, Estimate, MetricValue, UndefinedReason

# Any: a metric takes the sums of its own kind, and evaluate looks it up by the type of the sums.
Metric = Callable[[Any], Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of sums and all that is told from it.

    Attributes:
        sums: what is kept of a group of rows.
        metrics: what is told from the sums, in the order of display.
        needs_labels: whether the metrics judge predictions by their truth, and so change while labels arrive.
    """

    sums: type[Sums]
    metrics: tuple[Metric, ...]
    needs_labels: bool = True


KINDS: Mapping[str, Kind] = {
    "regression": Kind(
        sums=RegressionSums,
        metrics=(regression.mae, regression.rmse, regression.mape, regression.bias, regression.r2),
    ),
    "binary": Kind(
        sums=BinarySums,
        metrics=(
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
    ),
    "multiclass": Kind(
        sums=MulticlassSums,
        metrics=(
            multiclass.accuracy,
            multiclass.macro_precision,
            multiclass.macro_recall,
            multiclass.macro_f1,
            multiclass.weighted_precision,
            multiclass.weighted_recall,
            multiclass.weighted_f1,
            multiclass.log_loss,
        ),
    ),
}

TASKS = ("regression", "binary", "multiclass")
"""The kinds of sums that judge predictions by their truth, one for each task a model may have."""

_KIND_OF_SUMS = {kind.sums: kind for kind in KINDS.values()}


def metric_names(task: str) -> tuple[str, ...]:
    """The names of a kind's metrics, in the order in which :func:`evaluate` gives them.

    Args:
        task: "regression", "binary" or "multiclass".

    Raises:
        KeyError: if there is no such kind.

    >>> metric_names("regression")
    ('mae', 'rmse', 'mape', 'bias', 'r2')
    """
    return tuple(metric.__name__ for metric in KINDS[task].metrics)


def evaluate(sums: Sums) -> list[MetricValue]:
    """Every metric of these sums: a finite value, or the reason why there is none; never NaN, never an exception.

    >>> from monitoring_pipeline.performance.regression.rows import regression_sums
    >>> [hour] = regression_sums([0, 0, 0], 1, predicted=[10.0, 12.0, 9.0], actual=[11.0, 12.0, float("nan")])
    >>> evaluate(hour)[0].value
    0.5
    """
    kind = _KIND_OF_SUMS[type(sums)]
    reason = _nothing_to_judge(sums) if kind.needs_labels else None
    return [_metric_value(metric.__name__, reason or metric(sums)) for metric in kind.metrics]


def sums_from_dict(kind: str, stored: Mapping[str, Any]) -> Sums:
    """The stored sums of a kind.

    Raises:
        KeyError: if there is no such kind.
        ValueError: if the keys are not those of this kind's sums.
    """
    return KINDS[kind].sums.from_dict(stored)


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
