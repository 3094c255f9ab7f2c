"""Loading ``monitor serve`` from this process, over raw connections: a client library costs more than the server."""

import asyncio
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.measured.ids import scattered
from benchmarks.measured.serving_process import serving
from benchmarks.measured.serving_wire import Connection, post
from benchmarks.measured.stores import open_store
from monitoring_pipeline.events.tables import predictions


def load(database: str, folder: str, connections: int, requests: int, rows: int, *, rising: bool) -> dict[str, Any]:
    """Send requests over connections that each wait for an answer before they send the next.

    Args:
        database: ``SQLite`` or ``PostgreSQL``.
        folder: where the store and the server's home are.
        connections: how many at once.
        requests: altogether.
        rows: events in each.
        rising: whether ids rise with time, or are in no order.
    """
    with open_store(database, folder) as engine:
        with serving(engine.url.render_as_string(hide_password=False), Path(folder)) as server:
            run = _Run(port=server.port, requests=requests, rows=rows, rising=rising)
            cpu_seconds_before = server.cpu_seconds
            started = time.perf_counter()
            asyncio.run(run.all(connections))
            seconds = time.perf_counter() - started
            cpu_seconds, peak_bytes = server.cpu_seconds - cpu_seconds_before, server.peak_bytes
        with engine.connect() as connection:
            stored = connection.scalar(select(func.count()).select_from(predictions))
    assert stored == requests * rows, f"{stored} of {requests * rows} events are stored"
    waits = sorted(run.waits)
    return {
        "seconds": seconds,
        "p50_milliseconds": waits[len(waits) // 2] * 1e3,
        "p99_milliseconds": waits[len(waits) * 99 // 100] * 1e3,
        "server_cpu_seconds": cpu_seconds,
        "server_peak_bytes": peak_bytes,
    }


@dataclass(kw_only=True)
class _Run:
    port: int
    requests: int
    rows: int
    rising: bool
    waits: list[float] = field(default_factory=list)
    sent: int = 0

    async def all(self, connections: int) -> None:
        await asyncio.gather(*(self._one_connection() for _ in range(connections)))

    async def _one_connection(self) -> None:
        connection = await Connection.to(self.port)
        while self.sent < self.requests:
            request = self._request(self.sent)
            self.sent += 1
            started = time.perf_counter()
            answer = await connection.ask(request)
            self.waits.append(time.perf_counter() - started)
            assert answer.status == HTTPStatus.ACCEPTED, answer
        connection.close()

    def _request(self, number: int) -> bytes:
        first = number * self.rows
        body = b"\n".join(_event(row, _place(row, rising=self.rising)) for row in range(first, first + self.rows))
        return post("/v0/events?name=ml_model_predictions", body)


def _place(number: int, *, rising: bool) -> int:
    """Where an id stands among the others: behind all before it, or anywhere."""
    return number if rising else scattered(number)


def _event(number: int, place: int) -> bytes:
    return (
        b'{"timestamp": "2026-01-05 %02d:%02d:%02d", "model_id": "price", "prediction_id": "p-%08x-%d", '
        b'"features": {"feature1": 0.5, "feature2": 10.2}, "predicted_value": 42.5, "model_version": "v1.2.3", '
        b'"environment": "production"}'
    ) % (number // 3_600 % 24, number // 60 % 60, number % 60, place, number)
