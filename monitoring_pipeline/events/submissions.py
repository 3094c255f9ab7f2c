"""What waits to be stored: the rows of many callers in the order in which they came, never more than memory holds."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.landing import SortedOut

MOST_ROWS_OF_A_COMMIT = 10_000  # a single larger submission is a transaction of its own
MOST_WAITING_BYTES = 64_000_000
MOST_WAITING_ROWS = 100_000


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


Told = Sequence[tuple[object, Outcome | Exception]]
"""The tickets of submissions, each with what became of it, or why it was not stored."""

Tell = Callable[[Told], None]
"""Brings news to callers; called in the writer's thread, once for all tickets of a commit, and never fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Rows of one caller after validation.

    Attributes:
        part: a number that no others checked by this writer have; events and rejected rows bear it.
        row_count: all of them.
        size: bytes, roughly.
    """

    sorted_out: SortedOut
    kind: Kind
    source: str
    part: int
    row_count: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Rows of one caller, and whom to tell what became of them."""

    checked: Checked
    ticket: object
    tell: Tell


class WaitingRoom:
    """Submissions between their callers and the one writer.

    Args:
        most_bytes: of what waits or is being stored; beyond it submissions are refused.
        most_rows: likewise.
    """

    def __init__(self, *, most_bytes: int = MOST_WAITING_BYTES, most_rows: int = MOST_WAITING_ROWS) -> None:
        self._most_bytes = most_bytes
        self._most_rows = most_rows
        self._waiting: deque[Submission] = deque()
        self._changed = threading.Condition()
        self._is_open = False
        self.bytes = 0
        self.rows = 0

    @property
    def is_open(self) -> bool:
        """Whether submissions are taken."""
        return self._is_open

    def open(self) -> None:
        """Take submissions from now on."""
        with self._changed:
            self._is_open = True

    def close(self) -> None:
        """Take none from now on; those that wait are still handed out."""
        with self._changed:
            self._is_open = False
            self._changed.notify()

    def enter(self, submission: Submission) -> None:
        """Wait to be stored. A submission that finds nothing before it is always taken, however large it is.

        Raises:
            QueueFullError: if too much waits already.
            WriterStoppedError: if nobody would store it.
        """
        with self._changed:
            if not self._is_open:
                raise WriterStoppedError
            size, row_count = submission.checked.size, submission.checked.row_count
            is_full = self.bytes + size > self._most_bytes or self.rows + row_count > self._most_rows
            if is_full and self.rows:
                raise QueueFullError
            self._waiting.append(submission)
            self.bytes += size
            self.rows += row_count
            self._changed.notify()

    def next_group(self) -> list[Submission]:
        """All that waits, as far as one transaction holds it; nothing once the room is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._is_open)
            group: list[Submission] = []
            count = 0
            while self._waiting and (not group or count + self._waiting[0].checked.row_count <= MOST_ROWS_OF_A_COMMIT):
                group.append(self._waiting.popleft())
                count += group[-1].checked.row_count
            return group

    def leave(self, group: Sequence[Submission]) -> None:
        """Free the places of a group that is settled."""
        with self._changed:
            self.bytes -= sum(submission.checked.size for submission in group)
            self.rows -= sum(submission.checked.row_count for submission in group)
