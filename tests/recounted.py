"""Everything that the store counts as rows arrive, counted anew from the rows: the two must agree to the last one."""

import json
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from monitoring_pipeline.events.totals.counting import CONFIDENCE_EDGES, LATENCY_EDGES_SECONDS

_HOUR_MICROS = 3_600_000_000
_PART_MICROS = 300_000_000
_ROUNDING = 1e-9  # sums of doubles that were added in the order of their arrival

_VERSIONS = """
    SELECT model_id, model_version, environment, count(*), count(predicted_class), count(prediction_proba),
        min(received_at), max(received_at), min(predicted_at), max(predicted_at)
    FROM predictions GROUP BY model_id, model_version, environment
"""
_VALUES = """
    SELECT model_id, model_version, environment, {column}, count(*) FROM predictions
    WHERE {column} IS NOT NULL GROUP BY model_id, model_version, environment, {column}
"""
# Truth that was never corrected, which is all that the tests of crashes send.
_ERRORS = """
    SELECT p.model_id, p.model_version, p.environment, p.predicted_at, p.predicted_value, a.actual_value
    FROM predictions p LEFT JOIN actuals a ON a.model_id = p.model_id AND a.prediction_id = p.prediction_id
"""
_OUTCOMES = ("accepted", "duplicate", "conflict", "quarantined")
_BATCHES = "SELECT sum(received_count), {} FROM ingest_batches".format(
    ", ".join(f"sum({outcome}_count)" for outcome in _OUTCOMES)
)

Rows = dict[Any, Any]


def check_totals(engine: Engine) -> None:
    """Compare every table of totals of an installation that declares no model and knows only numbers."""
    with engine.connect() as connection:
        assert _stored(connection, "version_totals", keys=3) == _keyed(connection, _VERSIONS, keys=3)
        _check_counters(connection)
        _check_outcomes(connection)
        _check_errors(connection)


def _check_counters(connection: Connection) -> None:
    found = {key: value for key, (value,) in _stored(connection, "prediction_counters", keys=6).items()}
    counted = _counters(connection)
    assert found.keys() == counted.keys()
    for key, value in found.items():
        assert math.isclose(value, counted[key], rel_tol=_ROUNDING if key[-1] == "sum" else 0), key


def _counters(connection: Connection) -> Counter[Any]:
    counted: Counter[Any] = Counter()
    histograms = (
        ("latency_ms", "latency_seconds", LATENCY_EDGES_SECONDS, 1_000),
        ("confidence", "confidence", CONFIDENCE_EDGES, 1),
    )
    for *version, count, _, _, _, _, _, _ in connection.execute(text(_VERSIONS)):
        counted[*version, "", "predictions", "count"] = count
    for column, series, edges, unit in histograms:
        for *version, value, count in connection.execute(text(_VALUES.format(column=column))):
            place = bisect_left(edges, value / unit)
            bucket = str(edges[place]) if place < len(edges) else "+Inf"
            counted[*version, "", series, bucket] += count
            counted[*version, "", series, "sum"] += count * value / unit
    return counted


def _check_outcomes(connection: Connection) -> None:
    received, *by_outcome = map(int, connection.execute(text(_BATCHES)).one())
    counted: Counter[str] = Counter()
    for (_, outcome, _), (count,) in _stored(connection, "ingest_counters", keys=3).items():
        counted[outcome] += count
    assert counted == {outcome: count for outcome, count in zip(_OUTCOMES, by_outcome, strict=True) if count}
    assert counted.total() == received


def _check_errors(connection: Connection) -> None:
    """Bit for bit: these sums are exact."""
    kept = _stored(connection, "hour_errors", keys=2)
    revisions = _keyed(connection, "SELECT model_id, hour, revision FROM hour_revision", keys=2)
    divided: dict[Any, list[Any]] = defaultdict(list)
    for model_id, version, environment, at, *values in connection.execute(text(_ERRORS)):
        divided[model_id, at - at % _HOUR_MICROS, at - at % _PART_MICROS, version, environment].append((at, *values))
    whole: dict[Any, list[Any]] = defaultdict(list)
    for (model_id, hour, _, version, environment), rows in divided.items():
        whole[model_id, hour, version, environment] += rows
    assert {hour: (revision,) for hour, (revision, _, _) in kept.items()} == revisions
    assert dict(_read(kept, column=1)) == {key: _sums(rows) for key, rows in whole.items()}
    assert dict(_read(kept, column=2)) == {key: _sums(rows) for key, rows in divided.items()}


def _read(kept: Rows, *, column: int) -> Iterator[tuple[Any, Any]]:
    for hour, values in kept.items():
        for *key, (predicted, labelled, errors, absolute, squared, first_at, last_at) in json.loads(values[column]):
            yield (
                (*hour, *key),
                (predicted, labelled, errors, math.fsum(absolute), math.fsum(squared), first_at, last_at),
            )


def _sums(rows: Sequence[tuple[int, float, float | None]]) -> Any:
    errors = [predicted - actual for _, predicted, actual in rows if actual is not None]
    absolute, squared = math.fsum(map(abs, errors)), math.fsum(error * error for error in errors)
    instants = [at for at, _, _ in rows]
    return len(rows), len(errors), len(errors), absolute, squared, min(instants), max(instants)


def _stored(connection: Connection, table: str, *, keys: int) -> Rows:
    return _keyed(connection, f"SELECT * FROM {table}", keys=keys)


def _keyed(connection: Connection, query: str, *, keys: int) -> Rows:
    return {tuple(row)[:keys]: tuple(row)[keys:] for row in connection.execute(text(query))}
