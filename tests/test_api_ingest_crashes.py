"""What is acknowledged is stored, once, wherever the server dies: clients that try again keep a ledger outside it."""

import itertools
import random
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine, create_engine, func, select

from monitoring_pipeline.events.tables import ingest_batches, predictions
from tests.ingest_processes import CrashPoint, EventServer, Fate
from tests.native_services import PATIENCE_SECONDS, wait_for
from tests.recounted import check_totals
from tests.serving import ServerProcess, event

SENDERS = 4
_COMMIT_SECONDS = 0.02  # roughly what one takes: a kill meets it anywhere


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh store with all tables."""
    engine: Engine = request.getfixturevalue("sqlite_engine" if request.param == "sqlite" else "postgres_engine")
    return engine.url.render_as_string(hide_password=False)


@dataclass(kw_only=True)
class Ledger:
    """What clients were told, kept outside the server."""

    acknowledged: set[str] = field(default_factory=set)
    attempts: int = 0
    changed: threading.Lock = field(default_factory=threading.Lock)

    def note(self, ids: list[str]) -> None:
        with self.changed:
            self.acknowledged.update(ids)


def _send_until_acknowledged(server: EventServer, ids: list[str], ledger: Ledger) -> None:
    """As a producer does: again and again until the answer says that it is stored."""
    body = _body(ids)

    def is_acknowledged() -> bool:
        ledger.attempts += 1
        try:
            reply = server.post(body)
        except httpx.TransportError:
            return False
        assert reply.status_code == httpx.codes.ACCEPTED, reply.text
        assert reply.json() == {"successful_rows": len(ids), "quarantined_rows": 0}
        return True

    wait_for(is_acknowledged)
    ledger.note(ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How often a server is killed, and what is sent to it meanwhile.

    Args:
        kills: at random moments, each after the server has started anew.
        requests: of each sender.
        most_rows: of a request, one at least.
        seed: of all that is random.
    """

    kills: int
    requests: int
    most_rows: int
    seed: int

    def of_sender(self, sender: int) -> list[list[str]]:
        """The ids of each request."""
        rng = random.Random(self.seed + 1 + sender)
        return [
            [f"s{sender}-{number}-{row}" for row in range(rng.randint(1, self.most_rows))]
            for number in range(self.requests)
        ]

    def deaths(self, sent_count: int) -> Iterator[tuple[int, float]]:
        """After how many acknowledged events the server is killed, and how long after that."""
        rng = random.Random(self.seed)
        for count in sorted(rng.sample(range(sent_count * 9 // 10), self.kills)):
            yield count, rng.uniform(0, _COMMIT_SECONDS)


def _kill_while_sending(server: EventServer, load: Load) -> tuple[Ledger, set[str]]:
    ledger, pause = Ledger(), threading.Event()
    work = [load.of_sender(sender) for sender in range(SENDERS)]
    sent = {each for of_sender in work for ids in of_sender for each in ids}

    def send_all(of_sender: list[list[str]]) -> None:
        for ids in of_sender:
            _send_until_acknowledged(server, ids, ledger)

    with ThreadPoolExecutor(max_workers=SENDERS) as threads:
        sending = [threads.submit(send_all, of_sender) for of_sender in work]
        for count, delay_seconds in load.deaths(len(sent)):
            _wait_for_count(ledger, count)
            pause.wait(delay_seconds)
            server.kill()
            server.start()
        for done in as_completed(sending, timeout=PATIENCE_SECONDS):
            done.result()
    return ledger, sent


def _wait_for_count(ledger: Ledger, count: int) -> None:
    pause = threading.Event()
    while len(ledger.acknowledged) < count:
        pause.wait(0.001)


def _check(store_url: str, sent: set[str], ledger: Ledger) -> None:
    """Nothing is missing, nothing is there twice, nothing was counted twice."""
    engine = create_engine(store_url)
    with engine.connect() as connection:
        stored = connection.scalars(select(predictions.c.prediction_id)).all()
        counted = connection.scalar(select(func.sum(ingest_batches.c.accepted_count)))
    check_totals(engine)
    engine.dispose()
    assert ledger.acknowledged - set(stored) == set(), "acknowledged and not stored"
    assert sorted(stored) == sorted(sent)
    assert counted == len(sent)


def test_kills_lose_no_acknowledged_event_and_store_none_twice(store_url: str, tmp_path: Path) -> None:
    load = Load(kills=10, requests=30, most_rows=20, seed=7)

    with EventServer(url=store_url, home=tmp_path) as server:
        server.start()
        ledger, sent = _kill_while_sending(server, load)

    _check(store_url, sent, ledger)
    assert ledger.attempts > SENDERS * load.requests, "no kill ever met a request"


@pytest.mark.long
def test_two_hundred_kills_lose_none_of_a_million_acknowledged_events_and_store_none_twice(
    store_url: str, tmp_path: Path
) -> None:
    load = Load(kills=200, requests=2_000, most_rows=260, seed=1)

    with EventServer(url=store_url, home=tmp_path) as server:
        server.start()
        ledger, sent = _kill_while_sending(server, load)

    _check(store_url, sent, ledger)
    assert len(ledger.acknowledged) >= 1_000_000
    assert ledger.attempts >= SENDERS * load.requests + load.kills, "not every kill met a request"


@pytest.mark.parametrize("point", CrashPoint)
def test_a_crash_at_any_point_is_made_good_by_sending_again(store_url: str, tmp_path: Path, point: CrashPoint) -> None:
    ledger = Ledger()
    before, dying = ["before-1", "before-2"], [f"dying-{number}" for number in range(30)]

    with EventServer(url=store_url, home=tmp_path) as server, ThreadPoolExecutor(max_workers=1) as threads:
        server.start(Fate(crash_point=point, commits=1))
        _send_until_acknowledged(server, before, ledger)
        sending = threads.submit(_send_until_acknowledged, server, dying, ledger)
        assert server.wait_until_dead() == -9
        survived = _stored(store_url)
        server.start()
        sending.result()

    committed = {*dying} if point in {CrashPoint.AFTER_COMMIT, CrashPoint.HALF_TOLD} else set()
    assert survived == {*before, *committed}
    _check(store_url, {*before, *dying}, ledger)


def test_a_server_that_is_asked_to_end_stores_and_answers_what_it_has_taken(sqlite_url: str, tmp_path: Path) -> None:
    ledger = Ledger()
    refused = 0

    def send_until_refused(sender: int) -> int:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            for number in itertools.count():
                one = event(prediction_id=f"s{sender}-{number}")
                try:
                    reply = client.post("/v0/events?name=ml_model_predictions", json=one)
                except httpx.TransportError:
                    break
                if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    break
                assert reply.status_code == httpx.codes.ACCEPTED
                ledger.note([one["prediction_id"]])
        return 1

    (tmp_path / "monitoring.yaml").write_text(f"store_url: {sqlite_url}\n")
    arguments = ("--config", str(tmp_path / "monitoring.yaml"))
    with (
        ServerProcess(home=tmp_path, environment={}, arguments=arguments) as server,
        ThreadPoolExecutor(max_workers=SENDERS) as threads,
    ):
        sending = [threads.submit(send_until_refused, sender) for sender in range(SENDERS)]
        _wait_for_count(ledger, 50)
        server.stop()
        refused = sum(each.result() for each in sending)

    assert refused == SENDERS
    assert ledger.acknowledged <= _stored(sqlite_url)


def test_a_full_disk_is_never_acknowledged_and_work_goes_on_when_there_is_room(
    sqlite_engine: Engine, sqlite_url: str, tmp_path: Path
) -> None:
    ledger = Ledger()
    with sqlite_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    size = max(file.stat().st_size for file in tmp_path.iterdir() if file.is_file())
    number = 0

    with EventServer(url=sqlite_url, home=tmp_path) as server:
        server.start(Fate(most_file_bytes=size + 500_000))
        while (reply := server.post(_body(ids := [f"p{number}-{row}" for row in range(200)]))).is_success:
            ledger.note(ids)
            number += 1
        server.stop()
        kept = _stored(sqlite_url)
        server.start()
        _send_until_acknowledged(server, ids, ledger)

    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) > 0
    assert kept == ledger.acknowledged - set(ids)
    assert _stored(sqlite_url) == ledger.acknowledged


def _body(ids: list[str]) -> bytes:
    return b"\n".join(orjson.dumps(_event(each)) for each in ids)


def _event(prediction_id: str) -> dict[str, Any]:
    """An event that says the same each time it is sent, with something for every total to count."""
    number = zlib.crc32(prediction_id.encode())
    truth: dict[str, Any] = {"actual_value": number % 991 / 7} if number % 3 else {}
    return event(
        prediction_id=prediction_id,
        timestamp=f"2026-03-02 {number % 5:02}:{number % 53:02}:{number % 47:02}",
        model_version=f"v{number % 2}",
        predicted_value=number % 997 / 7,
        latency_ms=number % 600 / 2,
        confidence=number % 101 / 100,
        **truth,
    )


def _stored(store_url: str) -> set[str]:
    engine = create_engine(store_url)
    with engine.connect() as connection:
        found = set(connection.scalars(select(predictions.c.prediction_id)))
    engine.dispose()
    return found
