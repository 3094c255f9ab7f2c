"""What the API refuses whoever asks, what each answer says to browsers, and what never leaves the server."""

import gc
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import Engine, text
from sqlalchemy import event as engine_events

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.callers import Administrator, Appender, PipeReader
from monitoring_pipeline.api.hardening.connections import BoundedConnection
from monitoring_pipeline.api.hardening.requests import (
    MOST_ADDRESS_BYTES,
    MOST_BODY_BYTES,
    MOST_HEADER_BYTES,
    MOST_HEADERS,
)
from monitoring_pipeline.api.problems import MEDIA_TYPE
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.windows import isoformat
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.serving import ServerProcess, code_of, event, installation_on, served, serving, token_for

EVENTS = "/v0/events?name=ml_model_predictions"
CANARY = "canary-7f3a91"

router = APIRouter()


@router.get("/v0/pipes/a.json")
async def a_pipe(caller: PipeReader) -> str:
    return caller.name


@router.post("/v0/pipes/a.json")
async def a_pipe_by_post(caller: PipeReader) -> str:
    return caller.name


@router.get("/v0/pipes/keys.json")
async def an_admins_pipe(caller: Administrator) -> str:
    return caller.name


@router.get("/v1/a")
async def no_pipe(caller: PipeReader) -> str:
    return caller.name


@router.post("/v1/body")
async def a_body(caller: Appender, body: dict[str, Any]) -> int:
    return len(body)


@router.get("/v1/fails")
async def fails() -> None:
    raise ValueError(f"could not convert {CANARY}")


@pytest.fixture
def here(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(sqlite_engine, tmp_path, clock=clock)


@pytest.fixture
def client(here: Installation) -> Iterator[httpx.Client]:
    """Of an app with the routes above beside the true ones."""
    app = create_app(service_of(here, open_to_anybody=True))
    app.include_router(router)
    with serving(app) as client:
        yield client


def raw(client: httpx.Client, sent: bytes) -> bytes:
    """What the server says to these bytes until it hangs up."""
    port = client.base_url.port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=PATIENCE_SECONDS) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it hung up before it had heard all
            connection.sendall(sent)
        return _heard(connection)


def _heard(connection: socket.socket) -> bytes:
    heard = b""
    with suppress(ConnectionResetError):  # it hung up on what was still on its way
        while piece := connection.recv(65_536):
            heard += piece
    return heard


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("POST", EVENTS, 202),
        ("POST", "/v0/events", 422),
        ("GET", "/nothing", 404),
        ("DELETE", "/livez", 405),
        ("GET", "/v1/fails", 500),
    ],
)
def test_every_answer_tells_browsers_to_keep_and_show_and_guess_nothing(
    client: httpx.Client, method: str, address: str, status: int
) -> None:
    reply = client.request(method, address, json=event() if method == "POST" else None)

    assert reply.status_code == status
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert "script" not in reply.headers["content-security-policy"]
    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_token_in_the_address_opens_reading_by_get_of_pipes_and_nothing_else(
    client: httpx.Client, here: Installation
) -> None:
    secret = token_for(here, "admin", client="a")["Authorization"].removeprefix("Bearer ")
    reader = token_for(here, "pipes:read", client="r")["Authorization"].removeprefix("Bearer ")
    asked = {
        "pipe": client.get("/v0/pipes/a.json", params={"token": reader}),
        "by post": client.post("/v0/pipes/a.json", params={"token": reader}),
        "no pipe": client.get("/v1/a", params={"token": reader}),
        "events": client.post(EVENTS, params={"token": secret}, json=event()),
        "admin's pipe": client.get("/v0/pipes/keys.json", params={"token": secret}),
        "admin's pipe, by header": client.get(
            "/v0/pipes/keys.json", headers={"Authorization": f"Bearer {secret}"}, params={"token": "x"}
        ),
    }

    statuses = {name: reply.status_code for name, reply in asked.items()}

    assert statuses == {
        "pipe": 200,
        "by post": 401,
        "no pipe": 401,
        "events": 401,
        "admin's pipe": 403,
        "admin's pipe, by header": 200,
    }
    assert not [name for name, reply in asked.items() if secret in reply.text or reader in reply.text]


