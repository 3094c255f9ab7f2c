"""Whatever is sent: a clear refusal or a counted row, no failure of the program, bounded memory, and it goes on."""

import random
import re
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import Engine, func, select

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.hardening.connections import BoundedConnection
from monitoring_pipeline.api.openapi.document import operations
from monitoring_pipeline.api.problems import MEDIA_TYPE
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.database import open_engine
from monitoring_pipeline.events.tables import ingest_batches
from tests.conftest import FixedClock
from tests.hostile_corpus import CONNECTIONS, INJECTIONS, VALUES, Request, bodies, events, methods
from tests.native_services import PATIENCE_SECONDS
from tests.serving import LOOPBACK, ServerProcess, event, installation_on, served, serving

PIECE_BYTES = 65_536
GROWTH_MEGABYTES = 150  # of a process that takes what 40 MB of requests hold, whatever is sent
SEED = 20_260_302


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(home=tmp_path_factory.mktemp("home"), environment={}) as server:
        yield server


def client_of(server: ServerProcess) -> httpx.Client:
    return httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE_SECONDS)


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held so far; where the system does not keep that, what it holds now."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    else:
        kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout
    return int(kilobytes) / 1_000


def send(client: httpx.Client, asked: Request) -> httpx.Response:
    pieces = (asked.body[start : start + PIECE_BYTES] for start in range(0, len(asked.body), PIECE_BYTES))
    content = pieces if asked.in_pieces else asked.body
    return client.request(asked.method, asked.path, content=content, headers=asked.headers)


def is_clear(reply: httpx.Response) -> bool:
    """Whether it is an answer, or a refusal that a program can read."""
    if reply.status_code < 400 or reply.request.method == "HEAD":
        return reply.status_code < 500
    return reply.status_code < 500 and reply.headers["content-type"] == MEDIA_TYPE and bool(reply.json()["detail"])


def acknowledged(text: str) -> tuple[int, int]:
    """Rows that were acknowledged as stored, and as quarantined, in one or many answers."""
    found = re.findall(r'\{"successful_rows":(\d+),"quarantined_rows":(\d+)\}', text)
    return sum(int(taken) for taken, _ in found), sum(int(rejected) for _, rejected in found)


def counted(engine: Engine) -> tuple[int, int]:
    """Rows that the ledger of ingest counts as stored, and as put aside; together they are all that came."""
    columns = ingest_batches.c
    taken = columns.accepted_count + columns.duplicate_count
    put_aside = columns.quarantined_count + columns.conflict_count
    with engine.connect() as connection:
        received, stored, rejected = connection.execute(
            select(func.sum(columns.received_count), func.sum(taken), func.sum(put_aside))
        ).one()
    assert received == stored + rejected
    return stored, rejected


def test_hostile_bodies_are_answered_counted_and_held_within_bounds(server: ServerProcess) -> None:
    corpus = [*events(), *bodies()]
    unclear = []

    with client_of(server) as client:
        said = [client.post("/v0/events?name=ml_model_predictions", json=event()).text for _ in range(20)]
        before = peak_megabytes(server.pid)
        for asked in corpus:
            reply = send(client, asked)
            said.append(reply.text)
            if not is_clear(reply):
                unclear.append((asked.name, reply.status_code, reply.text[:200]))
        after = peak_megabytes(server.pid)
        alive = client.get("/readyz").status_code
    engine = open_engine(Home(root=server.home).store_url)
    stored = counted(engine)
    engine.dispose()

    assert len(corpus) >= 500
    assert unclear == []
    assert alive == 200
    assert acknowledged("".join(said)) == stored
    assert after - before < GROWTH_MEGABYTES
    assert "Traceback" not in (server.home / "serve.log").read_text(errors="replace")


class Impatient(BoundedConnection):
    """Hangs up soon, so that a test hears the end of what never ends."""

    request_seconds = 0.5

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.timeout_keep_alive = 0


def spoken(port: int, sent: bytes) -> str:
    """All that a server says to a connection until it hangs up."""
    heard = b""
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_SECONDS) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while piece := connection.recv(PIECE_BYTES):
                heard += piece
    return heard.decode("latin-1")


def test_hostile_connections_are_answered_in_http_and_come_to_an_end(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = create_app(service_of(installation_on(engine, tmp_path, clock=clock), open_to_anybody=True))

    with serving(app, connection=Impatient) as client, ThreadPoolExecutor(max_workers=16) as threads:
        port = client.base_url.port
        assert port is not None
        said = dict(zip(CONNECTIONS, threads.map(lambda sent: spoken(port, sent), CONNECTIONS.values()), strict=True))
        alive = client.post("/v0/events?name=ml_model_predictions", json=event()).status_code

    statuses = {name: re.findall(r"^HTTP/1.1 (\d)\d\d ", text, re.MULTILINE) for name, text in said.items()}
    assert not {name: found for name, found in statuses.items() if not set(found) <= {"1", "2", "4"}}
    assert not {name: text[:200] for name, text in said.items() if text and not text.startswith("HTTP/1.1 ")}
    assert not {name for name, text in said.items() if "Set-Cookie" in text or "evil.example" in text}
    assert len(statuses["pipelined"]) <= 2_000
    assert alive == 202
    taken, _ = acknowledged("".join(said.values()))
    assert counted(engine)[0] >= taken


def test_a_process_survives_connections_that_are_dropped_in_the_middle(server: ServerProcess) -> None:
    before = peak_megabytes(server.pid)

    for sent in CONNECTIONS.values():
        with (
            suppress(BrokenPipeError, ConnectionResetError),
            socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE_SECONDS) as connection,
        ):
            connection.sendall(sent)

    with client_of(server) as client:
        assert client.get("/readyz").status_code == 200
    assert peak_megabytes(server.pid) - before < GROWTH_MEGABYTES
    log = (server.home / "serve.log").read_text(errors="replace")
    assert not [line for line in log.splitlines() if "Traceback" in line or "failed" in line], log[-3000:]


