"""What producers logged: predictions by class, their latency and confidence, and the versions that made them.

Versions are added up, so that a total stays the total of all time whatever is deployed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select

from monitoring_pipeline.events.totals.counting import BEYOND, EDGES, SUM, Series, bucket_names
from monitoring_pipeline.events.totals.tables import prediction_counters, version_totals
from monitoring_pipeline.exposition.families import MODEL, Buckets, Family, Labels
from monitoring_pipeline.exposition.moment import Moment, seconds
from monitoring_pipeline.windows import DAY_MICROS

LOADED_MICROS = DAY_MICROS
"""A model of which nothing was heard for this long counts as not loaded."""

_VERSION = (MODEL, "version", "environment")

_Counted = dict[tuple[Series, Labels], dict[str, float]]


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    counted = _counted(moment)
    yield Family(
        name="api_predictions_total",
        meaning="Predictions that were stored, by class (sentiment); of models that predict numbers it is empty.",
        labels=(MODEL, "environment", "sentiment"),
        samples=[(labels, sum(found.values())) for labels, found in _of(counted, Series.PREDICTIONS)],
        most=800,
    )
    yield Family(
        name="api_prediction_duration_seconds",
        meaning="How long predictions took, as their producers logged it (latency_ms).",
        labels=(MODEL, "environment"),
        histograms=[(labels[:2], _histogram(Series.LATENCY, found)) for labels, found in _of(counted, Series.LATENCY)],
        most=800,
    )
    yield Family(
        name="api_prediction_confidence",
        meaning="How confident predictions were, 0 to 1, as their producers logged it.",
        labels=(MODEL, "environment", "sentiment"),
        histograms=[
            (labels, _histogram(Series.CONFIDENCE, found)) for labels, found in _of(counted, Series.CONFIDENCE)
        ],
        most=1_200,
    )
    yield from _of_versions(moment)


def _counted(moment: Moment) -> _Counted:
    table = prediction_counters.c
    keys = (table.series, table.model_id, table.environment, table.predicted, table.bucket)
    query = select(*keys, func.sum(table.value)).group_by(*keys)
    counted: _Counted = defaultdict(dict)
    for series, model_id, environment, predicted, bucket, value in moment.connection.execute(query):
        if model_id in moment.rank:
            counted[Series(series), (model_id, environment, predicted)][bucket] = value
    return counted


def _of(counted: _Counted, series: Series) -> list[tuple[Labels, dict[str, float]]]:
    """One series' counts, the largest first."""
    found = [(labels, buckets) for (which, labels), buckets in counted.items() if which is series]
    return sorted(found, key=lambda item: (-_count(item[1]), item[0]))


def _count(buckets: Mapping[str, float]) -> float:
    return sum(value for bucket, value in buckets.items() if bucket != SUM)


def _histogram(series: Series, found: Mapping[str, float]) -> Buckets:
    at_most, cumulative = 0.0, []
    for name in bucket_names(EDGES[series]):
        at_most += found.get(name, 0.0)
        cumulative.append((name, at_most))
    assert cumulative[-1][0] == BEYOND
    return Buckets(cumulative=cumulative, total=found.get(SUM, 0.0))


def _of_versions(moment: Moment) -> Iterator[Family]:
    table = version_totals.c
    rows = moment.connection.execute(select(version_totals).order_by(table.first_seen_at.desc(), *table[:3])).all()
    shown = [row for row in rows if row.model_id in moment.rank]
    yield Family(
        name="model_info",
        meaning="Versions of models that predictions were stored of; always 1.",
        labels=_VERSION,
        samples=[(tuple(row[:3]), 1) for row in shown],
        most=200,
    )
    yield Family(
        name="mlmon_version_predictions_total",
        meaning="Predictions that were stored, by version.",
        labels=_VERSION,
        samples=[(tuple(row[:3]), row.prediction_count) for row in shown],
        most=200,
    )
    yield Family(
        name="mlmon_last_prediction_timestamp_seconds",
        meaning="When a prediction was last stored, by version.",
        labels=_VERSION,
        samples=[(tuple(row[:3]), seconds(row.last_seen_at)) for row in shown],
        most=200,
    )
    last: dict[str, int] = dict.fromkeys(moment.rank, 0)
    for row in shown:
        last[row.model_id] = max(last[row.model_id], row.last_seen_at)
    yield Family(
        name="model_loaded",
        meaning="1 if a prediction of the model was stored within the last 24 hours, else 0.",
        labels=(MODEL,),
        samples=_loaded(last, now=moment.now),
        most=200,
    )


def _loaded(last: Mapping[str, int], *, now: int) -> Sequence[tuple[Labels, float]]:
    return [((model_id,), float(at > now - LOADED_MICROS)) for model_id, at in last.items()]
