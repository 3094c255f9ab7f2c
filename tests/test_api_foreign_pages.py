"""Requests that another page, or a name bent to this machine, makes a browser send."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.serving import code_of, event, installation_on, served, serving

EVENTS = "/v0/events?name=ml_model_predictions"


@pytest.fixture
def here(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(sqlite_engine, tmp_path, clock=clock)


@pytest.fixture
def client(here: Installation) -> Iterator[httpx.Client]:
    with served(here) as client:
        yield client


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]"])
def test_the_names_of_loopback_are_known(client: httpx.Client, host: str) -> None:
    assert client.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example", "127.0.0.1.rebound.example", "localhost@rebound.example", "0.0.0.0", "", "[", "a b", "x" * 999],
)
def test_a_name_that_was_bent_to_this_machine_is_refused(client: httpx.Client, host: str) -> None:
    reply = client.get("/livez", headers={"Host": host})

    assert (reply.status_code, code_of(reply)) == (403, "foreign-request")
    assert host not in reply.text or len(host) < 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://foreign.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_what_another_page_sends_is_refused_and_nothing_of_it_is_stored(
    client: httpx.Client, here: Installation, headers: dict[str, str]
) -> None:
    reply = client.post(EVENTS, json=event(), headers=headers)

    assert (reply.status_code, code_of(reply)) == (403, "foreign-request")
    with here.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM predictions")) == 0


def test_no_page_is_told_that_it_may_ask_from_elsewhere(client: httpx.Client) -> None:
    asking = {"Origin": "https://foreign.example", "Access-Control-Request-Method": "POST"}

    reply = client.options(EVENTS, headers=asking)

    assert reply.status_code == 403
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_person_may_follow_a_link_to_the_docs(client: httpx.Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    assert client.get("/docs", headers=link).status_code == 200


def test_behind_a_proxy_only_the_names_that_were_given_are_known(here: Installation) -> None:
    named = create_app(service_of(here, open_to_anybody=True), hosts=["monitor.example"])
    any_name = create_app(service_of(here, open_to_anybody=False), hosts=None)

    with serving(named) as client:
        known = [client.get("/livez", headers={"Host": name}).status_code for name in ("Monitor.example", "other")]
    with serving(any_name) as client:
        free = [client.get("/livez", headers={"Host": name}).status_code for name in ("other:80", "[", "a/b", "a@b")]

    assert known == [200, 403]
    assert free == [200, 403, 403, 403]


@pytest.mark.parametrize("headers", [{"Host": "monitor.example"}, {"Origin": "https://monitor.example"}])
def test_a_refusal_says_what_whoever_runs_the_server_can_do(client: httpx.Client, headers: dict[str, str]) -> None:
    reply = client.get("/livez", headers=headers)

    assert "started with MONITOR_ALLOWED_HOSTS=NAME" in reply.json()["detail"]
    assert "monitor.example" not in reply.text
