"""The one writer of a process: many submissions in a commit, each told of its own rows, none lost at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy import event as engine_events

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.submissions import QueueFullError, Told, WaitingRoom, WriterStoppedError
from monitoring_pipeline.events.tables import ingest_batches, predictions
from monitoring_pipeline.windows import isoformat
from tests.conftest import FixedClock
from tests.native_services import wait_for
from tests.serving import event


def _writer(engine: Engine, clock: FixedClock, **bounds: int) -> EventWriter:
    return EventWriter(engine, config=MonitoringConfig(), clock=clock, room=WaitingRoom(**bounds))


def _rows(*records: dict[str, Any]) -> list[Row]:
    return [Row(number, record, record, 100) for number, record in enumerate(records, start=1)]


def _stored(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.scalars(select(predictions.c.prediction_id)))


def test_rows_are_checked_against_the_instant_at_which_they_came_whoever_else_comes_meanwhile(
    sqlite_engine: Engine, clock: FixedClock
) -> None:
    writer = _writer(sqlite_engine, clock)
    known_now = {**event(0), "received_at": isoformat(clock.now + 2_000_000)}

    class OvertakenRows(list[Row]):
        """Others, who asked for the time before, are checked between the clock and these rows."""

        def __iter__(self) -> Iterator[Row]:
            clock.advance(seconds=-2)
            writer.check(_rows(event(1)), kind=Kind.PREDICTIONS, source="http")
            return super().__iter__()

    clock.advance(seconds=2)
    checked = writer.check(OvertakenRows(_rows(known_now)), kind=Kind.PREDICTIONS, source="http")

    assert checked.sorted_out.rejected == []


@contextmanager
def _busy_store(engine: Engine) -> Iterator[None]:
    with writing(engine) as connection:
        take_turn(connection)
        yield


def test_submissions_that_wait_together_are_one_commit_and_each_hears_of_its_own_rows(
    engine: Engine, clock: FixedClock
) -> None:
    told: list[dict[object, Any]] = []

    def tell(news: Told) -> None:
        told.append(dict(news))

    with _writer(engine, clock) as writer:
        with _busy_store(engine):
            first = writer.submit(_rows(event(0)), kind=Kind.PREDICTIONS, source="http")
            wait_for(lambda: writer.waiting_rows == 1)
            good, bad = _rows(event(1)), _rows(event(2), event(3, timestamp="yesterday"))
            for ticket, rows in (("good", good), ("bad", bad)):
                checked = writer.check(rows, kind=Kind.PREDICTIONS, source="http")
                writer.queue(checked, ticket=ticket, tell=tell)
        assert first.result().taken == 1

    [of_second_commit] = told
    assert (of_second_commit["good"].taken, of_second_commit["good"].rejected) == (1, ())
    assert of_second_commit["bad"].taken == 1
    assert [(row.line, row.reason) for row in of_second_commit["bad"].rejected] == [(2, QuarantineReason.BAD_TIMESTAMP)]
    assert _stored(engine) == ["p0", "p1", "p2"]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(ingest_batches)) == 1


def test_a_submission_that_cannot_be_stored_does_not_take_others_with_it(
    sqlite_engine: Engine, clock: FixedClock
) -> None:
    def stumble(_connection: object, _cursor: object, _statement: str, values: object, *_: object) -> None:
        if "p-poison" in repr(values):
            raise ValueError("a fault of the program")

    engine_events.listen(sqlite_engine, "before_cursor_execute", stumble)

    with _writer(sqlite_engine, clock) as writer, _busy_store(sqlite_engine):
        submitted = [
            writer.submit(_rows(event(prediction_id=name)), kind=Kind.PREDICTIONS, source="http")
            for name in ("p-1", "p-poison", "p-2")
        ]

    assert [type(each.exception()) for each in submitted] == [type(None), ValueError, type(None)]
    assert _stored(sqlite_engine) == ["p-1", "p-2"]


def test_a_store_out_of_reach_is_asked_once_for_all_that_wait(sqlite_engine: Engine, clock: FixedClock) -> None:
    begun: list[str] = []

    def lock(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=10")

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        begun.append(statement)

    engine_events.listen(sqlite_engine, "connect", lock)
    engine_events.listen(sqlite_engine, "before_cursor_execute", count)
    with _writer(sqlite_engine, clock) as writer, _busy_store(sqlite_engine):
        begun.clear()
        submitted = [writer.submit(_rows(event(number)), kind=Kind.PREDICTIONS, source="http") for number in range(20)]
        wait_for(lambda: all(each.done() for each in submitted))

    assert all(isinstance(each.exception(), MonitorError) for each in submitted)
    assert len([each for each in begun if each.startswith("BEGIN")]) <= 3
    assert _stored(sqlite_engine) == []


def test_what_waits_when_the_writer_is_asked_to_end_is_stored_and_what_comes_later_refused(
    engine: Engine, clock: FixedClock
) -> None:
    writer = _writer(engine, clock)

    with writer:
        submitted = [writer.submit(_rows(event(number)), kind=Kind.PREDICTIONS, source="http") for number in range(50)]

    assert all(each.result().taken == 1 for each in submitted)
    assert len(_stored(engine)) == 50
    assert not writer.is_running
    with pytest.raises(WriterStoppedError):
        writer.submit(_rows(event(99)), kind=Kind.PREDICTIONS, source="http")


@pytest.mark.parametrize("bounds", [{"most_rows": 3}, {"most_bytes": 300}])
def test_what_waits_is_bounded_in_rows_and_in_bytes(
    sqlite_engine: Engine, clock: FixedClock, bounds: dict[str, int]
) -> None:
    with _writer(sqlite_engine, clock, **bounds) as writer:
        with _busy_store(sqlite_engine):
            taken = [writer.submit(_rows(event(number)), kind=Kind.PREDICTIONS, source="http") for number in range(3)]
            with pytest.raises(QueueFullError):
                writer.submit(_rows(event(3)), kind=Kind.PREDICTIONS, source="http")
        assert [each.result().taken for each in taken] == [1, 1, 1]
        wait_for(lambda: writer.waiting_rows == writer.waiting_bytes == 0)
        large = writer.submit(_rows(*(event(number) for number in range(10, 20))), kind=Kind.PREDICTIONS, source="http")
        assert large.result().taken == 10
