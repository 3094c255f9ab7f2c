"""What this server itself does, counted while it works: requests, errors, statements to the store, what waits.

Several processes of one server count together if ``PROMETHEUS_MULTIPROC_DIR`` names a folder that they share: each
writes files there, and whichever is asked adds them all up.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event

from monitoring_pipeline.api.metering.statements import operation_and_table

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"

_EDGES_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

# A second series for each, with the instant of its making: more than half of all series, and nobody asks for it.
disable_created_metrics()


class Meter:
    """The metrics of one process, or with a shared folder of all of them."""

    def __init__(self) -> None:
        folder = os.environ.get(SHARED_FOLDER)
        self._shared = None if folder is None else Path(folder)
        if self._shared is not None:
            self._shared.mkdir(parents=True, exist_ok=True)
            _forget_the_dead(self._shared)
        own = CollectorRegistry()
        self._requests = Counter(
            "api_requests_total", "Requests that were answered.", ("method", "endpoint", "status"), registry=own
        )
        self._errors = Counter(
            "api_errors_total", "Requests that were answered with an error.", ("error_type", "endpoint"), registry=own
        )
        self._durations = Histogram(
            "mlmon_http_request_duration_seconds",
            "How long requests took.",
            ("method", "endpoint"),
            buckets=_EDGES_SECONDS,
            registry=own,
        )
        self._active = Gauge("api_active_requests", "Requests under way.", registry=own, multiprocess_mode="livesum")
        self._queue = Gauge(
            "mlmon_writer_queue_bytes",
            "Events that wait to be stored.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._statements = Counter(
            "database_queries_total", "Statements sent to the store.", ("operation", "table"), registry=own
        )
        # Finding a series by its labels costs more than counting: kept by what they are counted for.
        self._request_of = lru_cache(maxsize=10_000)(self._requests.labels)
        self._error_of = lru_cache(maxsize=10_000)(self._errors.labels)
        self._duration_of = lru_cache(maxsize=10_000)(self._durations.labels)
        self._statement_of = lru_cache(maxsize=1_000)(self._statement)
        self._registry = own

    @property
    def collectors(self) -> Sequence[Collector]:
        """What there is to show."""
        if self._shared is None:
            return (self._registry, ProcessCollector(registry=None))
        # Memory and processor time of whichever process happens to answer would mean nothing.
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._shared))
        return (together,)

    def begin(self) -> None:
        """A request has come."""
        self._active.inc()

    def end(self, *, method: str, endpoint: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            method: of HTTP.
            endpoint: the route's template, never what was asked for.
            status: of the answer.
            seconds: how long it took.
        """
        self._active.dec()
        method = method if method in METHODS else OTHER
        self._request_of(method, endpoint, str(status)).inc()
        self._duration_of(method, endpoint).observe(seconds)
        if status >= HTTPStatus.BAD_REQUEST:
            self._error_of(_error_type(status), endpoint).inc()

    def note_queue(self, waiting_bytes: int) -> None:
        """Tell how much waits to be stored."""
        self._queue.set(waiting_bytes)

    @contextmanager
    def counting(self, *engines: Engine) -> Iterator[None]:
        """Count the statements that are sent through some engines while the block runs."""

        def sent(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            self._statement_of(statement).inc()

        different = set(engines)  # a writer may have the engine of everybody else
        for engine in different:
            event.listen(engine, "after_cursor_execute", sent)
        try:
            yield
        finally:
            for engine in different:
                event.remove(engine, "after_cursor_execute", sent)
            if self._shared is not None:
                mark_process_dead(os.getpid(), str(self._shared))

    def _statement(self, statement: str) -> Counter:
        operation, table = operation_and_table(statement)
        return self._statements.labels(operation, table)


@lru_cache(maxsize=1_000)
def _error_type(status: int) -> str:
    with suppress(ValueError):
        return HTTPStatus(status).name.lower()
    return OTHER


def _forget_the_dead(folder: Path) -> None:
    """Gauges of processes that were killed would be added up for ever; counters stay, for they only grow."""
    pids = {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*_*.db")}
    for pid in sorted(int(pid) for pid in pids if pid.isdigit()):
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
