"""What clients log is in the real store: once, whatever happens to the client and to the server."""

import random
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import ColumnElement, Engine, create_engine, func, select

from monitoring_pipeline.client import MonitorClient
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.events.tables import actuals, predictions, quarantine
from tests.client_examples import (
    ENDLESS,
    Behaviour,
    Received,
    Receiver,
    client_of,
    hanging_up,
    program,
    reply,
    wait_until_kept,
)
from tests.conftest import FixedClock
from tests.native_services import wait_for
from tests.serving import ServerProcess, installation_on, served, token_for


def test_what_is_logged_is_in_the_real_store(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    here = installation_on(engine, tmp_path, clock=clock)
    token = token_for(here, "events:append")["Authorization"].removeprefix("Bearer ")

    with served(here) as http, client_of(str(http.base_url), tmp_path / "spool", token=token) as client:
        for number in range(300):
            name = client.log_prediction(model_id="price", predicted_value=number, features={"x": number / 7})
            client.log_actual(model_id="price", prediction_id=name, actual_value=number + 1)
        client.log_prediction(model_id="price", predicted_value=1, confidence=7)
        assert client.flush(60)
        stats = client.stats

    assert (stats.logged, stats.acknowledged, stats.quarantined, stats.waiting) == (601, 600, 1, 0)
    with engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (predictions, actuals, quarantine)]
        assert counts == [300, 300, 1]
        assert connection.scalar(select(func.count()).where(actuals.c.predicted_at.is_(None))) == 0


def unreliable(http: httpx.Client, *, seed: int) -> Behaviour:
    """A way to the real server on which requests and answers get lost, and errors come before and after storing."""
    chance = random.Random(seed)
    fates = ("well", "well", "lost", "answer lost", "refused", "failed", "failed after storing")

    def behave(handler: Any, received: Received) -> None:
        fate = chance.choice(fates)
        if fate in {"refused", "failed"}:
            reply(handler, 429 if fate == "refused" else 500, Retry_After="0")
            return
        if fate == "lost":
            hanging_up(handler, received)
            return
        stored = http.post("/v0/events", params={"name": received.name}, content=received.body)
        if fate == "answer lost":
            hanging_up(handler, received)
        else:
            reply(handler, stored.status_code if fate == "well" else 500, stored.json())

    return behave


@pytest.mark.parametrize(
    "seed", [11, pytest.param(12, marks=pytest.mark.long), pytest.param(13, marks=pytest.mark.long)]
)
def test_ten_thousand_events_through_random_failures_are_stored_once(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, seed: int
) -> None:
    here = installation_on(sqlite_engine, tmp_path, clock=clock)
    with (
        served(here) as http,
        Receiver(unreliable(http, seed=seed)) as receiver,
        client_of(receiver.url, tmp_path / "spool", first_pause_seconds=0.001) as client,
    ):
        for number in range(8_000):
            client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"p{number}")
            if number % 4 == 0:
                client.log_actual(model_id="m", prediction_id=f"p{number}", actual_value=number + 1)
            if number % 100 == 0:
                wait_until_kept(client)
        assert client.flush(120)
        stats = client.stats

    values = stored(sqlite_engine, predictions.c.prediction_id, predictions.c.predicted_value)
    truths = stored(sqlite_engine, actuals.c.prediction_id, actuals.c.actual_value)
    assert values == [(f"p{number}", float(number)) for number in sorted(range(8_000), key=lambda n: f"p{n}")]
    assert truths == [(f"p{n}", n + 1.0) for n in sorted(range(0, 8_000, 4), key=lambda n: f"p{n}")]
    assert stored(sqlite_engine, quarantine.c.reason) == []
    assert (stats.acknowledged, stats.waiting, stats.lost) == (10_000, 0, 0)
    assert stats.retries > 10


@pytest.mark.long
def test_a_server_that_is_killed_gets_everything_once_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with ServerProcess(home=tmp_path / "home", environment={}) as server:
        client = client_of(server.url, tmp_path / "spool")
        log = counting(client)
        log(1_000)
        wait_for(lambda: client.stats.acknowledged > 0)
        log(1_000)
        server.kill()
        log(1_000)
        wait_for(lambda: client.stats.retries > 0)
        server.start()
        assert client.flush(120)
        client.close()

    assert counted(tmp_path / "home") == (3_000, 3_000, 0)
    assert (client.stats.acknowledged, client.stats.lost) == (3_000, 0)


@pytest.mark.long
def test_clients_and_servers_that_are_killed_again_and_again_lose_nothing(tmp_path: Path) -> None:
    """What each service called safe before it was killed is in the store once."""
    chance = random.Random(5)
    (tmp_path / "home").mkdir()
    safe: set[str] = set()
    with ServerProcess(home=tmp_path / "home", environment={}) as server:
        for life in range(12):
            service = program(ENDLESS, server.url, tmp_path / "spool", f"life{life}")
            assert service.stdout is not None
            count = 0
            for _ in range(chance.randrange(1, 30)):
                count = int(service.stdout.readline())
            if chance.random() < 0.5:
                server.kill()
                count = int(service.stdout.readline())
            service.kill()
            service.communicate()
            safe |= {f"life{life}-{number}" for number in range(count)}
            if life % 3 == 2:
                server.kill()
                server.start()
        with client_of(server.url, tmp_path / "spool") as client:
            client.flush(60)
            wait_for(lambda: not list((tmp_path / "spool").glob("*/*.ndjson")))

    total, distinct, quarantined = counted(tmp_path / "home")
    assert (total, quarantined) == (distinct, 0)
    assert safe <= {name for (name,) in of_store(tmp_path / "home", predictions.c.prediction_id)}


def counting(client: MonitorClient) -> Callable[[int], None]:
    """Logs so many further predictions, each made known by its number."""
    numbers = count()

    def log(how_many: int) -> None:
        for number in islice(numbers, how_many):
            client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"p{number}")
            if number % 50 == 0:
                wait_until_kept(client)

    return log


def stored(engine: Engine, *columns: ColumnElement[Any]) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def of_store(home: Path, *columns: ColumnElement[Any]) -> list[tuple[Any, ...]]:
    """What is in the store of a home folder whose server has ended."""
    engine = create_engine(Home(root=home).store_url)
    try:
        return stored(engine, *columns)
    finally:
        engine.dispose()


def counted(home: Path) -> tuple[int, int, int]:
    """Predictions, different ones among them, and rows in quarantine."""
    names = of_store(home, predictions.c.prediction_id)
    return len(names), len(set(names)), len(of_store(home, quarantine.c.line))