def test_a_wrong_token_is_refused_with_what_to_do_and_never_repeated(client: httpx.Client, here: Installation) -> None:
    token_for(here, "admin")
    wrong = ["mlmon_" + CANARY, "\u00e9" * 20, "x" * 10_000, "Bearer", "null", "' OR 1=1 --"]

    replies = [client.get("/v1/a", headers=[(b"Authorization", f"Bearer {word}".encode())]) for word in wrong]

    assert {(reply.status_code, code_of(reply)) for reply in replies} == {(401, "unauthorized")}
    assert {reply.headers["www-authenticate"] for reply in replies} == {"Bearer"}
    assert not [reply for reply in replies if CANARY in reply.text]


def test_wrong_tokens_ask_the_store_nothing_but_for_the_tokens_now_and_then(
    client: httpx.Client, here: Installation
) -> None:
    token_for(here, "admin")
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    engine_events.listen(here.engine, "before_cursor_execute", note)
    headers = {"Authorization": "Bearer mlmon_" + "A" * 43}
    addresses = [("POST", EVENTS), ("GET", "/v1/models"), ("GET", "/v0/pipes/model_performance_metrics.json")] * 20
    replies = [client.request(method, address, headers=headers, content=b"{}") for method, address in addresses]

    assert {reply.status_code for reply in replies} == {401}
    queries = [statement for statement in asked if statement != "BEGIN"]
    assert all("FROM api_tokens" in query for query in queries)
    assert len(queries) < len(replies)


def test_addresses_headers_and_bodies_have_an_end(client: httpx.Client) -> None:
    long_body = b'{"a": "%s"}' % (b"x" * MOST_BODY_BYTES)
    json_type = {"Content-Type": "application/json"}

    replies = [
        client.get("/livez?" + "q" * MOST_ADDRESS_BYTES),
        client.get("/livez", headers={"X-Long": "x" * MOST_HEADER_BYTES}),
        client.get("/livez", headers={f"X-{number}": "1" for number in range(MOST_HEADERS)}),
        client.post("/v1/body", content=long_body, headers=json_type),
        client.post("/v1/body", content=iter([long_body[:500_000], long_body[500_000:]]), headers=json_type),
        client.get("/livez?q=%00"),
        client.get("/livez/%00"),
    ]

    assert [(reply.status_code, code_of(reply)) for reply in replies] == [
        (414, "address-too-long"),
        (431, "headers-too-large"),
        (431, "headers-too-large"),
        (413, "body-too-large"),
        (413, "body-too-large"),
        (400, "bad-text"),
        (400, "bad-text"),
    ]
    assert client.post("/v1/body", json={"a": 1}).json() == 1


def test_headers_that_never_end_are_cut_off_before_they_fill_the_memory(client: httpx.Client) -> None:
    begun = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
    in_chunks = b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    answers = [
        raw(client, begun + b"X-Long: " + b"x" * 5_000_000),
        raw(client, begun + b"X: y\r\n" * 1_000_000),
        raw(client, b"GET /" + b"a" * 5_000_000),
        raw(client, in_chunks + b"1;" + b"e" * 5_000_000),
    ]

    assert {answer.split(b"\r\n", 1)[0] for answer in answers} <= {
        b"HTTP/1.1 431 Request Header Fields Too Large",
        b"HTTP/1.1 405 Method Not Allowed",
        b"",  # the server hung up while the client was still sending
    }
    assert client.get("/livez").status_code == 200


class Impatient(BoundedConnection):
    request_seconds = 0.3


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: local",
        b"POST /v1/body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
        b"POST /v0/events?name=ml_model_predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
    ],
)
def test_whoever_never_ends_a_request_is_hung_up_on(here: Installation, begun: bytes) -> None:
    app = create_app(service_of(here, open_to_anybody=True))
    app.include_router(router)

    with serving(app, connection=Impatient) as client:
        answer = raw(client, begun)

        assert client.get("/livez").status_code == 200
    assert b" 408 " in answer.split(b"\r\n", 1)[0] or answer == b""


