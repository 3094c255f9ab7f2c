"""Loading ``monitor serve`` from this process, over raw connections: a client library costs more than the server."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from sqlalchemy import func, select

from benchmarks.measured.stores import open_store
from monitoring_pipeline.events.tables import predictions

LOOPBACK = "127.0.0.1"
ACCEPTED = b"HTTP/1.1 202 "


def load(database: str, folder: str, connections: int, requests: int, rows: int) -> dict[str, Any]:
    """Send requests over connections that each wait for an answer before they send the next.

    Args:
        database: ``SQLite`` or ``PostgreSQL``.
        folder: where the store and the server's home are.
        connections: how many at once.
        requests: altogether.
        rows: events in each.
    """
    with open_store(database, folder) as engine:
        with _server(engine.url.render_as_string(hide_password=False), Path(folder)) as port:
            run = _Run(port=port, requests=requests, rows=rows)
            started = time.perf_counter()
            asyncio.run(run.all(connections))
            seconds = time.perf_counter() - started
        with engine.connect() as connection:
            stored = connection.scalar(select(func.count()).select_from(predictions))
    assert stored == requests * rows, f"{stored} of {requests * rows} events are stored"
    waits = sorted(run.waits)
    return {
        "seconds": seconds,
        "p50_milliseconds": waits[len(waits) // 2] * 1e3,
        "p99_milliseconds": waits[len(waits) * 99 // 100] * 1e3,
        "server_peak_bytes": getrusage(RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


@dataclass(kw_only=True)
class _Run:
    port: int
    requests: int
    rows: int
    waits: list[float] = field(default_factory=list)
    sent: int = 0

    async def all(self, connections: int) -> None:
        await asyncio.gather(*(self._one_connection() for _ in range(connections)))

    async def _one_connection(self) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        while self.sent < self.requests:
            request = self._request(self.sent)
            self.sent += 1
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            self.waits.append(time.perf_counter() - started)
            assert head.startswith(ACCEPTED), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    def _request(self, number: int) -> bytes:
        body = b"\n".join(_event(number * self.rows + row) for row in range(self.rows))
        head = (
            f"POST /v0/events?name=ml_model_predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        )
        return head.encode() + b"\r\n" + body


def _event(number: int) -> bytes:
    return (
        b'{"timestamp": "2026-01-05 %02d:%02d:%02d", "model_id": "price", "prediction_id": "p-%x-%d", '
        b'"features": {"feature1": 0.5, "feature2": 10.2}, "predicted_value": 42.5, "model_version": "v1.2.3", '
        b'"environment": "production"}'
    ) % (number // 3_600 % 24, number // 60 % 60, number % 60, number * 2_654_435_761 % 2**32, number)


@contextmanager
def _server(store_url: str, folder: Path) -> Iterator[int]:
    """``monitor serve`` on a store, as its users start it; its port."""
    config = folder / "monitoring.yaml"
    config.write_text(f"store_url: {store_url}\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "monitoring_pipeline.cli", "serve", "--config", str(config), "--port", str(port)]
    environment = {**os.environ, "MONITOR_HOME": str(folder / "home")}
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_ready(port, process)
            yield port
        finally:
            process.terminate()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start; its log is serve.log in the folder of the run")
