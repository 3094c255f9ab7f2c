"""Connections in bad hands, or in unusual ones: answers that nobody reads, and wishes for another protocol."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.hardening.connections import BoundedConnection
from monitoring_pipeline.api.hardening.heads import without_upgrade
from monitoring_pipeline.api.hardening.unread import LEAST_TAKEN_BYTES, Unread
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.serving import event, installation_on, served, serving

DETAILS = "/v0/pipes/prediction_details.json?model_id=price"
WISH = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


@pytest.fixture
def here(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(sqlite_engine, tmp_path, clock=clock)


@pytest.fixture
def client(here: Installation) -> Iterator[httpx.Client]:
    with served(here) as client:
        yield client


def _connected(client: httpx.Client, *, buffer_bytes: int | None = None) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(PATIENCE_SECONDS)
    if buffer_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    connection.connect(("127.0.0.1", client.base_url.port))
    return connection


def test_whoever_never_reads_the_answers_is_hung_up_on(here: Installation) -> None:
    lost = threading.Event()

    class Impatient(BoundedConnection):
        request_seconds = 0.2

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    app = create_app(service_of(here, open_to_anybody=True))
    with serving(app, connection=Impatient) as client, _connected(client, buffer_bytes=4_096) as silent:
        silent.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)

        assert lost.wait(PATIENCE_SECONDS)


def test_a_client_is_stuck_if_it_takes_hardly_anything_of_one_answer_between_two_looks() -> None:
    unread, one, other = Unread(), object(), object()
    looks = [
        (one, 500_000, False),  # it has just begun
        (one, 500_000 - LEAST_TAKEN_BYTES, False),
        (one, 500_001 - 2 * LEAST_TAKEN_BYTES, True),
        (other, 900_000, False),  # the one before was taken
        (other, 0, False),
        (other, 0, False),
    ]

    assert [unread.is_stuck(answer, left) for answer, left, _ in looks] == [stuck for *_, stuck in looks]


@pytest.mark.parametrize("in_two_pieces", [False, True])
def test_a_body_behind_a_wish_for_another_protocol_is_taken(client: httpx.Client, in_two_pieces: bool) -> None:
    body = orjson.dumps(event(features={"text": "\r\nUpgrade: x"}))
    head = b"POST /v0/events?name=ml_model_predictions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s" % WISH
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    answer = b""

    with _connected(client) as connection:
        connection.sendall(head)
        if in_two_pieces:
            # Heard once the head was parsed: what follows it is another piece then.
            assert client.get("/livez").status_code == 200
        connection.sendall(body)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                answer += piece

    assert answer.startswith(b"HTTP/1.1 202 ")
    [row] = client.get(DETAILS).json()["data"]
    assert orjson.loads(row["features"]) == {"text": "\r\nUpgrade: x"}


@pytest.mark.parametrize(
    ("sent", "parsed"),
    [
        (b"UPGRADE : x\r\nX: Upgrade: y\r\n\r\n", b"Ignored : x\r\nX: Upgrade: y\r\n\r\n"),
        (b"upgrade: x", b"Ignored: x"),
        (b"X: y\r\n\r\n\r\nUpgrade: x\r\n", b"X: y\r\n\r\n\r\nUpgrade: x\r\n"),
        (b"Upgrade-Insecure-Requests: 1\r\n\r\n", b"Upgrade-Insecure-Requests: 1\r\n\r\n"),
    ],
    ids=["whatever its letters", "in a head that goes on", "not in the body", "not part of a name"],
)
def test_only_the_wish_in_the_head_is_unsaid(sent: bytes, parsed: bytes) -> None:
    begun = b"POST / HTTP/1.1\r\n"

    assert without_upgrade(begun + sent) == begun + parsed