def test_connections_that_say_nothing_keep_nobody_else_waiting(server: ServerProcess) -> None:
    slow = [socket.create_connection((LOOPBACK, server.port)) for _ in range(300)]
    for connection in slow:
        connection.sendall(b"POST /v0/events?name=ml_model_predictions HTTP/1.1\r\nHost: localhost\r\nX: ")

    with client_of(server) as client:
        reply = client.post("/v0/events?name=ml_model_predictions", json=event())
    for connection in slow:
        connection.close()

    assert reply.status_code == 202


def parameters_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            yield path, method, operation, parameter


def injected(
    client: httpx.Client, path: str, method: str, operation: dict[str, Any], parameter: dict[str, Any], value: str
) -> httpx.Response:
    """Ask with one parameter replaced, the others as the document's examples say."""
    query: dict[str, str] = {}
    for known in operation["parameters"]:
        used = value if known is parameter else example_of(known)
        if known["in"] == "path":
            path = path.replace(f"{{{known['name']}}}", quote(used, safe=""))
        elif used is not None and known["in"] == "query" and (known is parameter or known.get("required")):
            query[known["name"]] = used
    headers = (
        {parameter["name"]: value} if parameter["in"] == "header" and value.isascii() and value.isprintable() else {}
    )
    return client.request(method, path, params=query, headers=headers, content=b"{}" if method != "get" else None)


def example_of(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    choices = schema.get("enum") or schema.get("examples") or [schema.get("default") or "x"]
    return str(parameter.get("example", choices[0]))


def injections_are_refused_or_answered(client: httpx.Client, values_per_parameter: int) -> None:
    document = client.get("/openapi.json").json()
    chooser = random.Random(SEED)
    unclear, asked = [], 0

    for path, method, operation, parameter in parameters_of(document):
        for value in chooser.sample(INJECTIONS, min(values_per_parameter, len(INJECTIONS))):
            reply = injected(client, path, method, operation, parameter, value)
            asked += 1
            if not is_clear(reply) or "Set-Cookie" in reply.headers:
                unclear.append((method, path, parameter["name"], value[:40], reply.status_code, reply.text[:200]))

    assert unclear == []
    assert asked >= values_per_parameter


def test_no_parameter_of_any_route_is_believed(postgres_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    # PostgreSQL is the stricter one: it refuses texts that SQLite stores.
    with served(installation_on(postgres_engine, tmp_path, clock=clock)) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        injections_are_refused_or_answered(client, 4)

        assert client.get("/readyz").status_code == 200


@pytest.mark.long
def test_no_parameter_of_any_route_is_believed_whatever_is_injected(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        injections_are_refused_or_answered(client, len(INJECTIONS))


def test_no_body_of_any_route_is_believed(postgres_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    wholes = [*VALUES.values(), "{", '{"' + "k" * 5_000 + '": 1}', '{"\\ud800": 1}', '{"a": 1, "a": 2}', "\ufeff{}"]
    unclear = []

    with served(installation_on(postgres_engine, tmp_path, clock=clock)) as client:
        document = client.get("/openapi.json").json()
        taking = [(path, method, one) for path, method, one in operations(document) if "requestBody" in one]
        for path, method, operation in taking:
            address = re.sub(r"\{\w+\}", "x", path)
            fields = list(_fields(document, operation))
            documents = wholes + [f'{{"{name}": {value}}}' for name in fields for value in VALUES.values()]
            for body in documents:
                reply = client.request(
                    method, address, content=body.encode(), headers={"Content-Type": "application/json"}
                )
                if not is_clear(reply):
                    unclear.append((method, path, body[:60], reply.status_code, reply.text[:200]))

    assert unclear == []


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    schema = operation["requestBody"]["content"].get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    yield from document["components"]["schemas"].get(name, schema).get("properties", {})


def test_methods_that_an_address_does_not_take_are_refused(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        paths = [*client.get("/openapi.json").json()["paths"], "/docs", "/openapi.json", "/"]
        replies = [(asked, send(client, asked)) for asked in methods(paths)]

    unclear = [(asked.name, reply.status_code) for asked, reply in replies if not is_clear(reply)]
    assert unclear == []
    assert not [asked.name for asked, reply in replies if "access-control-allow-origin" in reply.headers]
    traced = {reply.status_code for asked, reply in replies if asked.method == "TRACE"}
    assert traced <= {404, 405}
