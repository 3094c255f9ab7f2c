"""The middleware that counts requests, around small applications."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring_pipeline.api.metering.lately import Lately
from monitoring_pipeline.api.metering.meter import Meter
from monitoring_pipeline.api.metering.middleware import Metering
from monitoring_pipeline.api.metering.statements import operation_and_table
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.group_commit import EventWriter
from tests.conftest import FixedClock
from tests.metrics_text import Series, series_of, value


@contextmanager
def _metered(engine: Engine, clock: FixedClock, app: ASGIApp) -> Iterator[tuple[Metering, Meter]]:
    meter = Meter()
    writer = EventWriter(engine, config=MonitoringConfig(), clock=clock)
    yield Metering(app, meter=meter, lately=Lately(clock), writer=writer, doors=("/door",)), meter


def _ask(app: ASGIApp, *, path: str = "/door", kind: str = "http", method: str = "GET") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def ask() -> None:
        await app({"type": kind, "path": path, "method": method}, receive, send)

    asyncio.run(ask())
    return sent


def _shown(meter: Meter) -> Series:
    return series_of(family for collector in meter.collectors for family in collector.collect())


async def _fine(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


async def _silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


def test_what_is_sent_is_passed_on_unchanged(sqlite_engine: Engine, clock: FixedClock) -> None:
    with _metered(sqlite_engine, clock, _fine) as (app, _):
        assert _ask(app) == _ask(_fine)


def test_a_request_that_fails_is_an_internal_error_and_no_longer_under_way(
    sqlite_engine: Engine, clock: FixedClock
) -> None:
    with _metered(sqlite_engine, clock, _failing) as (app, meter):
        with pytest.raises(ZeroDivisionError):
            _ask(app)

        found = _shown(meter)

    assert value(found, "api_errors_total", error_type="internal_server_error", endpoint="/door") == 1
    assert value(found, "api_requests_total", status="500") == 1
    assert value(found, "api_active_requests") == 0


def test_a_client_that_left_before_the_answer_is_told_apart(sqlite_engine: Engine, clock: FixedClock) -> None:
    with _metered(sqlite_engine, clock, _silent) as (app, meter):
        _ask(app)

        found = _shown(meter)

    assert value(found, "api_requests_total", status="499") == 1
    assert value(found, "api_errors_total", error_type="other") == 1


def test_methods_and_paths_that_callers_make_up_are_one_series(sqlite_engine: Engine, clock: FixedClock) -> None:
    with _metered(sqlite_engine, clock, _fine) as (app, meter):
        for number in range(20):
            _ask(app, path=f"/{number}", method=f"M{number}")

        found = _shown(meter)

    assert list(found["api_requests_total"].values()) == [20]
    assert value(found, "api_requests_total", method="other", endpoint="unmatched") == 20


def test_what_is_no_request_is_not_counted(sqlite_engine: Engine, clock: FixedClock) -> None:
    with _metered(sqlite_engine, clock, _silent) as (app, meter):
        _ask(app, kind="lifespan")

        assert "api_requests_total" not in _shown(meter)


def test_statements_are_counted_while_it_is_asked_for(sqlite_engine: Engine) -> None:
    meter = Meter()

    with meter.counting(sqlite_engine), sqlite_engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM predictions JOIN actuals USING (model_id)"))
        connection.execute(text("DELETE FROM quarantine"))
    with sqlite_engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM predictions"))

    found = _shown(meter)
    assert value(found, "database_queries_total", operation="select", table="predictions") == 1
    assert value(found, "database_queries_total", operation="delete", table="quarantine") == 1


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("  select * from\n metrics", ("select", "metrics")),
        ('UPDATE "alerts" SET x = 1', ("update", "alerts")),
        ("SELECT * FROM json_each(?) AS wanted CROSS JOIN predictions", ("select", "predictions")),
        ("SELECT * FROM pg_catalog.pg_class", ("select", "other")),
        ("DROP TABLE metrics", ("other", "other")),
        ("", ("other", "other")),
    ],
)
def test_a_statement_is_told_by_what_it_does_and_the_first_table_of_ours(
    statement: str, expected: tuple[str, str]
) -> None:
    assert operation_and_table(statement) == expected


def test_gauges_of_processes_that_are_gone_are_forgotten_and_counters_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = 2**22 + 1  # beyond the highest number that a process can have
    for name in (f"gauge_livesum_{gone}.db", f"counter_{gone}.db", "gauge_livesum_mine.db"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    Meter()

    assert {file.name for file in tmp_path.iterdir()} == {f"counter_{gone}.db", "gauge_livesum_mine.db"}
