"""Every error is a problem document: what was wrong, where, what to do, and nothing of what was sent."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import APIRouter, Body
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.problems import MEDIA_TYPE, MOST_DETAIL_CHARACTERS, MOST_ERRORS, TYPE_PREFIX, Problem
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.database import without_values
from monitoring_pipeline.errors import MonitorError
from tests.conftest import FixedClock
from tests.serving import installation_on, serving

SECRET = "income-of-4711"

router = APIRouter()


class Thing(BaseModel):
    number: int
    by_name: dict[str, int] = {}


@router.post("/v1/things")
async def take(thing: Thing = Body()) -> int:  # noqa: B008  (how FastAPI declares a body)
    return thing.number


@router.get("/v1/store")
def of_the_store() -> None:
    full = OSError(f"database or disk is full\nDETAIL: {SECRET}")
    raise OperationalError("INSERT", {"features": SECRET}, full)


@router.get("/v1/row")
def of_a_row() -> None:
    raise IntegrityError("INSERT", {"features": SECRET}, ValueError(f"Key ({SECRET}) already exists"))


@router.get("/v1/monitor")
async def of_the_monitor() -> None:
    raise MonitorError("the store /home/x/store.db cannot be used")


@router.get("/v1/told")
async def told() -> None:
    raise Problem(HTTPStatus.CONFLICT, "taken", "a\r\nb\ud800" + "x" * 10_000, headers={"X-A": "1"}, place="here")


@pytest.fixture
def client(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Iterator[httpx.Client]:
    app = create_app(service_of(installation_on(sqlite_engine, tmp_path, clock=clock), open_to_anybody=True))
    app.include_router(router)
    with serving(app) as client:
        yield client


def problem_of(reply: httpx.Response) -> tuple[int, str]:
    """Status and code, which the document and the answer agree on."""
    document = reply.json()
    assert reply.headers["content-type"] == MEDIA_TYPE
    assert document["status"] == reply.status_code
    assert document["title"] == HTTPStatus(reply.status_code).phrase
    assert document["detail"]
    return reply.status_code, document["type"].removeprefix(TYPE_PREFIX)


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/nothing", None, (404, "not-found")),
        ("PUT", "/v1/things", None, (405, "method-not-allowed")),
        ("POST", "/v1/things", b"{", (422, "invalid-request")),
        ("POST", "/v1/things", b"[" * 100_000, (400, "bad-request")),
        ("POST", "/v1/things", b"\xff\xfe\xfd", (400, "bad-request")),
        ("POST", "/v1/things", b'{"number": %s}' % (b"9" * 10_000), (400, "bad-request")),
        ("POST", "/v1/things", b'{"number": NaN}', (422, "invalid-request")),
        ("GET", "/v1/store", None, (503, "unavailable")),
        ("GET", "/v1/monitor", None, (503, "unavailable")),
        ("GET", "/v1/row", None, (500, "internal-error")),
        ("GET", "/v1/told", None, (409, "taken")),
    ],
)
def test_every_error_is_a_problem_document(
    client: httpx.Client, method: str, path: str, body: bytes | None, expected: tuple[int, str]
) -> None:
    reply = client.request(method, path, content=body, headers={"Content-Type": "application/json"})

    assert problem_of(reply) == expected
    assert ("retry-after" in reply.headers) is (reply.status_code == 503)


def test_a_wrong_body_is_told_by_place_and_never_by_value(client: httpx.Client) -> None:
    body = {"number": SECRET, "by_name": {"fine": 1, "wrong": SECRET}}

    reply = client.post("/v1/things", json=body)

    assert [error["place"] for error in reply.json()["errors"]] == ["body.number", "body.by_name.wrong"]
    assert SECRET not in reply.text


@pytest.mark.parametrize("said", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_that_was_not_said_to_be_json_is_refused_with_the_header_that_is_missing(
    client: httpx.Client, said: str
) -> None:
    reply = client.post("/v1/things", content=b'{"number": 1}', headers={"Content-Type": said})

    assert problem_of(reply) == (422, "invalid-request")
    assert reply.json()["errors"] == [
        {
            "place": "body",
            "message": "was not said to be JSON; send it with the header Content-Type: application/json",
        }
    ]


def test_names_that_a_caller_made_up_are_repeated_in_one_short_line_and_not_all_of_them(client: httpx.Client) -> None:
    names = {f"\r\n{'k' * 2_000}{number}": "x" for number in range(100)}

    reply = client.post("/v1/things", json={"number": 1, "by_name": names})
    lone = client.post("/v1/things", content=b'{"number": 1, "by_name": {"\\ud800": "x"}}', headers=_JSON)

    assert problem_of(reply) == problem_of(lone) == (422, "invalid-request")
    assert len(reply.json()["errors"]) == MOST_ERRORS
    assert len(reply.content) < 20_000
    assert "\\r" not in reply.text


_JSON = {"Content-Type": "application/json"}


def test_what_a_route_tells_is_one_line_of_bounded_length(client: httpx.Client) -> None:
    reply = client.get("/v1/told")

    assert reply.json()["detail"].startswith("a  b x")
    assert len(reply.json()["detail"]) == MOST_DETAIL_CHARACTERS
    assert reply.json()["place"] == "here"
    assert reply.headers["x-a"] == "1"


def test_the_log_says_what_the_store_said_without_values(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    replies = [client.get(path) for path in ("/v1/store", "/v1/row", "/v1/monitor")]

    assert "database or disk is full" in caplog.text
    assert "IntegrityError" in caplog.text
    assert "/home/x/store.db" in caplog.text  # whoever reads the log runs the machine
    assert SECRET not in caplog.text
    assert not [reply for reply in replies if SECRET in reply.text or "/home" in reply.text]


def test_an_error_without_values_names_only_its_kind() -> None:
    assert without_values(ValueError(SECRET)) == "ValueError"
    assert without_values(MonitorError("mend it")) == "mend it"
    assert without_values(IntegrityError("INSERT", {}, ValueError(SECRET))) == "IntegrityError"


def test_a_problem_is_written_as_the_standard_says() -> None:
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "come again", retry_after_seconds=3)

    answer = problem.response()

    assert orjson.loads(bytes(answer.body)) == {
        "type": "urn:monitoring-pipeline:problem:overloaded",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "come again",
    }
    assert answer.headers["retry-after"] == "3"
