"""``POST /v0/events``: what producers send, and what they are told."""

from pathlib import Path

import orjson
from sqlalchemy import Engine, func, select

from monitoring_pipeline.events.tables import actuals, predictions, quarantine
from tests.conftest import FixedClock
from tests.serving import event, installation_on, served


def test_an_event_is_acknowledged_when_it_is_stored(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.post("/v0/events", params={"name": "ml_model_predictions"}, json=event())

        assert (reply.status_code, reply.json()) == (202, {"successful_rows": 1, "quarantined_rows": 0})
        with engine.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(predictions)) == 1


def test_rows_of_one_request_are_stored_or_quarantined_and_none_is_lost(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    lines = [orjson.dumps(event(1)), b"{broken", orjson.dumps(event(2, timestamp="yesterday")), orjson.dumps(event(3))]

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.post("/v0/events?name=ml_model_predictions", content=b"\n".join(lines))

    assert reply.json() == {"successful_rows": 2, "quarantined_rows": 2}
    with engine.connect() as connection:
        found = connection.execute(select(quarantine.c.line, quarantine.c.reason).order_by(quarantine.c.line)).all()
    assert [tuple(row) for row in found] == [(2, "broken_json"), (3, "bad_timestamp")]


def test_late_truth_comes_by_the_same_door(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    truth = {"model_id": "price", "prediction_id": "p0", "actual_value": 45.1, "timestamp": "2026-03-02 11:50:00"}

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        reply = client.post("/v0/events?name=ml_model_actuals", json=truth)

    assert reply.json() == {"successful_rows": 1, "quarantined_rows": 0}
    with engine.connect() as connection:
        assert connection.execute(select(actuals.c.actual_value)).scalars().all() == [45.1]
