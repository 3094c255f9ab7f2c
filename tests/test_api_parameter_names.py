"""A parameter that an address does not know is refused by name, with those that it knows, the likeliest first."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.api.problems import MOST_ERRORS
from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.serving import code_of, event, installation_on, served, token_for

PIPE = "/v0/pipes/model_performance_metrics.json"


@pytest.fixture
def here(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(sqlite_engine, tmp_path, clock=clock)


@pytest.fixture
def client(here: Installation) -> Iterator[httpx.Client]:
    with served(here) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        yield client


@pytest.mark.parametrize(
    ("address", "begins_with"),
    [
        ("/v1/metrics?modle_id=x", "model_id, model_version, "),
        ("/v1/drift?form=2026-03-01", "from, "),
        ("/v1/alerts?serverity=critical", "severity, "),
        ("/v1/models?limits=3", "limit, cursor"),
        ("/v1/silences?sate=over", "state, "),
        ("/v1/quarantine?reasons=x", "reason, "),
        ("/v1/labels?as-of=2026-03-01", "as_of, "),
        ("/monitor/performance?modle_id=x", "model_id, hours"),
        ("/monitor/drift?hour=3", "hours, model_id"),
        ("/monitor/report?day=3", "days, "),
        (f"{PIPE}?modle_id=x", "model_id, model_version, "),
        ("/v0/pipes/prediction_details.csv?star_date=x", "start_date, "),
        (f"{PIPE}?time-window=48", "time_window, "),
    ],
)
def test_a_misspelt_parameter_is_named_with_the_one_that_was_probably_meant(
    client: httpx.Client, address: str, begins_with: str
) -> None:
    sent, right = address.partition("?")[2].partition("=")[0], begins_with.partition(",")[0]

    reply = client.get(address)

    assert (reply.status_code, code_of(reply)) == (422, "invalid-request")
    [error] = reply.json()["errors"]
    assert error["place"] == f"query.{sent}"
    assert error["message"].startswith(f"is no parameter of this address; allowed: {begins_with}")
    assert error["message"].endswith(f"did you mean {right!r}?")


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/v1/models/price?model_id=other"),
        ("POST", "/monitor/predict?model_id=other"),
        ("POST", "/simulate/sudden_drift?days=3"),
        ("POST", "/v1/silences?model_id=price"),
    ],
)
def test_what_belongs_in_the_path_or_the_body_is_not_taken_from_elsewhere(
    client: httpx.Client, method: str, address: str
) -> None:
    body = {"features": {}, "prediction": 1.0} if "predict" in address else None

    reply = client.request(method, address, json=body)

    assert (reply.status_code, code_of(reply)) == (422, "invalid-request")
    assert "is no parameter of this address; none is allowed here" in reply.json()["detail"]


@pytest.mark.parametrize(
    "address",
    [
        f"{PIPE}?model_id=price&time_window=48&utm_source=DEV&utm_campaign=a+b",
        f"{PIPE}?token=unused-by-a-server-without-tokens",
        "/v1/metrics?from=2026-03-01&to=2026-03-02&metric=mae&metric=rmse&model_id=",
        "/v1/models?",
        "/metrics?name[]=up",
    ],
)
def test_what_is_known_or_says_only_where_a_link_was_found_is_taken(client: httpx.Client, address: str) -> None:
    reply = client.get(address)

    assert "is no parameter" not in reply.text
    assert reply.status_code in {200, 404}


def test_who_may_not_ask_is_told_that_and_nothing_of_parameters(here: Installation) -> None:
    other = token_for(here, "events:append")

    with served(here) as client:
        replies = [client.get("/v1/models?x=1", headers=headers) for headers in ({}, other)]
        in_address = client.get("/monitor/performance?token=x")

    assert [reply.status_code for reply in (*replies, in_address)] == [401, 403, 401]


def test_names_that_somebody_made_up_are_told_in_one_short_line_and_not_all_of_them(client: httpx.Client) -> None:
    made_up = "&".join(f"x%0d%0a{number}{'y' * 50}=canary" for number in range(100))

    many, long = client.get(f"/v1/metrics?{made_up}"), client.get(f"/v1/metrics?{'z' * 7_000}=canary")

    assert len(many.json()["errors"]) == MOST_ERRORS
    assert [error["place"].isprintable() for error in many.json()["errors"]] == [True] * MOST_ERRORS
    assert len(long.json()["errors"][0]["place"]) == 200
    assert "canary" not in many.text + long.text


@pytest.mark.parametrize(
    "address",
    ["/v1/metrics?model_id=price&model_id=x", "/v1/models?limit=1&lim%69t=2", f"{PIPE}?model_id=a&model_id=b"],
)
def test_a_parameter_of_one_value_that_is_sent_twice_is_refused(client: httpx.Client, address: str) -> None:
    reply = client.get(address)

    assert (reply.status_code, code_of(reply)) == (422, "invalid-request")
    [error] = reply.json()["errors"]
    assert error["place"] in {"query.model_id", "query.limit"}
    assert error["message"] == "is sent several times, and takes one value"


def test_a_parameter_of_several_values_is_sent_as_often_as_wanted(client: httpx.Client) -> None:
    assert client.get("/v1/alerts?severity=critical&severity=warning").status_code == 200
