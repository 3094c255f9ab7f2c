"""Which mean stands behind a metric, and its values in a group of rows: what can be decomposed.

A metric that is a mean over rows (of errors, of scores, of right answers) splits into segments. One that is a ratio of
different sums (F1, MCC, R²) or a quantile does not, and is not forced to.
"""

from collections.abc import Callable, Mapping
from typing import Any

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.root_cause.sample import Sample
from monitoring_pipeline.performance.sums import Sums

# Any: a quantity takes the sums of its own kind, and is looked up by their type.
Quantity = tuple[str, Callable[[Any], Sample | None]]
"""What is averaged, in words, and its values in some sums; ``None`` where no row has one."""


_QUANTITIES: Mapping[type[Sums], Mapping[str, Quantity]] = {
    RegressionSums: {
        "mae": ("absolute error", lambda s: Sample.of(s.absolute_error)),
        "rmse": ("squared error", lambda s: Sample.of(s.squared_error)),
        "mape": ("absolute percentage error", lambda s: Sample.of(s.percentage_error)),
        "bias": ("error", lambda s: Sample.of(s.error)),
    },
    BinarySums: {
        "accuracy": (
            "share of right answers",
            lambda s: Sample.of_share(s.true_positives + s.true_negatives, s.labelled_count),
        ),
        "precision": (
            "share of yes that is right",
            lambda s: Sample.of_share(s.true_positives, s.true_positives + s.false_positives),
        ),
        "recall": (
            "share of positives that is found",
            lambda s: Sample.of_share(s.true_positives, s.true_positives + s.false_negatives),
        ),
        "specificity": (
            "share of negatives that is left in peace",
            lambda s: Sample.of_share(s.true_negatives, s.true_negatives + s.false_positives),
        ),
        "log_loss": ("log score", lambda s: Sample.of(s.log_score)),
        "brier": ("squared score", lambda s: Sample.of(s.squared_score)),
    },
    MulticlassSums: {
        "accuracy": (
            "share of right answers",
            lambda s: Sample.of_share(s.confusion.correct_count, s.confusion.count),
        ),
        "log_loss": ("log score", lambda s: Sample.of(s.log_score)),
    },
}


def quantities(kind: type[Sums]) -> Mapping[str, Quantity]:
    """By metric: the mean that stands behind it; empty for a kind whose metrics are no means.

    >>> sorted(quantities(MulticlassSums))
    ['accuracy', 'log_loss']
    """
    return _QUANTITIES.get(kind, {})
