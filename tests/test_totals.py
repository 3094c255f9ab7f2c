"""Counts of all that was stored equal the stored rows, whatever happened on the way."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.totals.counting import CONFIDENCE_EDGES, LATENCY_EDGES_SECONDS
from monitoring_pipeline.events.totals.predicted_labels import MOST_CLASSES, OTHERS
from monitoring_pipeline.events.totals.tables import ingest_counters, prediction_counters, version_totals
from tests.conftest import FixedClock
from tests.ingest_examples import actual, empty, prediction, stored

CONFIG = MonitoringConfig(
    models=[
        Model(id="late", task=Task.BINARY),
        Model(id="reason", task=Task.MULTICLASS, classes=["storm", "crew"]),
        Model(id="wide", task=Task.MULTICLASS, classes=[f"class {n:03}" for n in range(3 * MOST_CLASSES)]),
    ]
)
PLACES = {"latency_seconds": LATENCY_EDGES_SECONDS, "confidence": CONFIDENCE_EDGES}
SUM_TOLERANCE = 1e-12  # additions of doubles in another order


def _counted_from_rows(engine: Engine) -> tuple[dict[Any, Any], dict[Any, float]]:
    """The oracle: what both tables must say, told from the stored predictions one by one."""
    versions: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    counters: dict[Any, float] = defaultdict(float)
    for row in stored(engine, "predictions"):
        key = (row["model_id"], row["model_version"], row["environment"])
        versions[key].append(row)
        label = row["predicted_class"] or ""
        if row["model_id"] == "late":
            label = f"{row['predicted_value']:.0f}"
        counters[(*key, label, "predictions", "count")] += 1
        latency = None if row["latency_ms"] is None else row["latency_ms"] / 1000
        for series, value, of in (("latency_seconds", latency, ""), ("confidence", row["confidence"], label)):
            if value is not None:
                edge = next((edge for edge in PLACES[series] if value <= edge), None)
                counters[(*key, of, series, "+Inf" if edge is None else str(edge))] += 1
                counters[(*key, of, series, "sum")] += value
    totals = {
        key: (
            len(rows),
            *(sum(row[name] is not None for row in rows) for name in ("predicted_class", "prediction_proba")),
            *(bound(row[name] for row in rows) for name in ("received_at", "predicted_at") for bound in (min, max)),
        )
        for key, rows in versions.items()
    }
    return totals, dict(counters)


def _counted_in_tables(engine: Engine) -> tuple[dict[Any, Any], dict[Any, float]]:
    totals = {tuple(row.values())[:3]: tuple(row.values())[3:] for row in stored(engine, "version_totals")}
    counters = {tuple(row.values())[:6]: row["value"] for row in stored(engine, "prediction_counters")}
    return totals, counters


def _forget(engine: Engine) -> None:
    empty(engine)
    with writing(engine) as connection:
        for table in (version_totals, prediction_counters, ingest_counters):
            connection.execute(delete(table))


def _event(number: int, model_id: str, said: int, **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"delay": said * 1.5, "late": said % 2, "reason": ("storm", "crew")[said % 2]}
    return prediction(prediction_id=f"p{number}", model_id=model_id, predicted_value=values[model_id], **more)


events = st.builds(
    _event,
    st.integers(0, 12),  # few ids: repetitions and conflicts come by themselves
    st.sampled_from(["delay", "late", "reason"]),
    st.integers(0, 3),
    model_version=st.sampled_from(["1", "2"]),
    environment=st.sampled_from(["production", "test"]),
    latency_ms=st.sampled_from([None, 0.0, 1.0, 2.5, 99.9, 100.0, 100.1, 10_000.0, 10_000.5, 1e9]),
    prediction_proba=st.sampled_from([None, 0.0, 0.7]),
    confidence=st.sampled_from([None, 0.0, 0.1, 0.5, 0.6, 0.61, 0.99, 1.0]),
    timestamp=st.sampled_from(["2026-03-02T09:15:00Z", "2026-03-02T08:15:00Z", "2026-03-01T23:59:59Z", "never"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.lists(events, max_size=14), min_size=1, max_size=4),
    batch_rows=st.integers(1, 20),
    hours=st.integers(-2, 2),
)
def test_totals_equal_the_stored_rows_for_any_batching_repetition_and_order(
    engine: Engine, clock: FixedClock, calls: list[list[dict[str, Any]]], batch_rows: int, hours: int
) -> None:
    _forget(engine)

    for rows in calls:  # each call is a writer that starts anew
        ingest_rows(engine, rows, kind="predictions", config=CONFIG, clock=clock, batch_rows=batch_rows)
        clock.advance(hours=hours)

    totals, counters = _counted_from_rows(engine)
    found_totals, found = _counted_in_tables(engine)
    assert found_totals == totals
    assert found.keys() == counters.keys()
    for key, value in found.items():
        assert math.isclose(value, counters[key], rel_tol=SUM_TOLERANCE) if key[-1] == "sum" else value == counters[key]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.lists(events, max_size=14), min_size=1, max_size=4), batch_rows=st.integers(1, 20))
def test_every_row_that_was_ever_received_is_counted_by_what_became_of_it(
    engine: Engine, clock: FixedClock, calls: list[list[dict[str, Any]]], batch_rows: int
) -> None:
    _forget(engine)

    reports = [
        ingest_rows(engine, rows, kind="predictions", config=CONFIG, clock=clock, batch_rows=batch_rows)
        for rows in calls
    ]

    expected: Counter[tuple[str, str]] = Counter()
    for report in reports:
        expected["accepted", ""] += report.accepted
        expected["duplicate", ""] += report.duplicates
        for reason, count in report.reasons.items():
            expected["conflict" if reason == "conflicting_prediction" else "quarantined", reason] += count
    assert dict(_ingested(engine, "predictions")) == dict(+expected)
    assert sum(expected.values()) == sum(report.received for report in reports)


def _ingested(engine: Engine, kind: str) -> Iterator[tuple[tuple[str, str], int]]:
    table = ingest_counters.c
    with reading(engine) as connection:
        for row in connection.execute(select(ingest_counters).where(table.kind == kind)):
            yield (row.outcome, row.reason), row.row_count


def test_late_truth_is_counted_as_rows_and_not_as_predictions(engine: Engine, clock: FixedClock) -> None:
    ingest_rows(engine, [actual(), actual()], kind="actuals", config=CONFIG, clock=clock)

    assert dict(_ingested(engine, "actuals")) == {("accepted", ""): 1, ("duplicate", ""): 1}
    assert stored(engine, "version_totals") == []
    assert stored(engine, "prediction_counters") == []


def test_several_writers_at_once_count_each_prediction_once(engine: Engine, clock: FixedClock) -> None:
    def land(shift: int) -> None:
        rows = [_event(number % 40, "reason", number % 4, confidence=0.5) for number in range(shift, shift + 60)]
        ingest_rows(engine, rows, kind="predictions", config=CONFIG, clock=clock, batch_rows=7)

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(land, (0, 10, 20, 30)))

    totals, counters = _counted_from_rows(engine)
    assert _counted_in_tables(engine) == (totals, counters)
    assert sum(_ingested_rows(engine)) == 4 * 60


def _ingested_rows(engine: Engine) -> list[int]:
    return [count for _, count in _ingested(engine, "predictions")]


def test_a_transaction_that_fails_counts_nothing(engine: Engine, clock: FixedClock) -> None:
    ingest_rows(engine, [prediction(prediction_id="p0")], kind="predictions", config=CONFIG, clock=clock)
    before = _counted_in_tables(engine)

    with pytest.raises(ZeroDivisionError):
        ingest_rows(engine, _breaking(), kind="predictions", config=CONFIG, clock=clock, batch_rows=10)

    assert _counted_in_tables(engine) == before
    assert _counted_from_rows(engine) == before


def _breaking() -> Iterator[dict[str, Any]]:
    yield prediction(prediction_id="p1")
    raise ZeroDivisionError


@pytest.mark.parametrize("model_id", ["undeclared", "wide"])
def test_classes_beyond_the_most_are_counted_together(engine: Engine, clock: FixedClock, model_id: str) -> None:
    names = [f"class {n:03}" for n in range(3 * MOST_CLASSES)]

    for start in range(0, len(names), 20):  # over several transactions, then all of them once more
        _predict(engine, clock, names[start : start + 20], model_id=model_id, prefix=f"a{start}")
    _predict(engine, clock, names, model_id=model_id, prefix="b")

    counted = {row["predicted"]: row["value"] for row in stored(engine, "prediction_counters")}
    assert set(counted) == {*names[:MOST_CLASSES], OTHERS}
    assert counted[OTHERS] == 2 * (len(names) - MOST_CLASSES)
    assert sum(counted.values()) == 2 * len(names)


def _predict(engine: Engine, clock: FixedClock, classes: list[str], *, model_id: str, prefix: str) -> None:
    rows = [
        prediction(prediction_id=f"{prefix}-{n}", model_id=model_id, predicted_value=name)
        for n, name in enumerate(classes)
    ]
    ingest_rows(engine, rows, kind="predictions", config=CONFIG, clock=clock)


def test_the_longest_names_in_any_script_are_counted(engine: Engine, clock: FixedClock) -> None:
    def longest(first: int) -> str:
        return "".join(chr(0x20000 + first + n * 37) for n in range(200))  # four bytes each, nothing to compress

    rows = [
        prediction(
            prediction_id=f"p{n}",
            model_id=longest(1),
            model_version=longest(2),
            environment=longest(3),
            predicted_value=f"{longest(4)[:199]}{n}",
            confidence=0.5,
        )
        for n in range(2)
    ]

    report = ingest_rows(engine, rows, kind="predictions", config=CONFIG, clock=clock)

    labels = {row["predicted"] for row in stored(engine, "prediction_counters")}
    assert report.accepted == 2
    assert len(labels) == 2
    assert all(len(label.encode()) <= 100 for label in labels)


def test_latencies_that_no_clock_can_mean_do_not_break_the_sum(engine: Engine, clock: FixedClock) -> None:
    for number in range(3):
        row = prediction(prediction_id=f"p{number}", latency_ms=1.7e308)
        ingest_rows(engine, [row], kind="predictions", config=CONFIG, clock=clock)

    [found] = [row["value"] for row in stored(engine, "prediction_counters") if row["bucket"] == "sum"]
    assert found == 3e9
