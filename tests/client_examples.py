"""What the client's tests share: receivers that behave as told, what they got, and clients that pause no moment."""

import gzip
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import orjson

from monitoring_pipeline.client import MonitorClient
from tests.native_services import PATIENCE_SECONDS, free_ports

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PREDICTIONS, ACTUALS = "ml_model_predictions", "ml_model_actuals"


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    name: str
    events: list[dict[str, Any]]
    body: bytes
    headers: dict[str, str]


Behaviour = Callable[[BaseHTTPRequestHandler, Received], None]


def taking(handler: BaseHTTPRequestHandler, received: Received) -> None:
    """Answer as the monitor does when it has stored everything."""
    reply(handler, 202, {"successful_rows": len(received.events), "quarantined_rows": 0})


def answering(status: int, document: Any = None, **headers: str) -> Behaviour:
    """Answer always the same."""
    return lambda handler, _: reply(handler, status, document, **headers)


def hanging_up(handler: BaseHTTPRequestHandler, _: Received) -> None:
    """End the connection without an answer."""
    handler.close_connection = True


def reply(handler: BaseHTTPRequestHandler, status: int, document: Any = None, **headers: str) -> None:
    body = b"" if document is None else orjson.dumps(document)
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Receiver:
    """A real HTTP server on loopback; ``behaviours`` are used in turn, the last one for ever."""

    def __init__(self, *behaviours: Behaviour, port: int = 0) -> None:
        self.requests: list[Received] = []
        self._behaviours = list(behaviours)
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one piece: in two, each waits for the other's acknowledgement

            def do_POST(self) -> None:
                receiver._handle(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the base class's name)
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events of all requests, as often as they came."""
        return [event for request in self.requests for event in request.events]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        received = Received(
            name=handler.path.partition("name=")[2],
            events=[orjson.loads(line) for line in body.split(b"\n")],
            body=body,
            headers=dict(handler.headers),
        )
        with self._lock:
            self.requests.append(received)
            behave = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        with suppress(ConnectionError):  # the client no longer waits
            behave(handler, received)


def client_of(url: str, spool: Path | None = None, **settings: Any) -> MonitorClient:
    """A client that waits for no further events, and after failures for a moment only."""
    defaults: dict[str, Any] = {"linger_seconds": 0.0, "jitter": lambda ceiling: 0.01, "clock": lambda: NOON}
    return MonitorClient(url, spool=spool, **{**defaults, **settings})


def nowhere() -> str:
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


# A service that logs without end, and says how many events are safe in the spool.
ENDLESS = """
    import sys
    from monitoring_pipeline.client import MonitorClient
    url, spool, name = sys.argv[1:]
    client = MonitorClient(url, spool=spool, linger_seconds=0.001, most_pause_seconds=0.1)
    number = 0
    while True:
        client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"{name}-{number}")
        number += 1
        if number % 100 == 0:
            client._shipping._wait(lambda: client._shipping.inbox.has_spooled(number), None)
            print(number, flush=True)
"""


def spooled(spool: Path) -> list[dict[str, Any]]:
    """All events in a spool's segments, as a reader of the files would find them."""
    segments = sorted(spool.glob("*/*.ndjson"))
    return [orjson.loads(line) for segment in segments for line in segment.read_bytes().splitlines()]


def wait_until_kept(client: MonitorClient) -> None:
    """Until all that was logged is in the spool, or dropped from it."""
    count = client.stats.logged
    assert client._shipping._wait(lambda: client._shipping.inbox.has_spooled(count), None)


def program(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs the code; the arguments are ``sys.argv[1:]``."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)


def done(process: subprocess.Popen[str]) -> str:
    """What the process printed, after it ended well."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, "Traceback" in err) == (0, False), err
    return out
