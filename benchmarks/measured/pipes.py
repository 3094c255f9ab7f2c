"""A month of one model's predictions, and a server that is asked about it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median, quantiles
from threading import Event, Thread
from typing import Any, Self

import httpx

from benchmarks.measured.pipes_rows import MODEL, prediction_id
from benchmarks.measured.serving_process import serving
from benchmarks.measured.stores import open_store
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.windows import isoformat

ROWS_PER_REQUEST = 100
LATE_HOURS = 72  # truth comes within so many hours
SEED = 20_260_302
_PATIENCE_SECONDS = 120


def ask(database: str, store: str, rows: int, requests: int, hours: int) -> dict[str, Any]:
    """Milliseconds of answers, with nothing else to do and beside a producer."""
    month = {"model_id": MODEL, "time_window": hours}
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        "performance, a month": ("model_performance_metrics", month),
        "performance, a day": ("model_performance_metrics", {"model_id": MODEL}),
        "drift, a week": ("model_drift_detection", {"model_id": MODEL}),
        "details, a hundred": ("prediction_details", {"model_id": MODEL}),
    }
    with open_store(database, store) as engine:
        address = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        with (
            serving(address, Path(store)) as server,
            httpx.Client(base_url=server.url, trust_env=False) as client,
        ):
            first = _timed(client, *questions["performance, a month"])
            [told] = _reply(client, *questions["performance, a month"]).json()["data"]
            milliseconds = {
                f"{name}, idle": _spread(client, question, requests) for name, question in questions.items()
            }
            late = range(rows - min(hours, LATE_HOURS) * (rows // hours), rows // hours * hours)
            with _Producer(server.url, late=late) as producer:
                for name, question in questions.items():
                    milliseconds[f"{name}, with ingest"] = _spread(client, question, requests)
            server_bytes = server.peak_bytes
    return {
        "first_milliseconds": first,
        "predictions": told["prediction_count"],
        "milliseconds": milliseconds,
        "events_per_second": producer.events / producer.seconds,
        "server_bytes": server_bytes,
    }


def _spread(client: httpx.Client, question: tuple[str, dict[str, Any]], requests: int) -> dict[str, float]:
    times = [_timed(client, *question) for _ in range(requests)]
    return {"p50": median(times), "p99": quantiles(times, n=100, method="inclusive")[98]}


def _timed(client: httpx.Client, pipe: str, parameters: dict[str, Any]) -> float:
    started = time.perf_counter()
    reply = _reply(client, pipe, parameters)
    elapsed = time.perf_counter() - started
    assert reply.json()["rows"] >= 1, reply.text
    return elapsed * 1000


def _reply(client: httpx.Client, pipe: str, parameters: dict[str, Any]) -> httpx.Response:
    return client.get(f"/v0/pipes/{pipe}.json", params=parameters, timeout=_PATIENCE_SECONDS)


class _Producer:
    """Sends predictions of this moment, and truth about those of the last days, one request after the other.

    Args:
        url: the server's.
        late: numbers of filled predictions that truth is corrected about.
    """

    def __init__(self, url: str, *, late: range) -> None:
        self._url, self._late, self._rng = url, late, Random(SEED)
        self._ended = Event()
        self._thread = Thread(target=self._run)
        self.events = 0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.perf_counter()
        with httpx.Client(base_url=self._url, trust_env=False, timeout=_PATIENCE_SECONDS) as client:
            while not self._ended.is_set():
                for name, rows in (("predictions", self._predictions), ("actuals", self._truth)):
                    client.post(f"/v0/events?name=ml_model_{name}", content=rows()).raise_for_status()
                    self.events += ROWS_PER_REQUEST
        self.seconds = time.perf_counter() - began

    def _predictions(self) -> str:
        now = isoformat(system_clock())
        fixed = {"model_id": MODEL, "model_version": "v1", "timestamp": now, "predicted_value": 1.5, "features": {}}
        return _lines({**fixed, "prediction_id": f"n{self.events + row}"} for row in range(ROWS_PER_REQUEST))

    def _truth(self) -> str:
        fixed = {"model_id": MODEL, "timestamp": isoformat(system_clock())}
        fresh = [f"n{self.events - ROWS_PER_REQUEST + row}" for row in range(ROWS_PER_REQUEST // 2)]
        ids = fresh + [prediction_id(number) for number in self._rng.sample(self._late, ROWS_PER_REQUEST // 2)]
        return _lines({**fixed, "prediction_id": name, "actual_value": self._rng.random()} for name in ids)


def _lines(events: Iterator[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, events))
