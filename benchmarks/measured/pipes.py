"""A month of one model's predictions, and a server that is asked about it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from socket import socket
from statistics import median, quantiles
from threading import Event, Thread
from typing import Any, Self

import httpx
from sqlalchemy import Connection, Engine, text

from benchmarks.measured.stores import open_store
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.error_texts import ByPart
from monitoring_pipeline.stages.live.kept import keep
from monitoring_pipeline.stages.live.rows import errors_by_part, stored_rows
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor, isoformat

MODEL = "price"
ROWS_PER_REQUEST = 100
LATE_HOURS = 72  # truth comes within so many hours
SEED = 20_260_302
_PATIENCE_SECONDS = 120

# Every hour holds the same values, so that the errors of one hour are those of all of them.
_COUNTED = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(0 AS bigint), :rows - 1))",
}
_MADE = ":start + (i / :per_hour) * 3600000000 + (i % :per_hour) * (3600000000 / :per_hour)"
_PREDICTED = "(i % :per_hour) * 0.001"
_ID = {"sqlite": "printf('p%09d', i)", "postgresql": "'p' || lpad(CAST(i AS text), 9, '0')"}


def fill(database: str, store: str, rows: int, hours: int) -> dict[str, Any]:
    """Predictions of the hours before this one, each with its truth, and what ingest would have kept of them."""
    start = _start(hours)
    Path(store).mkdir(parents=True, exist_ok=True)
    per_hour = rows // hours
    with open_store(database, store) as engine:
        with writing(engine) as connection:
            _insert(connection, rows=per_hour * hours, per_hour=per_hour, start=start, hours=hours)
        with reading(engine) as connection:
            first, last = (_computed(connection, start + number * HOUR_MICROS) for number in (0, hours - 1))
        kept = {start + hour * HOUR_MICROS: (1, _moved(first, hour * HOUR_MICROS)) for hour in range(hours)}
        keep(engine, MODEL, kept)
        if database == "PostgreSQL":
            _analyse(engine)
    return {"kept_as_computed": kept[start + (hours - 1) * HOUR_MICROS][1] == last}


def _start(hours: int) -> int:
    return floor(system_clock(), Grain.HOUR) - hours * HOUR_MICROS


def _insert(connection: Connection, *, rows: int, per_hour: int, start: int, hours: int) -> None:
    dialect = connection.dialect.name
    numbers = {"rows": rows, "per_hour": per_hour, "start": start}
    counted, prediction_id = _COUNTED[dialect], _ID[dialect]
    actual = f"{_PREDICTED} + (((i % :per_hour) * 7919) % 1000 - 500) * 0.013"
    statements = (
        f"""INSERT INTO predictions (model_id, prediction_id, predicted_at, model_version, environment,
                predicted_value, features, received_at, batch_id)
            {counted} SELECT '{MODEL}', {prediction_id}, {_MADE}, 'v1', 'production', {_PREDICTED}, '{{}}',
                {_MADE}, 'filled' FROM n""",
        f"""INSERT INTO actuals (model_id, prediction_id, revision, predicted_at, actual_value, received_at, batch_id)
            {counted} SELECT '{MODEL}', {prediction_id}, 1, {_MADE}, {actual}, {_MADE}, 'filled' FROM n""",
        f"""INSERT INTO hour_revision (model_id, hour, revision, prediction_revision, changed_at)
            {counted} SELECT '{MODEL}', :start + i * 3600000000, 1, 1, :start FROM n""",
        f"""INSERT INTO version_totals VALUES
            ('{MODEL}', 'v1', 'production', :rows, :start, :start, :start, :start + :rows / :per_hour * 3600000000)""",
    )
    for statement in statements:
        count = hours if "hour_revision" in statement else rows
        of_statement = {name: value for name, value in numbers.items() if f":{name}" in statement}
        connection.execute(text(statement), {**of_statement, "rows": count})


def _computed(connection: Connection, hour: int) -> ByPart:
    return errors_by_part(stored_rows(connection, MODEL, hour, hour + HOUR_MICROS))


def _moved(parts: ByPart, by: int) -> ByPart:
    return {
        (start + by, version, environment): replace(sums, first_at=sums.first_at + by, last_at=sums.last_at + by)
        for (start, version, environment), sums in parts.items()
    }


def _analyse(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


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
        with _server(Path(store), address) as (url, pid), httpx.Client(base_url=url, trust_env=False) as client:
            first = _timed(client, *questions["performance, a month"])
            milliseconds = {
                f"{name}, idle": _spread(client, question, requests) for name, question in questions.items()
            }
            late = range(rows - min(hours, LATE_HOURS) * (rows // hours), rows // hours * hours)
            with _Producer(url, late=late) as producer:
                for name, question in questions.items():
                    milliseconds[f"{name}, with ingest"] = _spread(client, question, requests)
            server_bytes = _peak_bytes(pid)
    return {
        "first_milliseconds": first,
        "milliseconds": milliseconds,
        "events_per_second": producer.events / producer.seconds,
        "server_bytes": server_bytes,
    }


def _spread(client: httpx.Client, question: tuple[str, dict[str, Any]], requests: int) -> dict[str, float]:
    times = [_timed(client, *question) for _ in range(requests)]
    return {"p50": median(times), "p99": quantiles(times, n=100, method="inclusive")[98]}


def _timed(client: httpx.Client, pipe: str, parameters: dict[str, Any]) -> float:
    started = time.perf_counter()
    reply = client.get(f"/v0/pipes/{pipe}.json", params=parameters, timeout=_PATIENCE_SECONDS)
    elapsed = time.perf_counter() - started
    assert reply.json()["rows"] >= 1, reply.text
    return elapsed * 1000


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
        ids = fresh + [f"p{number:09d}" for number in self._rng.sample(self._late, ROWS_PER_REQUEST // 2)]
        return _lines({**fixed, "prediction_id": name, "actual_value": self._rng.random()} for name in ids)


def _lines(events: Iterator[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, events))


@contextmanager
def _server(folder: Path, address: str) -> Iterator[tuple[str, int]]:
    (folder / "monitoring.yaml").write_text(json.dumps({"store_url": address}))  # JSON is YAML
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "monitoring_pipeline.cli", "serve", "--port", str(port)]
    environment = {**os.environ, "MONITOR_HOME": str(folder), "MONITOR_CONFIG": str(folder / "monitoring.yaml")}
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(f"{url}/readyz", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not answer")


def _peak_bytes(pid: int) -> int:
    """The most memory that a process ever held, as Linux tells it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
