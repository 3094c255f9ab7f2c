"""Predictions that are stored already: found out by the insert that fails, and told like any other repetition."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy import event as engine_events

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.submissions import Outcome, Told
from monitoring_pipeline.events.tables import actuals, ingest_batches, predictions
from tests.conftest import FixedClock
from tests.native_services import wait_for
from tests.serving import event


def _rows(*records: dict[str, Any]) -> list[Row]:
    return [Row(number, record, record, 100) for number, record in enumerate(records, start=1)]


def _stored(writer: EventWriter, *records: dict[str, Any], kind: Kind = Kind.PREDICTIONS) -> Outcome:
    return writer.submit(_rows(*records), kind=kind, source="http").result()


@contextmanager
def _writer(engine: Engine, clock: FixedClock) -> Iterator[EventWriter]:
    with EventWriter(engine, config=MonitoringConfig(), clock=clock) as writer:
        yield writer


@contextmanager
def _lookups(engine: Engine) -> Iterator[list[str]]:
    """The statements that look for predictions by their keys."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT predictions.model_id") and " JOIN predictions" in statement:
            found.append(statement)

    engine_events.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        engine_events.remove(engine, "before_cursor_execute", note)


def test_repetitions_and_contradictions_among_new_rows_are_told_and_the_new_rows_stored(
    engine: Engine, clock: FixedClock
) -> None:
    with _writer(engine, clock) as writer:
        _stored(writer, event(0), event(1))

        outcome = _stored(writer, event(2), event(0), event(1, predicted_value=0.25), event(3, actual_value=1))

    with engine.connect() as connection:
        ids = connection.scalars(select(predictions.c.prediction_id).order_by(predictions.c.prediction_id)).all()
        truths = connection.scalar(select(func.count()).select_from(actuals))
        batch = connection.execute(select(ingest_batches)).one()
    assert [(row.line, row.reason) for row in outcome.rejected] == [(3, QuarantineReason.CONFLICTING_PREDICTION)]
    assert ids == ["p0", "p1", "p2", "p3"]
    assert truths == 1
    assert (batch.received_count, batch.accepted_count, batch.duplicate_count, batch.conflict_count) == (6, 4, 1, 1)


def test_new_predictions_are_not_looked_for(engine: Engine, clock: FixedClock) -> None:
    with _writer(engine, clock) as writer, _lookups(engine) as lookups:
        for number in range(3):
            _stored(writer, event(number))

    assert lookups == []


def test_after_a_repetition_predictions_are_looked_for_until_a_group_has_none(
    engine: Engine, clock: FixedClock
) -> None:
    with _writer(engine, clock) as writer:
        _stored(writer, event(0))
        with _lookups(engine) as lookups:
            asked = []
            for number in (0, 0, 1, 2):
                _stored(writer, event(number))
                asked.append(len(lookups))

    assert asked == [1, 2, 3, 3]  # in vain and again, again, for the first new one, not any more


def test_a_repetition_counts_whichever_source_it_came_from(engine: Engine, clock: FixedClock) -> None:
    told: list[Told] = []
    with _writer(engine, clock) as writer:
        _stored(writer, event(0))
        with writing(engine) as connection:
            take_turn(connection)
            first = writer.submit(_rows(event(1)), kind=Kind.PREDICTIONS, source="http")
            wait_for(lambda: writer.waiting_rows == 1)
            for source, number in (("one", 0), ("other", 2)):
                checked = writer.check(_rows(event(number)), kind=Kind.PREDICTIONS, source=source)
                writer.queue(checked, ticket=source, tell=told.append)
        first.result()
        wait_for(lambda: writer.waiting_rows == 0)
        with _lookups(engine) as lookups:
            _stored(writer, event(3))

    assert len(told) == 1  # both sources in one commit
    assert len(lookups) == 1


def test_truth_says_nothing_about_whether_predictions_repeat(engine: Engine, clock: FixedClock) -> None:
    truth = {"model_id": "m", "prediction_id": "p0", "actual_value": 1}
    with _writer(engine, clock) as writer:
        _stored(writer, event(0))
        _stored(writer, event(0))
        _stored(writer, truth, kind=Kind.ACTUALS)
        with _lookups(engine) as lookups:
            _stored(writer, event(1))

    assert len(lookups) == 1


def test_an_insert_that_fails_again_after_a_look_is_told_to_its_caller_and_the_writer_goes_on(
    engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _writer(engine, clock) as writer:
        _stored(writer, event(0))
        monkeypatch.setattr("monitoring_pipeline.events.storing.predictions._stored", lambda _connection, _keys: {})

        with pytest.raises(Exception, match=r"(?i)unique"):
            _stored(writer, event(0))
        monkeypatch.undo()

        assert _stored(writer, event(1)).taken == 1
