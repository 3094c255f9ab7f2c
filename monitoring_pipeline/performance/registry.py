"""The registry: every kind of sums, with its metrics and what they need.

A metric is one function in the kind's ``metrics`` module, known by its own name. Names are unique over all kinds
that one model can have, since results are told apart by metric and not by kind.

A new kind is one more line: ``KINDS["name"] = Kind(sums=…, metrics=(…))``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitoring_pipeline.performance.binary import metrics as binary
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.business import metrics as business
from monitoring_pipeline.performance.business.sums import BusinessSums
from monitoring_pipeline.performance.detectable import detectable_change
from monitoring_pipeline.performance.labels import metrics as labels
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.performance.multiclass import metrics as multiclass
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.operations import metrics as operations
from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.ranking import metrics as ranking
from monitoring_pipeline.performance.ranking.sums import RankingSums
from monitoring_pipeline.performance.regression import metrics as regression
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import Answer, Estimate, MetricValue, UndefinedReason

# Any: a metric takes the sums of its own kind, and evaluate looks it up by the type of the sums.
Metric = Callable[[Any], Answer | None]
"""From sums to what they say; None where the metric does not apply at all, and nothing should be said of it."""

SeveralMetrics = Callable[[Any], Mapping[str, Answer]]
"""From sums to metrics whose names are not known before, such as one for each resource that the events carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of sums and all that is told from it.

    Attributes:
        sums: what is kept of a group of rows.
        metrics: what is told from the sums, in the order of display.
        applies: by a metric's name, whether it is told of such sums even where there is no label; the others are.
        several: what gives any number of metrics at once, shown after the others; not asked of a kind that needs
            labels while there is none.
        needs_labels: whether the metrics judge predictions by their truth, and so change while labels arrive.
    """

    sums: type[Sums]
    metrics: tuple[Metric, ...]
    applies: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    several: tuple[SeveralMetrics, ...] = ()
    needs_labels: bool = True


KINDS: dict[str, Kind] = {
    "regression": Kind(
        sums=RegressionSums,
        metrics=(
            regression.mae,
            regression.rmse,
            regression.median_absolute_error,
            regression.p90_absolute_error,
            regression.mape,
            regression.smape,
            regression.bias,
            regression.r2,
            regression.pinball,
        ),
        applies={"pinball": regression.predicts_quantile},
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
            binary.roc_auc,
            binary.pr_auc,
            binary.log_loss,
            binary.brier,
            binary.ece,
        ),
    ),
    "multiclass": Kind(
        sums=MulticlassSums,
        metrics=(
            multiclass.accuracy,
            multiclass.micro_precision,
            multiclass.micro_recall,
            multiclass.micro_f1,
            multiclass.macro_precision,
            multiclass.macro_recall,
            multiclass.macro_f1,
            multiclass.weighted_precision,
            multiclass.weighted_recall,
            multiclass.weighted_f1,
            multiclass.log_loss,
        ),
    ),
    "ranking": Kind(
        sums=RankingSums,
        metrics=(ranking.ndcg_at_k, ranking.map_at_k, ranking.hit_rate_at_k),
    ),
    "operations": Kind(
        sums=OperationsSums,
        metrics=(
            operations.latency_mean_ms,
            operations.latency_p50_ms,
            operations.latency_p95_ms,
            operations.latency_p99_ms,
            operations.predictions_per_second,
            operations.average_confidence,
            operations.low_confidence_rate,
        ),
        several=(operations.resource_metrics,),
        needs_labels=False,
    ),
    "business": Kind(
        sums=BusinessSums,
        metrics=(
            business.business_value_total,
            business.business_value_per_prediction,
            business.business_savings_total,
            business.satisfaction_correlation,
        ),
        applies={"satisfaction_correlation": business.carries_satisfaction},
    ),
    "labels": Kind(
        sums=LabelSums,
        metrics=(
            labels.label_delay_median_seconds,
            labels.label_delay_p90_seconds,
            labels.label_correction_rate,
            labels.label_retraction_rate,
        ),
        needs_labels=False,  # labels that were all taken back have come as well: the metrics say themselves
    ),
}

TASKS = ("regression", "binary", "multiclass", "ranking")
"""The kinds of sums that judge predictions by their truth, one for each task a model may have."""


def metric_names(kind: str) -> tuple[str, ...]:
    """The names of a kind's metrics that are known without its sums, in the order in which :func:`evaluate` gives them.

    Args:
        kind: a key of ``KINDS``.

    Raises:
        KeyError: if there is no such kind.

    >>> metric_names("ranking")
    ('ndcg_at_k', 'map_at_k', 'hit_rate_at_k')
    """
    return tuple(metric.__name__ for metric in KINDS[kind].metrics)


def evaluate(sums: Sums) -> list[MetricValue]:
    """Every metric of these sums: a finite value, or the reason why there is none; never NaN, never an exception.

    >>> from monitoring_pipeline.performance.regression.rows import regression_sums
    >>> [hour] = regression_sums([0, 0, 0], 1, predicted=[10.0, 12.0, 9.0], actual=[11.0, 12.0, float("nan")])
    >>> evaluate(hour)[0].value
    0.5
    """
    kind = KINDS[kind_name(sums)]
    reason = _nothing_to_judge(sums) if kind.needs_labels else None
    metrics = {metric.__name__: metric for metric in kind.metrics}
    told = [name for name in metrics if name not in kind.applies or kind.applies[name](sums)]
    if reason:
        return [_metric_value(name, reason) for name in told]
    answers = [(name, metrics[name](sums)) for name in told]
    answers += [answer for several in kind.several for answer in several(sums).items()]
    return [_metric_value(name, answer) for name, answer in answers if answer is not None]


def kind_name(sums: Sums) -> str:
    """The key in ``KINDS`` of the kind that these sums are of."""
    return next(name for name, kind in KINDS.items() if kind.sums is type(sums))


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
    return MetricValue(
        metric=name,
        value=answer.value,
        lower=lower,
        upper=upper,
        undefined=None,
        detectable_change=detectable_change(answer),
        error_bound=answer.error_bound,
    )
