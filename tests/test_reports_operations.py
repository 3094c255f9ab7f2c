"""How a model served lately, and the sums of hours that are read a part at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import ndcg_score
from sqlalchemy import Engine

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.serving import Served, served_between
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.reports import hour_rows, present_operations
from monitoring_pipeline.reports.present import PresentPerformance
from monitoring_pipeline.reports.present_operations import Operations, PresentOperations
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS, Grain, floor, isoformat
from tests.conftest import FixedClock
from tests.serving import installation_on

HOURS = 4


def rows_of_hours(now: int, *, count: int, first: int = 0, seed: int = 1) -> list[dict[str, Any]]:
    """Predictions at random instants of the last hours, of one version; some without confidence or latency."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(first, first + count):
        row = {
            "model_id": "price",
            "prediction_id": f"p{number}",
            "timestamp": isoformat(now - int(rng.integers(HOURS * HOUR_MICROS))),
            "predicted_value": float(rng.normal()),
            "confidence": float(rng.random()) if rng.random() < 0.8 else None,
            "latency_ms": float(rng.gamma(2, 20)) if rng.random() < 0.8 else None,
            "features": {"distance": 1.0},
        }
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def put(installation: Installation, rows: list[dict[str, Any]], kind: Kind = Kind.PREDICTIONS) -> None:
    ingest_rows(installation.engine, rows, kind=kind, config=installation.config, clock=installation.clock)


def told(found: Operations) -> dict[str, float | None]:
    [group] = found.groups
    return {metric.metric: metric.value for metric in group}


class Reads:
    """Which stretches of rows were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stretches: list[tuple[int, int]] = []

        def counted(connection: Any, model_id: str, start: int, end: int) -> list[Served]:
            self.stretches.append((start, end))
            return served_between(connection, model_id, start, end)

        monkeypatch.setattr(present_operations, "served_between", counted)


@pytest.fixture(params=[hour_rows.MOST_ROWS_AT_ONCE, 7], ids=["whole", "in parts"])
def rows_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are in memory at once."""
    for module in (hour_rows, present_operations):
        monkeypatch.setattr(module, "MOST_ROWS_AT_ONCE", request.param)
    return int(request.param)


