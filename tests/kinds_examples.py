"""Rows that serve every kind of sums, and the sums that each kind makes of them."""

from collections.abc import Callable, Sequence

import numpy as np

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.business.rows import business_sums
from monitoring_pipeline.performance.labels.rows import label_sums
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.performance.ranking.rows import ranking_sums
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows.grouping import Integers
from monitoring_pipeline.performance.sums import Sums

HOUR_SECONDS = 3_600

# group, number, truth, probability, predicted class or query, actual class
AnyRow = tuple[int, float, float, float, str | None, str | None]


def sums_of(
    kind: str, rows: Sequence[AnyRow], group_count: int = 1, window_seconds: int = HOUR_SECONDS
) -> Sequence[Sums]:
    """Each group's sums of a kind; the columns mean what the kind makes of them.

    Raises:
        KeyError: if this module does not say yet how rows become sums of the kind.
    """
    codes, number, truth, proba, said, true = (list(column) for column in zip(*rows, strict=True)) if rows else [[]] * 6
    groups = (codes, group_count)
    makers: dict[str, Callable[[], Sequence[Sums]]] = {
        "regression": lambda: regression_sums(*groups, predicted=number, actual=truth, quantile=0.8),
        "binary": lambda: binary_sums(*groups, predicted=number, proba=proba, actual=truth, threshold=0.5),
        "multiclass": lambda: multiclass_sums(*groups, predicted=said, actual=true, actual_probability=proba),
        "ranking": lambda: ranking_sums(
            *groups, predicted=number, actual=truth, query=said, k=3, tie_breaker=[repr(row) for row in rows]
        ),
        "operations": lambda: operations_sums(
            *groups,
            latency_ms=number,
            confidence=proba,
            low_confidence=0.5,
            resources={"memory": truth},
            window_seconds=window_seconds,
        ),
        "business": lambda: business_sums(*groups, value=truth, satisfaction=proba, baseline=0.1),
        "labels": lambda: label_sums(
            *groups,
            predicted_at=_instants(number),
            first_known_at=np.where(np.isnan(np.array(truth, dtype=float)), -1, _instants(truth)),
            corrected=[name == "ant" for name in said],
            retracted=[name == "ant" for name in true],
        ),
    }
    return makers[kind]()


def _instants(seconds: Sequence[float]) -> Integers:
    """Microseconds, whatever the number."""
    bounded = np.clip(np.nan_to_num(np.array(seconds, dtype=float)), 0, 1e9)
    instants: Integers = (bounded * 1e6).astype(np.int64)
    return instants
