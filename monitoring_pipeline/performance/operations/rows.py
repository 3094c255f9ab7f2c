"""From rows to the operations sums of many groups."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.named_moments import NamedMoments
from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.rows.columns import floats, is_probability
from monitoring_pipeline.performance.rows.grouping import Grouping
from monitoring_pipeline.performance.rows.log_cells import log_histograms


def operations_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    latency_ms: npt.ArrayLike,
    confidence: npt.ArrayLike,
    low_confidence: float,
    resources: Mapping[str, npt.ArrayLike],
    window_seconds: int,
) -> list[OperationsSums]:
    """Each group's operations sums. A row that carries a number which is none of its kind counts as unusable.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing but the window's seconds.
        latency_ms: milliseconds, at least 0; NaN where not logged.
        confidence: 0 … 1; NaN where not logged.
        low_confidence: a confidence below it is low.
        resources: samples by the resource's name; NaN where not logged.
        window_seconds: length of the window of each group, above 0.

    Raises:
        ValueError: if a row names a group that does not exist, or the window has no length.
    """
    if window_seconds <= 0:
        raise ValueError(f"a window lasts at least one second, not {window_seconds}")
    grouping, order = Grouping.sorting(codes, group_count)
    latency, certainty = floats(latency_ms)[order], floats(confidence)[order]
    samples = {name: floats(values)[order] for name, values in resources.items()}
    timed, sure = np.isfinite(latency) & (latency >= 0), is_probability(certainty)
    unusable = (~np.isnan(latency) & ~timed) | (~np.isnan(certainty) & ~sure)
    for values in samples.values():
        unusable |= np.isinf(values)

    predictions, unusables = grouping.counts(), grouping.only(unusable).counts()
    of_latency = grouping.only(timed)
    latencies, histograms = of_latency.moments(latency[timed]), log_histograms(of_latency, latency[timed])
    confidences = grouping.only(sure).moments(certainty[sure])
    low = grouping.only(sure & (certainty < low_confidence)).counts()
    used = {name: grouping.only(np.isfinite(v)).moments(v[np.isfinite(v)]) for name, v in samples.items()}
    return [
        OperationsSums(
            prediction_count=predictions[group],
            unusable_count=unusables[group],
            window_seconds=window_seconds,
            latency_ms=latencies[group],
            latency_histogram=histograms[group],
            confidence=confidences[group],
            low_confidence_count=low[group],
            resources=NamedMoments.of((name, moments[group]) for name, moments in used.items()),
        )
        for group in range(group_count)
    ]