@pytest.mark.usefixtures("rows_at_once")
def test_it_is_what_every_stored_row_says(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    rows = rows_of_hours(clock.now, count=500)
    put(installation, rows)

    found = PresentOperations(installation.pipeline).of_last_hours("price", HOURS)

    metrics = told(found)
    sure = [row["confidence"] for row in rows if "confidence" in row]
    latencies = [row["latency_ms"] for row in rows if "latency_ms" in row]
    hours = {row["timestamp"][:13] for row in rows}
    assert found.prediction_count == 500
    assert metrics["average_confidence"] == pytest.approx(np.mean(sure), abs=1e-12)
    assert metrics["low_confidence_rate"] == pytest.approx(np.mean(np.array(sure) < 0.6), abs=1e-12)
    assert metrics["latency_mean_ms"] == pytest.approx(np.mean(latencies), rel=1e-12)
    assert metrics["latency_p95_ms"] == pytest.approx(np.quantile(latencies, 0.95, method="inverted_cdf"), rel=0.01)
    # Five hours of the clock hold them, and each counts as one, into however many parts it was divided.
    assert metrics["predictions_per_second"] == pytest.approx(500 / (3_600 * len(hours)), rel=1e-12)


@pytest.mark.usefixtures("rows_at_once")
def test_rows_and_stored_sums_say_the_same(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    model = Model(id="price", task=Task.REGRESSION, resources=["memory_mb"], low_confidence=0.3)
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=MonitoringConfig(models=[model]))
    put(installation, [{**row, "memory_mb": 7.5} for row in rows_of_hours(clock.now, count=300)])
    hours = [floor(clock.now, Grain.HOUR) - number * HOUR_MICROS for number in range(HOURS, 0, -1)]

    from_rows = told(PresentOperations(installation.pipeline).of_last_hours("price", HOURS))
    for stage in (log_predictions, join_predictions, measure_hours):
        stage(installation.pipeline, hours)
    from_sums = told(PresentOperations(installation.pipeline).of_last_hours("price", HOURS))

    assert from_sums.pop("memory_mb_mean") == 7.5
    assert from_sums.pop("memory_mb_max") == 7.5
    assert from_rows == pytest.approx(from_sums, rel=1e-12)


def test_what_came_to_one_part_of_a_large_hour_has_only_that_part_read_again(
    engine: Engine, tmp_path: Path, clock: FixedClock, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    put(installation, rows_of_hours(clock.now, count=500))
    operations = PresentOperations(installation.pipeline)
    before = operations.of_last_hours("price", HOURS)

    at = clock.now - 90 * 60 * SECOND_MICROS
    put(installation, [{**row, "timestamp": isoformat(at)} for row in rows_of_hours(clock.now, count=1, first=900)])
    reads = Reads(monkeypatch)
    after = operations.of_last_hours("price", HOURS)

    assert (before.prediction_count, after.prediction_count) == (500, 501)
    length = HOUR_MICROS if rows_at_once > 500 else present_operations.PART_MICROS
    part = at - at % length
    assert min(start for start, _ in reads.stretches) == part
    assert max(end for _, end in reads.stretches) == part + length
    fresh = PresentOperations(installation.pipeline).of_last_hours("price", HOURS)
    assert told(after) == pytest.approx(told(fresh), rel=1e-12)


def test_late_truth_has_nothing_read_again(
    engine: Engine, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    put(installation, rows_of_hours(clock.now, count=50))
    operations = PresentOperations(installation.pipeline)
    before = operations.of_last_hours("price", HOURS)

    truth = [{"model_id": "price", "prediction_id": f"p{number}", "actual_value": 1.0} for number in range(50)]
    put(installation, truth, Kind.ACTUALS)
    reads = Reads(monkeypatch)

    assert operations.of_last_hours("price", HOURS) == before
    assert reads.stretches == []


def test_any_number_is_read_as_it_was_sent(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    """SQLite writes the last bit of very small and large numbers wrong now and then, and PostgreSQL never."""
    installation = installation_on(engine, tmp_path, clock=clock)
    rng = np.random.default_rng(7)
    usual = rng.lognormal(3, 2, size=1_000)
    extreme = [0.0, 5e-324, 1.7976931348623157e308, *(10.0 ** rng.uniform(-300, 300, size=1_000))]
    sent = np.sort(np.concatenate([usual, extreme]))
    row = {"model_id": "price", "timestamp": isoformat(clock.now), "predicted_value": 1.0, "features": {}}
    put(
        installation,
        [{**row, "prediction_id": f"p{number}", "latency_ms": value} for number, value in enumerate(sent.tolist())],
    )

    with reading(engine) as connection:
        [group] = served_between(connection, "price", clock.now, clock.now + 1)

    found = np.sort(group.latency_ms)
    np.testing.assert_array_max_ulp(found, sent, maxulp=1)
    assert np.isin(usual, found).all()
    assert np.isnan(group.confidence).all()


def test_a_model_that_is_silent_has_no_groups(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)

    assert PresentOperations(installation.pipeline).of_last_hours("price", HOURS) == Operations(
        prediction_count=0, groups=()
    )


@pytest.mark.usefixtures("rows_at_once")
def test_the_rows_of_a_query_are_ranked_together_however_many_an_hour_has(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    """Ranks within parts of a query are not the query's."""
    model = Model(id="search", task=Task.RANKING, query="asked", top_k=5)
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=MonitoringConfig(models=[model]))
    rng = np.random.default_rng(5)
    start = floor(clock.now, Grain.HOUR) - HOUR_MICROS
    rows = [
        {
            "model_id": "search",
            "prediction_id": f"r{number}",
            "timestamp": isoformat(start + int(rng.integers(HOUR_MICROS))),
            "predicted_value": float(rng.random()),
            "actual_value": float(rng.random() < 0.3),
            "asked": f"q{number % 6}",
            "features": {},
        }
        for number in range(120)
    ]
    put(installation, rows)

    [group] = PresentPerformance(installation.pipeline).of_last_hours("search", HOURS).groups

    metrics = {metric.metric: metric.value for metric in group.metrics}
    scores = []
    for query in range(6):
        of_query = [row for row in rows if row["asked"] == f"q{query}"]
        truth, said = ([[row[name] for row in of_query]] for name in ("actual_value", "predicted_value"))
        scores.append(ndcg_score(truth, said, k=5))
    assert metrics["ndcg_at_k"] == pytest.approx(np.mean(scores), abs=1e-12)
