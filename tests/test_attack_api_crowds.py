"""Many who ask at once, and what costs much: ingest goes on, and the server stays its size."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import APIRouter
from sqlalchemy import Engine, select, text

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.api.threads import MOST_THREADS
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.formats.keys import distinct
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import MOST_PARTS
from monitoring_pipeline.events.quarantine import Rejected
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.serving import event, installation_on, served, serving

EVENTS = "/v0/events?name=ml_model_predictions"
DETAILS = "/v0/pipes/prediction_details"
LONG = {"text": "x" * 990_000}  # a row may have a million bytes


def test_events_are_stored_however_many_slow_answers_are_read_and_no_connection_is_missed(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    here = installation_on(engine, tmp_path, clock=clock)
    begun, may_end = threading.Semaphore(0), threading.Event()
    router = APIRouter()

    @router.get("/slow")
    def slow(service: ServiceOf) -> str:
        with reading(service.installation.engine) as connection:
            connection.execute(text("SELECT 1"))
            begun.release()
            may_end.wait(PATIENCE_SECONDS)
        return "ended"

    app = create_app(service_of(here, open_to_anybody=True))
    app.include_router(router)
    with serving(app) as client, ThreadPoolExecutor(40) as readers:
        asked = [readers.submit(client.get, "/slow") for _ in range(40)]
        for _ in range(MOST_THREADS):
            begun.acquire()
        # The first one also has the tokens looked at, with a query.
        statuses = [client.post(EVENTS, json=event(number)).status_code for number in range(3)]
        may_end.set()

        assert statuses == [202] * 3
        assert {answer.result().status_code for answer in asked} == {200}


def _post_long(client: httpx.Client, count: int, **changes: object) -> None:
    for begun in range(0, count, 5):
        rows = [event(number, features=LONG, **changes) for number in range(begun, min(count, begun + 5))]
        reply = client.post(EVENTS, content=b"\n".join(map(orjson.dumps, rows)))
        assert reply.status_code == 202


@pytest.fixture
def client(engine: Engine, tmp_path: Path, clock: FixedClock) -> Iterator[httpx.Client]:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        yield client


def test_long_features_are_told_up_to_a_bound_and_beyond_it_how_many_may_be_asked_for(client: httpx.Client) -> None:
    _post_long(client, 22)

    refused = client.get(f"{DETAILS}.csv", params={"model_id": "price", "limit": 10_000})
    told = client.get(f"{DETAILS}.ndjson", params={"model_id": "price", "limit": 19})

    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["place"] == "query.limit"
    assert error["message"].endswith("ask for 19 at most")
    assert len(told.content.splitlines()) == 19


def test_long_rows_in_quarantine_come_in_shorter_pages_and_are_replayed_some_at_a_time(
    client: httpx.Client, clock: FixedClock
) -> None:
    _post_long(client, 22, timestamp="2026-03-02 14:00:00")  # two hours ahead
    pages = [client.get("/v1/quarantine", params={"limit": 1_000}).json()]
    while pages[-1]["next_cursor"]:
        pages.append(client.get("/v1/quarantine", params={"cursor": pages[-1]["next_cursor"]}).json())

    clock.advance(hours=2)
    replayed = client.post("/v1/quarantine/replay", json={"limit": 1_000}).json()

    assert [len(page["items"]) for page in pages] == [10, 10, 2]
    assert len({row["quarantine_id"] for page in pages for row in page["items"]}) == 22
    assert (replayed["selected"], replayed["accepted"], replayed["next_cursor"]) == (22, 22, None)
    assert client.get("/v1/quarantine").json()["items"] == []


def test_an_hour_of_a_version_for_each_event_is_told_and_not_written_down_with_each_of_them(
    client: httpx.Client, engine: Engine
) -> None:
    versions = [f"v{number}" for number in range(MOST_PARTS + 1)]
    _post_versions(client, versions[:2])
    kept_at_first = _kept(engine)
    _post_versions(client, versions[2:])

    drift = client.get("/v0/pipes/model_drift_detection.json", params={"model_id": "price"}).json()["data"]
    one = client.get(
        "/v0/pipes/model_performance_metrics.json", params={"model_id": "price", "model_version": versions[-1]}
    ).json()["data"]

    assert sorted(row["r.model_version"] for row in drift) == sorted(versions)
    assert {(row["recent_count"], row["recent_mae"]) for row in drift} == {(1, 2.5)}
    assert [(row["prediction_count"], row["mae"]) for row in one] == [(1, 2.5)]
    assert _kept(engine) == kept_at_first


def _post_versions(client: httpx.Client, versions: list[str]) -> None:
    rows = [event(model_version=version, prediction_id=version, actual_value=40) for version in versions]
    assert client.post(EVENTS, content=b"\n".join(map(orjson.dumps, rows))).json()["successful_rows"] == len(versions)


def _kept(engine: Engine) -> list[tuple[int, str, str]]:
    table = hour_errors.c
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(table.revision, table.errors, table.parts))]


class _Counted(str):
    """A key that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        _Counted.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_name_of_a_repeated_key_is_found_in_one_pass_over_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Counted, "comparisons", 0)
    pairs: list[tuple[str, object]] = [(_Counted(f"k{number}"), 0) for number in range(5_000)]

    with pytest.raises(Rejected, match="the key 'k4999' is written more than once"):
        distinct([*pairs, (_Counted("k4999"), 1)])

    assert _Counted.comparisons < 10 * len(pairs)
