"""Counting what was stored, in the transaction that stored it: exact after every crash, and cheap to ask.

Counts are those of the ``predictions`` table as long as retention has removed nothing, whatever the batching, order or
repetition of the arrivals. Sums of doubles agree but for their rounding.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import repeat
from math import fsum
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from monitoring_pipeline.config.models import MonitoringConfig, Task
from monitoring_pipeline.events.schema import Prediction
from monitoring_pipeline.events.sql.additive import add, larger, smaller, total
from monitoring_pipeline.events.totals.predicted_labels import (
    MOST_CLASSES,
    NUMBERS,
    Version,
    kept_classes,
    label_of,
    shown_class,
)
from monitoring_pipeline.events.totals.tables import prediction_counters, version_totals

LATENCY_EDGES_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges of the latency histogram; 0.1 and 0.5 s are the limits of the health table."""

CONFIDENCE_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Upper edges of the confidence histogram."""

BEYOND = "+Inf"
COUNT = "count"
SUM = "sum"

# A longer latency is a broken clock: it is counted beyond the last edge, and adds no more than 31 years to the sum,
# which would else overflow.
_LONGEST_MS = 1e12

_MS_PER_SECOND = 1000


class Series(StrEnum):
    """What is counted of predictions."""

    PREDICTIONS = "predictions"
    LATENCY = "latency_seconds"
    CONFIDENCE = "confidence"


EDGES: Mapping[Series, tuple[float, ...]] = {
    Series.LATENCY: LATENCY_EDGES_SECONDS,
    Series.CONFIDENCE: CONFIDENCE_EDGES,
}

_LATENCY_EDGES_MS = tuple(round(edge * _MS_PER_SECOND, 6) for edge in LATENCY_EDGES_SECONDS)

_version_of: Callable[[Prediction], Version] = itemgetter(0, 3, 4)
_value_of, _class_of, _probability_of = itemgetter(5), itemgetter(6), itemgetter(7)
_confidence_of, _latency_of = itemgetter(9), itemgetter(10)

Bucket = tuple[str, float]
Labelled = dict[str, list[Prediction]]


def bucket_names(edges: Sequence[float]) -> tuple[str, ...]:
    """How the buckets of a histogram are called: by their upper edge.

    >>> bucket_names((0.5, 1.0))
    ('0.5', '1.0', '+Inf')
    """
    return (*map(repr, edges), BEYOND)


def count_predictions(connection: Connection, new: Sequence[Prediction], *, config: MonitoringConfig, now: int) -> None:
    """Add newly stored predictions to the totals.

    Args:
        connection: the open transaction that stored them, whose turn it is.
        new: predictions that were not there before.
        config: tells which models are binary, and which classes are declared.
        now: knowledge time of those that bring none of their own, microseconds UTC.
    """
    if not new:
        return
    by_version: dict[Version, list[Prediction]] = defaultdict(list)
    for prediction in new:
        by_version[_version_of(prediction)].append(prediction)
    totals = [(*version, *_extent(rows, now)) for version, rows in by_version.items()]
    add(connection, version_totals, totals, growth=_VERSION_GROWTH)
    by_label = _by_label(connection, by_version, config)
    counts = [(*version, *row) for version, rows in by_version.items() for row in _counters(rows, by_label[version])]
    add(connection, prediction_counters, counts, growth={"value": total("value")})


_VERSION_GROWTH = {
    "prediction_count": total("prediction_count"),
    "class_count": total("class_count"),
    "probability_count": total("probability_count"),
    "first_seen_at": smaller("first_seen_at"),
    "last_seen_at": larger("last_seen_at"),
    "first_predicted_at": smaller("first_predicted_at"),
    "last_predicted_at": larger("last_predicted_at"),
}


def _extent(rows: Sequence[Prediction], now: int) -> tuple[int, ...]:
    said = (len(rows) - list(map(value_of, rows)).count(None) for value_of in (_class_of, _probability_of))
    seen_at = [now if row[-1] is None else row[-1] for row in rows]
    made_at = [row[2] for row in rows]
    return len(rows), *said, min(seen_at), max(seen_at), min(made_at), max(made_at)


def _by_label(
    connection: Connection, by_version: Mapping[Version, Sequence[Prediction]], config: MonitoringConfig
) -> dict[Version, Labelled]:
    """The predictions of each version by the label under which they are counted."""
    found: dict[Version, Labelled] = {}
    open_ended: dict[Version, set[str]] = {}
    for version, rows in by_version.items():
        declared = config.model(version[0])
        is_binary = declared is not None and declared.task is Task.BINARY
        found[version] = _labelled(rows, _value_of if is_binary else _class_of, is_binary=is_binary)
        if declared is None or declared.classes is None or len(declared.classes) > MOST_CLASSES:
            open_ended[version] = found[version].keys() - {NUMBERS}
    for version, kept in kept_classes(connection, open_ended).items():
        shown: Labelled = defaultdict(list)
        for label, labelled in found[version].items():
            shown[shown_class(label, kept)].extend(labelled)
        found[version] = shown
    return found


def _labelled(rows: Sequence[Prediction], said: Callable[[Any], Any], *, is_binary: bool) -> Labelled:
    values = list(map(said, rows))
    distinct = set(values)
    if len(distinct) == 1:
        return {label_of(distinct.pop(), is_binary=is_binary): list(rows)}
    labels = {value: label_of(value, is_binary=is_binary) for value in distinct}
    found: Labelled = {label: [] for label in labels.values()}
    for value, row in zip(values, rows, strict=True):
        found[labels[value]].append(row)
    return found


def _counters(rows: Sequence[Prediction], by_label: Labelled) -> Iterator[tuple[str, Series, str, float]]:
    """What grows: label, series, bucket, and by how much. Latencies are not told apart by class."""
    latencies = [value for value in map(_latency_of, rows) if value is not None]
    for bucket, value in _histogram(latencies, _LATENCY_EDGES_MS, LATENCY_EDGES_SECONDS, unit=_MS_PER_SECOND):
        yield NUMBERS, Series.LATENCY, bucket, value
    for label, labelled in by_label.items():
        yield label, Series.PREDICTIONS, COUNT, float(len(labelled))
        confidences = [value for value in map(_confidence_of, labelled) if value is not None]
        for bucket, value in _histogram(confidences, CONFIDENCE_EDGES, CONFIDENCE_EDGES):
            yield label, Series.CONFIDENCE, bucket, value


def _histogram(
    values: Sequence[float], edges: Sequence[float], named: Sequence[float], *, unit: float = 1
) -> Iterator[Bucket]:
    """The buckets that grew, each alone, and the sum; the count is that of all buckets."""
    if not values:
        return
    names = bucket_names(named)
    for place, count in Counter(map(bisect_left, repeat(edges), values)).items():
        yield names[place], float(count)
    bounded = values if max(values) <= _LONGEST_MS else [min(value, _LONGEST_MS) for value in values]
    yield SUM, fsum(bounded) / unit
