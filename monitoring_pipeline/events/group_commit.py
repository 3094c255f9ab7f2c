"""Events of many callers in one transaction: who waits for the disk, waits together.

A commit that is safe on the disk costs milliseconds, whatever it holds. So one thread writes: it takes all that was
submitted while it was busy with the transaction before, lands it in one, and only after the commit tells each caller
what became of its rows. With one caller a commit holds one submission; with many it holds many.

What waits is bounded. Whoever comes when the queue is full is told so at once and tries again later: refused, never
acknowledged and lost.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from secrets import token_hex
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.batches import Batch
from monitoring_pipeline.events.landing import Landing, SortedOut, sort_out
from monitoring_pipeline.events.pauses import collector_paused
from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.rows import Row
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.store import take_turn
from monitoring_pipeline.events.validate import Validator

_LOG = logging.getLogger(__name__)

MOST_ROWS = 10_000  # of one transaction; a single larger submission is a transaction of its own
MOST_WAITING_BYTES = 64_000_000


class QueueFullError(Exception):
    """Too much waits to be stored: try again later."""


class WriterStoppedError(Exception):
    """The writer is not running: nothing was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one submission, after it was committed.

    Args:
        received: its rows.
        rejected: those that wait in quarantine, by line.
    """

    received: int
    rejected: tuple[QuarantinedRow, ...]

    @property
    def taken(self) -> int:
        """Rows that are stored, those included that were stored before."""
        return self.received - len(self.rejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    kind: Kind
    source: str
    rows: Sequence[Row]
    size: int
    outcome: "Future[Outcome]" = field(default_factory=Future)


class EventWriter:
    """The one writer of a process; use it as a context manager.

    Args:
        engine: the store.
        config: names the declared models and their segments.
        clock: gives the knowledge time of each transaction.
        most_waiting_bytes: of what waits; beyond it submissions are refused.
    """

    def __init__(
        self, engine: Engine, *, config: MonitoringConfig, clock: Clock, most_waiting_bytes: int = MOST_WAITING_BYTES
    ) -> None:
        self._engine = engine
        self._config = config
        self._clock = clock
        self._most_waiting_bytes = most_waiting_bytes
        self._waiting: deque[_Submission] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="event-writer")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what was taken, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether submissions are taken."""
        return self._thread is not None and self._thread.is_alive() and not self._stopping

    @property
    def waiting_bytes(self) -> int:
        """Of the submissions that are not committed yet."""
        return self._waiting_bytes

    def submit(self, rows: Sequence[Row], *, kind: Kind, source: str) -> "Future[Outcome]":
        """Queue rows to be stored; the future is done after the commit that holds them, or fails with its error.

        Args:
            rows: what one caller sent.
            kind: predictions or actuals.
            source: what to call the caller in the quarantine.

        Raises:
            QueueFullError: if too much waits already; nothing was taken.
            WriterStoppedError: if the writer is not running; nothing was taken.
        """
        submission = _Submission(kind=kind, source=source, rows=rows, size=sum(row.size for row in rows))
        with self._changed:
            if not self.is_running:
                raise WriterStoppedError
            if self._waiting_bytes and self._waiting_bytes + submission.size > self._most_waiting_bytes:
                raise QueueFullError
            self._waiting.append(submission)
            self._waiting_bytes += submission.size
            self._changed.notify()
        return submission.outcome

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._land_or_divide(group)
            finally:
                with self._changed:
                    self._waiting_bytes -= sum(submission.size for submission in group)

    def _next_group(self) -> list[_Submission]:
        """All that waits, as far as one transaction holds it; nothing once the writer is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            group: list[_Submission] = []
            count = 0
            while self._waiting and (not group or count + len(self._waiting[0].rows) <= MOST_ROWS):
                group.append(self._waiting.popleft())
                count += len(group[-1].rows)
            return group

    def _land_or_divide(self, group: Sequence[_Submission]) -> None:
        """Land a group; if that fails, each of its submissions alone, so that one's trouble is its own."""
        try:
            outcomes = self._land(group)
        except Exception as error:  # noqa: BLE001  (whatever it was, the callers are told, and the next group is landed)
            if len(group) > 1:
                for submission in group:
                    self._land_or_divide([submission])
                return
            _LOG.error("events could not be stored: %s", error)
            group[0].outcome.set_exception(error)
            return
        for submission, outcome in zip(group, outcomes, strict=True):
            submission.outcome.set_result(outcome)

    def _land(self, group: Sequence[_Submission]) -> Iterator[Outcome]:
        """Commit a group, and only then say what became of each submission."""
        with collector_paused():
            sorted_out = self._sort_out(group)
            rejected: list[QuarantinedRow] = []
            with writing(self._engine) as connection:
                take_turn(connection)
                now = self._clock()
                for (kind, source), found in sorted_out.items():
                    batch = Batch(batch_id=token_hex(16), kind=kind, source=source)
                    landing = Landing(engine=self._engine, config=self._config, clock=self._clock, batch=batch)
                    rejected += landing.land_in(connection, found, now=now)
        of_part: list[list[QuarantinedRow]] = [[] for _ in group]
        for row in rejected:
            of_part[row.part].append(row)
        return (
            Outcome(received=len(submission.rows), rejected=tuple(found))
            for submission, found in zip(group, of_part, strict=True)
        )

    def _sort_out(self, group: Sequence[_Submission]) -> dict[tuple[Kind, str], SortedOut]:
        """Validated rows by kind and source: each is one ingest batch of the transaction."""
        validator = Validator(self._config, now=self._clock())
        together: dict[tuple[Kind, str], SortedOut] = {}
        for part, submission in enumerate(group):
            found = sort_out(validator, submission.rows, submission.kind, part=part)
            so_far = together.setdefault((submission.kind, submission.source), SortedOut(events=[], rejected=[]))
            so_far.events.extend(found.events)
            so_far.rejected.extend(found.rejected)
        return together
