"""Several writers at once: nothing fails, nothing is stored twice, nothing is lost."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, select, text

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.sql.lookup import keys_clause
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.events.tables import predictions
from tests.conftest import FixedClock
from tests.ingest_examples import NOTHING_DECLARED, actual, adds_up, prediction, stored

COUNT = 300


def test_two_ingests_of_the_same_events_at_once_store_each_once(engine: Engine, clock: FixedClock) -> None:
    rows = [prediction(prediction_id=f"p{n}", features={"n": n}) for n in range(COUNT)]
    truths = [actual(prediction_id=f"p{n}", actual_value=n) for n in range(COUNT)]

    def land(kind: Kind, events: list[dict[str, object]]) -> IngestReport:
        return ingest_rows(engine, events, kind=kind, config=NOTHING_DECLARED, clock=clock, batch_rows=20)

    with ThreadPoolExecutor(max_workers=4) as pool:
        calls = [
            pool.submit(land, Kind.PREDICTIONS, rows),
            pool.submit(land, Kind.PREDICTIONS, rows[::-1]),
            pool.submit(land, Kind.ACTUALS, truths),
            pool.submit(land, Kind.ACTUALS, truths[::-1]),
        ]
        reports = [call.result() for call in calls]

    assert all(adds_up(report) for report in reports)
    assert sum(report.accepted for report in reports) == 2 * COUNT
    assert sum(report.duplicates for report in reports) == 2 * COUNT
    assert len(stored(engine, "predictions")) == COUNT
    landed = stored(engine, "actuals")
    assert len(landed) == COUNT
    assert all(row["revision"] == 1 and row["predicted_at"] is not None for row in landed)
    [hour] = stored(engine, "hour_revision")
    transactions_with_predictions = COUNT // 20
    assert hour["revision"] >= transactions_with_predictions


def test_knowledge_time_is_taken_after_the_turn_has_come(engine: Engine, clock: FixedClock) -> None:
    ticks = itertools.count(clock.now)  # each look at the clock is a microsecond later, in whichever thread
    before_all = clock.now

    def land(first: int) -> None:
        rows = [prediction(prediction_id=f"p{n}") for n in range(first, first + 50)]
        ingest_rows(
            engine, rows, kind=Kind.PREDICTIONS, config=NOTHING_DECLARED, clock=lambda: next(ticks), batch_rows=5
        )

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(land, (0, 50)))

    [hour] = stored(engine, "hour_revision")
    received = [row["received_at"] for row in stored(engine, "predictions")]
    assert hour["changed_at"] == max(received)
    assert min(received) > before_all
    assert hour["revision"] == len(set(received)) == 20


def test_rows_are_looked_up_by_key_and_not_by_reading_the_table(sqlite_engine: Engine) -> None:
    wanted, match = keys_clause("sqlite", [("m", "p")], predictions)
    query = select(predictions.c.predicted_at).select_from(wanted).join(predictions, match)
    compiled = query.compile(sqlite_engine, compile_kwargs={"literal_binds": True})

    with reading(sqlite_engine) as connection:
        plan = [row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]

    assert any("SEARCH predictions USING" in step for step in plan)
