"""More than can be stored is refused at once, with a time to come again, and nothing acknowledged is lost."""

import gc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select
from sqlalchemy import event as engine_events

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.ingest.allowance import Allowance
from monitoring_pipeline.api.ingest.limits import IngestLimits
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.tables import predictions
from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.native_services import wait_for
from tests.serving import event, installation_on, serving, token_for

PREDICTIONS = "/v0/events?name=ml_model_predictions"
ROWS = 10
# What is sent at once below is ten times what may wait.
LIMITS = IngestLimits(held_bytes=1_000_000, held_lines=8 * ROWS)
REQUESTS = 80


@contextmanager
def _busy_store(engine: Engine) -> Iterator[None]:
    """Somebody else's transaction keeps the writer waiting inside the block."""
    with writing(engine) as connection:
        take_turn(connection)
        yield


def _app(installation: Installation) -> FastAPI:
    return create_app(replace(service_of(installation, open_to_anybody=True), limits=LIMITS))


def _body(number: int) -> bytes:
    return b"\n".join(orjson.dumps(event(prediction_id=f"p{number}-{row}")) for row in range(ROWS))


def test_ten_times_what_may_wait_is_refused_and_what_is_acknowledged_is_stored(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    clients = [token_for(installation, "events:append", client=f"client-{number}") for number in range(4)]
    app = _app(installation)

    with serving(app) as client, ThreadPoolExecutor(max_workers=REQUESTS) as threads:
        with _busy_store(engine):
            sending = [
                threads.submit(client.post, PREDICTIONS, content=_body(number), headers=clients[number % 4])
                for number in range(REQUESTS)
            ]
            wait_for(lambda: sum(each.done() for each in sending) == REQUESTS - 8)
            held = app.state.intake.allowance.held_lines
        replies = [each.result() for each in sending]

    assert held == LIMITS.held_lines
    assert app.state.intake.allowance.held_lines == app.state.intake.allowance.held_bytes == 0
    by_status = {code: [reply for reply in replies if reply.status_code == code] for code in (202, 429, 503)}
    assert sum(map(len, by_status.values())) == REQUESTS
    assert len(by_status[202]) == 8
    for refused in (*by_status[429], *by_status[503]):
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
    acknowledged = {f"p{number}-{row}" for number in _taken(replies) for row in range(ROWS)}
    with engine.connect() as connection:
        assert set(connection.scalars(select(predictions.c.prediction_id))) == acknowledged


def _taken(replies: list[httpx.Response]) -> list[int]:
    return [number for number, reply in enumerate(replies) if reply.status_code == httpx.codes.ACCEPTED]


def test_a_client_beyond_its_share_waits_and_leaves_room_for_the_others(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    greedy, modest = (token_for(installation, "events:append", client=name) for name in ("greedy", "modest"))

    def send(client: httpx.Client, number: int, header: dict[str, str]) -> "Future[httpx.Response]":
        return threads.submit(client.post, PREDICTIONS, content=_body(number), headers=header)

    with serving(_app(installation)) as client, ThreadPoolExecutor(max_workers=20) as threads:
        with _busy_store(sqlite_engine):
            of_greedy = [send(client, number, greedy) for number in range(10)]
            wait_for(lambda: sum(each.done() for each in of_greedy) == 6)
            of_modest = [send(client, 10 + number, modest) for number in range(4)]
        statuses = sorted(each.result().status_code for each in of_greedy)
        others = [each.result().status_code for each in of_modest]

    assert statuses == [202] * 4 + [429] * 6
    assert others == [202] * 4


def test_of_what_waits_for_the_store_only_the_checked_events_are_held(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    service = service_of(installation_on(sqlite_engine, tmp_path, clock=clock), open_to_anybody=True)

    with serving(create_app(service)) as client, ThreadPoolExecutor(max_workers=1) as threads:
        with _busy_store(sqlite_engine):
            reply = threads.submit(client.post, PREDICTIONS, content=_body(REQUESTS))
            wait_for(lambda: service.writer.waiting_rows == ROWS)
            wait_for(lambda: not _parsed_rows(REQUESTS))
        assert reply.result().status_code == 202


def _parsed_rows(number: int) -> list[Row]:
    """Of the body with this number, those that are still held by anything."""
    return [each for each in gc.get_objects() if type(each) is Row and f'"p{number}-' in str(each.raw)]


def test_what_is_held_is_never_more_than_allowed_and_all_of_it_is_given_back(clock: FixedClock) -> None:
    allowance = Allowance(IngestLimits(held_bytes=100, held_lines=100, client_share=0.5), clock=clock)

    with allowance.holding("a") as first, allowance.holding("a") as second, allowance.holding("b") as third:
        first.claim(size=30)
        first.claim(size=20, lines=5)
        with pytest.raises(Problem, match="of this client") as too_much:
            second.claim(size=21)
        third.claim(size=50)
        with allowance.holding("c") as fourth, pytest.raises(Problem, match="too much waits") as full:
            fourth.claim(size=21)
        assert (allowance.held_bytes, allowance.held_lines) == (80, 5)

    assert (too_much.value.status, full.value.status) == (429, 503)
    assert (allowance.held_bytes, allowance.held_lines, allowance.refused_at) == (0, 0, clock.now)


def test_while_clients_are_refused_the_server_says_that_it_is_filling_and_goes_on_answering(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    def told(client: httpx.Client) -> tuple[int, str, str, str]:
        ready, health = client.get("/readyz"), client.get("/health").json()
        writer = next(found for found in health["components"] if found["name"] == "writer")
        return ready.status_code, ready.json()["status"], health["status"], writer["status"]

    def send(client: httpx.Client, number: int) -> "Future[httpx.Response]":
        return threads.submit(client.post, PREDICTIONS, content=_body(number))

    app = _app(installation_on(sqlite_engine, tmp_path, clock=clock))
    with serving(app) as client, ThreadPoolExecutor(max_workers=8) as threads:
        before = told(client)
        with _busy_store(sqlite_engine):
            sending = [send(client, number) for number in range(5)]  # one beyond the share of a client
            wait_for(lambda: sum(each.done() for each in sending) == 1)
            during = told(client)
        taken = [each.result().status_code for each in sending]
        clock.advance(seconds=59)
        soon_after = told(client)
        clock.advance(seconds=1)
        later = told(client)

    assert sorted(taken) == [202] * 4 + [429]
    assert before == later == (200, "ok", "healthy", "healthy")
    assert during == soon_after == (200, "filling", "degraded", "degraded")


def test_a_server_that_is_nearly_full_says_so_before_anybody_is_refused(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = _app(installation_on(sqlite_engine, tmp_path, clock=clock))
    allowance = app.state.intake.allowance

    with serving(app) as client, ExitStack() as holdings:
        for number in range(7):
            holdings.enter_context(allowance.holding(f"client-{number}")).claim(lines=ROWS)
        nearly_full = client.get("/readyz").json()
        holdings.close()
        empty = client.get("/readyz").json()

    assert (nearly_full, empty) == ({"status": "filling"}, {"status": "ok"})


def test_a_server_whose_writer_has_ended_refuses_and_says_when_to_come_again(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = _app(installation_on(sqlite_engine, tmp_path, clock=clock))

    with serving(app) as client:
        app.state.service.writer.__exit__(None, None, None)
        reply = client.post(PREDICTIONS, content=_body(0))

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")


def test_a_store_that_stays_locked_is_a_refusal_and_never_an_acknowledgement(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = _app(installation_on(sqlite_engine, tmp_path, clock=clock))
    engine = app.state.service.writer.engine
    engine_events.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=10"))

    with serving(app) as client:
        with _busy_store(sqlite_engine):
            refused = client.post(PREDICTIONS, content=_body(0))
        taken = client.post(PREDICTIONS, content=_body(0))

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "sqlite" not in refused.text.lower()
    assert taken.json() == {"successful_rows": ROWS, "quarantined_rows": 0}


def test_events_are_stored_by_a_connection_that_no_answer_uses_and_that_ends_with_the_server(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = _app(installation_on(sqlite_engine, tmp_path, clock=clock))
    shared: list[str] = []
    opened: list[object] = []
    closed: list[object] = []
    engine_events.listen(sqlite_engine, "before_cursor_execute", lambda *arguments: shared.append(arguments[2]))
    writing_engine = app.state.service.writer.engine
    engine_events.listen(writing_engine, "connect", lambda connection, _: opened.append(connection))
    engine_events.listen(writing_engine, "close", lambda connection, _: closed.append(connection))

    with serving(app) as client:
        taken = client.post(PREDICTIONS, content=_body(0))

    assert taken.json() == {"successful_rows": ROWS, "quarantined_rows": 0}
    assert not [statement for statement in shared if "INTO predictions" in statement]
    assert len(opened) == 1
    assert closed == opened