def test_only_http_is_spoken(client: httpx.Client) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    others = [b"\x16\x03\x01\x02\x00\x01", b"HELO monitor\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]

    answers = [raw(client, sent) for sent in others]

    assert client.get("/livez", headers=upgrade).status_code == 200
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 400 Bad Request"}
    assert all(MEDIA_TYPE.encode() in answer for answer in answers)


def test_a_header_behind_the_body_changes_nothing(client: httpx.Client, here: Installation) -> None:
    bearer = token_for(here, "admin")["Authorization"].encode()
    body = json.dumps({"a": 1}).encode()
    sent = (
        b"POST /v1/body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nAuthorization: %s\r\n\r\n" % (len(body), body, bearer)
    )

    assert raw(client, sent).startswith(b"HTTP/1.1 401 ")


def test_a_failure_of_the_program_is_told_without_what_was_sent(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    reply = client.get("/v1/fails")

    assert (reply.status_code, code_of(reply)) == (500, "internal-error")
    assert "test_api_security.py" in caplog.text  # where it failed
    assert "ValueError" in caplog.text
    assert CANARY not in caplog.text + reply.text


def test_neither_the_log_nor_any_answer_repeats_values_tokens_or_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path))
    here = open_installation()
    bearer = token_for(here, "admin")
    secret = bearer["Authorization"].removeprefix("Bearer ")
    reader = token_for(here, "pipes:read", client="r")["Authorization"].removeprefix("Bearer ")
    telling = event(
        timestamp=isoformat(here.clock()), features={"income": CANARY}, prediction_id=CANARY, entity_id=CANARY
    )
    bodies = [
        telling,
        {**telling, "timestamp": CANARY},
        {**telling, "predicted_value": CANARY},
        {**telling, CANARY: {"nested": [CANARY]}},
        [CANARY],
    ]

    with (
        ServerProcess(home=tmp_path, environment={}) as server,
        httpx.Client(base_url=server.url, headers=bearer, trust_env=False, timeout=PATIENCE_SECONDS) as client,
    ):
        replies = [client.post(EVENTS, json=body) for body in bodies]
        replies += [
            client.post(EVENTS, content=f'{{"a": {CANARY}'),
            client.post("/v0/events", params={"name": CANARY, "token": secret}),
            client.get(f"/{CANARY}"),
            client.get("/v0/pipes/model_performance_metrics.json", params={"token": CANARY, "time_window": CANARY}),
            client.get("/livez", headers={"Host": CANARY}),
            client.get("/v1/models", headers={"Authorization": f"Bearer {CANARY}"}),
        ]
        with here.engine.begin() as connection:
            connection.execute(text("DROP TABLE predictions"))
        broken = client.post(EVENTS, json={**telling, "prediction_id": CANARY + "2"})
        in_address = {"model_id": CANARY, "model_version": "1"}
        with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE_SECONDS) as dashboard:
            opened = [
                dashboard.get(f"/v0/pipes/{pipe}.json", params={**in_address, "token": reader})
                for pipe in ("model_performance_metrics", "prediction_details", "nowhere")
            ]
    here.engine.dispose()
    log = (tmp_path / "serve.log").read_text(errors="replace")

    assert replies[0].json() == {"successful_rows": 1, "quarantined_rows": 0}
    assert broken.status_code == 503
    assert "predictions" in log  # the operator is told what is wrong
    assert not [told for told in [*(reply.text for reply in replies), broken.text, log] if CANARY in told]
    assert {reply.status_code for reply in opened} <= {200, 404, 503}  # the store is broken, not the token
    assert not [told for told in [*(reply.text for reply in opened), log] if secret in told or reader in told]


def test_the_address_of_a_server_names_no_path_of_it(client: httpx.Client) -> None:
    paths = ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/docs/../../x", "//x")
    replies = [client.get(f"{client.base_url}{path}") for path in paths]

    assert {reply.status_code for reply in replies} == {404}
    assert not [reply for reply in replies if "passwd" in reply.text or "site-packages" in reply.text]


def test_connections_are_given_back(here: Installation) -> None:
    with served(here) as client:
        for _ in range(50):
            raw(client, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            raw(client, b"nonsense\r\n\r\n")
        gc.collect()

        assert client.get("/livez").status_code == 200
    assert [thing for thing in gc.get_objects() if isinstance(thing, BoundedConnection)] == []
