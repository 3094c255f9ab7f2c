"""Which values a metric can have at all: what is foretold beyond them could never come."""

import math
from collections.abc import Mapping

Bounds = tuple[float, float]
"""The least and the largest value, both possible."""

ANY: Bounds = (-math.inf, math.inf)
_SIZE: Bounds = (0.0, math.inf)
_SHARE: Bounds = (0.0, 1.0)

BOUNDS: Mapping[str, Bounds] = {
    "mae": _SIZE,
    "rmse": _SIZE,
    "median_absolute_error": _SIZE,
    "p90_absolute_error": _SIZE,
    "mape": _SIZE,
    "smape": (0.0, 2.0),
    "bias": ANY,
    "r2": (-math.inf, 1.0),
    "pinball": _SIZE,
    "accuracy": _SHARE,
    "balanced_accuracy": _SHARE,
    "precision": _SHARE,
    "recall": _SHARE,
    "specificity": _SHARE,
    "f1": _SHARE,
    "mcc": (-1.0, 1.0),
    "roc_auc": _SHARE,
    "pr_auc": _SHARE,
    "log_loss": _SIZE,
    "brier": _SHARE,
    "ece": _SHARE,
    "micro_precision": _SHARE,
    "micro_recall": _SHARE,
    "micro_f1": _SHARE,
    "macro_precision": _SHARE,
    "macro_recall": _SHARE,
    "macro_f1": _SHARE,
    "weighted_precision": _SHARE,
    "weighted_recall": _SHARE,
    "weighted_f1": _SHARE,
    "ndcg_at_k": _SHARE,
    "map_at_k": _SHARE,
    "hit_rate_at_k": _SHARE,
}
"""Of every metric that a report may draw."""


def within(value: float, bounds: Bounds) -> float:
    """The possible value that is nearest.

    >>> within(-0.5, BOUNDS["mae"])
    0.0
    """
    lowest, highest = bounds
    return min(max(value, lowest), highest)
