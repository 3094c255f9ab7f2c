"""Events of many callers in one transaction: who waits for the disk, waits together.

A commit that is safe on the disk costs milliseconds, whatever it holds. So one thread writes: it takes all that was
submitted while it was busy with the transaction before, lands it in one, and only after the commit tells each caller
what became of its rows. With one caller a commit holds one submission; with many it holds many.

What waits is bounded. Whoever comes when the queue is full is told so at once and tries again later: refused, never
acknowledged and lost.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from itertools import count
from types import TracebackType
from typing import Self, cast

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import without_values, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.pauses import collector_paused
from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.batches import OpenBatches
from monitoring_pipeline.events.storing.landing import Landing, SortedOut, sort_out
from monitoring_pipeline.events.storing.report import Tally
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.submissions import (
    Checked,
    Outcome,
    Submission,
    Tell,
    Told,
    WaitingRoom,
)
from monitoring_pipeline.events.validation.validate import Validator

_LOG = logging.getLogger(__name__)


class EventWriter:
    """The one writer of a process; use it as a context manager.

    Args:
        engine: the store; in a server one that nobody else uses (see :func:`.same_store`).
        config: names the declared models and their segments.
        clock: gives the knowledge time of each transaction.
        room: bounds what waits.
    """

    def __init__(
        self, engine: Engine, *, config: MonitoringConfig, clock: Clock, room: WaitingRoom | None = None
    ) -> None:
        self._engine = engine
        self._config = config
        self._clock = clock
        self._room = WaitingRoom() if room is None else room
        self._validator = Validator(config, now=clock())
        self._batches = OpenBatches()
        self._parts = count()
        self._expects_new = True
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._room.open()
        self._thread = threading.Thread(target=self._run, name="event-writer")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what was taken, then end."""
        self._room.close()
        if self._thread is not None:
            self._thread.join()

    @property
    def engine(self) -> Engine:
        """Through which it writes."""
        return self._engine

    @property
    def is_running(self) -> bool:
        """Whether submissions are taken."""
        return self._thread is not None and self._thread.is_alive() and self._room.is_open

    @property
    def waiting_bytes(self) -> int:
        """Of the submissions that are not committed yet."""
        return self._room.bytes

    @property
    def waiting_rows(self) -> int:
        """Of the submissions that are not committed yet."""
        return self._room.rows

    def check(self, rows: Sequence[Row], *, kind: Kind, source: str) -> Checked:
        """Validate rows, in the caller's thread: while the writer waits for the database, others can work.

        Args:
            rows: what one caller sent.
            kind: predictions or actuals.
            source: what to call the caller in the quarantine.
        """
        part = next(self._parts)
        # Of this call alone: an instant that threads shared would be that of whoever set it last, maybe an earlier one.
        validator = self._validator.at(self._clock())
        return Checked(
            sorted_out=sort_out(validator, rows, kind, part=part),
            kind=kind,
            source=source,
            part=part,
            row_count=len(rows),
            size=sum([row.size for row in rows]),
        )

    def submit(self, rows: Sequence[Row], *, kind: Kind, source: str) -> "Future[Outcome]":
        """Check and queue rows; the future is done after the commit that holds them, or fails with its error.

        Args:
            rows: what one caller sent.
            kind: predictions or actuals.
            source: what to call the caller in the quarantine.

        Raises:
            QueueFullError: if too much waits already; nothing was taken.
            WriterStoppedError: if the writer is not running; nothing was taken.
        """
        future: Future[Outcome] = Future()
        self.queue(self.check(rows, kind=kind, source=source), ticket=future, tell=_settle)
        return future

    def queue(self, checked: Checked, *, ticket: object, tell: Tell) -> None:
        """Queue rows to be stored; ``tell`` hears of the ticket after the commit, with all others of that commit.

        Args:
            checked: what one caller sent.
            ticket: by which the caller knows these rows.
            tell: brings the news.

        Raises:
            QueueFullError: if too much waits already; nothing was taken.
            WriterStoppedError: if the writer is not running; nothing was taken.
        """
        self._room.enter(Submission(checked=checked, ticket=ticket, tell=tell))

    def _run(self) -> None:
        while group := self._room.next_group():
            try:
                self._land_or_divide(group)
            finally:
                self._room.leave(group)

    def _land_or_divide(self, group: Sequence[Submission]) -> None:
        """Land a group; if its rows made that fail, each submission alone, so that one's trouble is its own."""
        try:
            outcomes = self._land(group)
        except Exception as error:  # noqa: BLE001  (whatever it was, the callers are told, and the next group is landed)
            # A store out of reach is out of reach for each of them: no use in asking again for one after the other.
            if len(group) > 1 and not isinstance(error, MonitorError):
                for submission in group:
                    self._land_or_divide([submission])
                return
            _LOG.error("events could not be stored: %s", without_values(error))
            self._tell(group, [error] * len(group))
            return
        self._tell(group, outcomes)

    def _land(self, group: Sequence[Submission]) -> list[Outcome]:
        """Commit a group; what became of each submission is true only after that.

        Nearly always all predictions are new. So they are stored without a look whether they are, until that fails;
        then each group is looked up first, until one comes without any repetition.
        """
        with collector_paused():
            sorted_out = _together(group)
            try:
                rejected = self._commit(sorted_out)
            # SQLAlchemy's of an INSERT; the driver's own of a COPY, of which SQLAlchemy knows nothing.
            except (IntegrityError, self._engine.dialect.loaded_dbapi.IntegrityError):
                if not self._expects_new:
                    raise
                self._expects_new = False
                rejected = self._commit(sorted_out)
        of_part: dict[int, list[QuarantinedRow]] = {submission.checked.part: [] for submission in group}
        for row in rejected:
            of_part[row.part].append(row)
        return [
            Outcome(received=submission.checked.row_count, rejected=tuple(of_part[submission.checked.part]))
            for submission in group
        ]

    def _commit(self, sorted_out: Mapping[tuple[Kind, str], SortedOut]) -> list[QuarantinedRow]:
        """Commit what was sorted out; the rows that were not taken."""
        rejected: list[QuarantinedRow] = []
        of_predictions: list[Tally] = []
        with writing(self._engine) as connection:
            take_turn(connection)
            now = self._clock()
            for (kind, source), found in sorted_out.items():
                landing = Landing(
                    engine=self._engine,
                    config=self._config,
                    clock=self._clock,
                    batch=self._batches.current(kind, source, now=now),
                    expects_new=self._expects_new,
                )
                rejected += landing.land_in(connection, found, now=now)
                if kind is Kind.PREDICTIONS:
                    of_predictions.append(landing.tally)
        if of_predictions:  # truth says nothing about what predictions will do
            self._expects_new = not any(tally.duplicates or tally.conflicts for tally in of_predictions)
        return rejected

    def _tell(self, group: Sequence[Submission], outcomes: Sequence[Outcome | Exception]) -> None:
        by_teller: dict[Tell, list[tuple[object, Outcome | Exception]]] = {}
        for submission, outcome in zip(group, outcomes, strict=True):
            by_teller.setdefault(submission.tell, []).append((submission.ticket, outcome))
        for tell, told in by_teller.items():
            tell(told)


def _together(group: Sequence[Submission]) -> dict[tuple[Kind, str], SortedOut]:
    """Validated rows by kind and source: each belongs to one ingest batch."""
    together: dict[tuple[Kind, str], SortedOut] = {}
    for checked in (submission.checked for submission in group):
        so_far = together.setdefault((checked.kind, checked.source), SortedOut(events=[], rejected=[]))
        so_far.events.extend(checked.sorted_out.events)
        so_far.rejected.extend(checked.sorted_out.rejected)
    return together


def _settle(told: Told) -> None:
    """Tell those who wait for a future of :mod:`concurrent.futures`."""
    for ticket, outcome in told:
        future = cast("Future[Outcome]", ticket)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
