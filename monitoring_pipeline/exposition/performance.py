"""How good the models were in their newest hour and day, and how much of the truth is there."""

import math
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from monitoring_pipeline.exposition.families import MODEL, Family, Sample
from monitoring_pipeline.exposition.moment import Moment, seconds
from monitoring_pipeline.exposition.standing import newest_rows
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.windows import Grain

_METRIC = (MODEL, "version", "environment", "grain", "metric")
_GROUP = (MODEL, "version", "environment", "grain")
_DELAYS = {"label_delay_median_seconds": "0.5", "label_delay_p90_seconds": "0.9"}


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    rows = _ordered(moment, [row for grain in Grain for row in newest_rows(moment, metrics, grain)])
    meanings = {
        "value": "A metric of the model's newest hour or day, in the unit of its name; absent where it is undefined.",
        "lower": "Lower bound of the metric's 95 % interval.",
        "upper": "Upper bound of the metric's 95 % interval.",
    }
    for column, meaning in meanings.items():
        yield Family(
            name=f"mlmon_performance_{column}",
            meaning=meaning,
            labels=_METRIC,
            samples=[
                ((*_group(row), row.metric), value) for row in rows if (value := _finite(row, column)) is not None
            ],
            most=540,
        )
    yield from _of_groups(rows)
    yield _delay(moment)


def _ordered(moment: Moment, rows: list[Row[Any]]) -> list[Row[Any]]:
    """What rules look at first, then model by model."""
    ruled = {(model.id, rule.metric) for model in moment.config.models for rule in model.rules}
    return sorted(
        rows, key=lambda row: ((row.model_id, row.metric) not in ruled, moment.rank[row.model_id], row.metric, *row[:6])
    )


def _group(row: Row[Any]) -> tuple[str, ...]:
    return (row.model_id, row.model_version, row.environment, row.grain)


def _finite(row: Row[Any], column: str) -> float | None:
    value = getattr(row, column)
    return float(value) if value is not None and math.isfinite(value) else None


def _of_groups(rows: list[Row[Any]]) -> Iterator[Family]:
    windows: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], tuple[int, int]] = {}
    for row in rows:
        predicted, labelled = counts.get(_group(row), (0, 0))
        windows[_group(row)] = row.window_start
        counts[_group(row)] = max(predicted, row.prediction_count), max(labelled, row.labelled_count)
    yield Family(
        name="mlmon_performance_window_start_timestamp_seconds",
        meaning="When the newest measured hour or day began.",
        labels=_GROUP,
        samples=[(group, seconds(start)) for group, start in windows.items()],
        most=200,
    )
    yield Family(
        name="mlmon_label_coverage_ratio",
        meaning="Predictions of the newest hour or day whose truth is known, 0 to 1.",
        labels=_GROUP,
        samples=[(group, labelled / predicted) for group, (predicted, labelled) in counts.items() if predicted],
        most=200,
    )


def _delay(moment: Moment) -> Family:
    """Of the newest day that has labels: those of younger days are still to come."""
    have_delays = metrics.c.metric.in_(sorted(_DELAYS)) & metrics.c.value.is_not(None)
    samples: list[Sample] = [
        ((row.model_id, row.model_version, row.environment, _DELAYS[row.metric]), row.value)
        for row in newest_rows(moment, metrics, Grain.DAY, only=have_delays)
    ]
    return Family(
        name="mlmon_label_delay_seconds",
        meaning="Within which time a share (quantile) of the labels came, of the newest day that has any.",
        labels=(MODEL, "version", "environment", "quantile"),
        samples=sorted(samples),
        most=150,
    )
