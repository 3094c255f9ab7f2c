"""What tokens open and what they see: while they are revoked, of other models, and while much else is computed."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.access.book import TokenBook
from monitoring_pipeline.access.tokens import list_tokens, revoke_token
from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.components.component import Component
from monitoring_pipeline.api.present.latest import MOST_AT_ONCE
from monitoring_pipeline.api.present.spared import Spared
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.events.group_commit import EventWriter
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.serving import event, installation_on, served, serving, token_for

EVENTS = "/v0/events?name=ml_model_predictions"


def test_a_token_that_is_revoked_while_its_body_is_on_the_way_stores_nothing(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    here = installation_on(engine, tmp_path, clock=clock)
    appending, reading = token_for(here, "events:append", client="a"), token_for(here, "admin", client="r")
    looked_at = [0.0]
    tokens = TokenBook(engine, clock=clock, open_to_anybody=False, timer=lambda: looked_at[0])
    writer = EventWriter(engine, config=here.config, clock=clock)
    body = orjson.dumps(event())
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n" % (
        EVENTS.encode(),
        appending["Authorization"].encode(),
        len(body),
    )

    app = create_app(Service(installation=here, writer=writer, tokens=tokens))
    with serving(app) as client, socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as sending:
        sending.settimeout(PATIENCE_SECONDS)
        sending.sendall(head + body[:9])
        # The answer says that the head was read: both connections are served by one thread, in turn.
        assert client.get("/v1/models", headers=reading).status_code == 200
        revoke_token(engine, next(token.token_id for token in list_tokens(engine) if token.client == "a"), clock=clock)
        looked_at[0] += 2.0
        sending.sendall(body[9:])
        answer = sending.recv(65_536)
        models = client.get("/v1/models", headers=reading).json()["items"]

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert models == []


def test_health_is_told_while_others_compute_all_that_may_be_computed_at_once(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    service = service_of(installation_on(sqlite_engine, tmp_path, clock=clock), open_to_anybody=True)
    begun, may_end = threading.Semaphore(0), threading.Event()

    def slow() -> None:
        begun.release()
        may_end.wait(PATIENCE_SECONDS)

    with serving(create_app(service)) as client, ThreadPoolExecutor() as others:
        client.post(EVENTS, json=event())
        for question in range(MOST_AT_ONCE):
            others.submit(service.insight.operations.ask, question, revision=1, compute=slow)  # type: ignore[arg-type]  # an answer that nobody looks at
            begun.acquire()
        busy = client.get("/health")
        may_end.set()

    assert (busy.status_code, busy.json()["status"]) == (200, "healthy")
    assert busy.json()["models"] == [{"model_id": "price", "status": "not_enough_data", "checks": []}]


def test_health_is_looked_at_by_one_thread_however_many_ask_without_a_token(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    service = service_of(installation_on(sqlite_engine, tmp_path, clock=clock), open_to_anybody=True)
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> list[Component]:
        begun.set()
        may_end.wait(PATIENCE_SECONDS)
        return []

    with serving(create_app(service)) as client, ThreadPoolExecutor() as others:
        before = client.get("/health").json()
        others.submit(service.parts.answer, slow)
        begun.wait()
        client.post(EVENTS, json={})  # a refused row, which a new look would tell of
        meanwhile = client.get("/health").json()
        may_end.set()

    assert meanwhile == before
    assert before["components"]


def test_what_took_long_is_not_computed_again_at_once() -> None:
    now = [100.0]
    spared: Spared[int] = Spared(timer=lambda: now[0])

    def taking(seconds: float, found: int) -> int:
        now[0] += seconds
        return found

    answers = [spared.answer(lambda: taking(0.1, 1)), spared.answer(lambda: taking(2.0, 2))]
    for later in (5.9, 0.2):
        now[0] += later
        answers.append(spared.answer(lambda: taking(0.1, 3)))

    assert answers == [1, 2, 2, 3]


def test_figures_over_all_models_are_not_for_readers_of_some(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    here = installation_on(engine, tmp_path, clock=clock)
    some, every = token_for(here, "metrics:read@pri*", client="s"), token_for(here, "metrics:read", client="e")

    with served(here) as client:
        of_some, of_every = (client.get("/health", headers=headers).json() for headers in (some, every))

    assert all(part.keys() == {"name", "status"} for part in of_some["components"])
    assert all(part.keys() == {"name", "status", "reason", "figures"} for part in of_every["components"])
    assert of_some["models"] == of_every["models"] == []


def test_a_row_with_a_number_that_is_none_is_shown_to_whoever_reads_its_model(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    here = installation_on(engine, tmp_path, clock=clock)
    admin, mine, other = (
        token_for(here, grant, client=grant) for grant in ("admin", "metrics:read@price", "metrics:read@cost")
    )
    lines = [b'{"model_id": "price", "predicted_value": %s}' % value for value in (b"NaN", b"1e999", b"1" * 5_000)]

    with served(here) as client:
        assert client.post(EVENTS, content=b"\n".join(lines), headers=admin).json()["quarantined_rows"] == 3
        shown, hidden = (client.get("/v1/quarantine", headers=headers).json()["items"] for headers in (mine, other))

    assert [row["model_id"] for row in shown] == ["price", "price"]  # of the last one nothing can be read
    assert hidden == []


@pytest.mark.parametrize(
    "accept",
    ["text/plain;version=new", "application/openmetrics-text; version=1.0.0 beta, */*", "text/plain;version=x.y"],
)
def test_a_scraper_that_asks_for_a_version_that_is_no_number_is_given_the_plain_format(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, accept: str
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        scraped = client.get("/metrics", headers={"Accept": accept})

    assert scraped.status_code == 200
    assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "mlmon_store_up 1.0" in scraped.text


@pytest.mark.parametrize("address", [f"{EVENTS.replace('?', '/?')}", "/livez/", "/v0/pipes/prediction_details.json/"])
def test_a_slash_too_many_is_told_and_not_sent_elsewhere(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, address: str
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.request("POST" if "events" in address else "GET", address, follow_redirects=False)

    assert reply.status_code == 404
    assert reply.json()["type"].endswith("not-found")


def test_the_truth_has_two_names_in_a_prediction_that_is_logged_and_one_value(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    sent = {"model_id": "price", "features": {}, "prediction": 4.0, "prediction_id": "p"}

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        refused = client.post("/monitor/predict", json={**sent, "ground_truth": 1.0, "actual_value": 2.0})
        stored = client.post("/monitor/predict", json={**sent, "actual_value": 3.0})
        [row] = client.get("/v0/pipes/prediction_details.json", params={"model_id": "price"}).json()["data"]

    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "contradiction")
    assert stored.json()["ground_truth_stored"] is True
    assert row["actual_value"] == 3.0
