"""What became of every event: nothing is lost without being counted."""

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The account of one client in one process, in events where nothing else is said.

    Every call of ``log_…`` and ``retract`` is one of ``logged``, ``invalid`` and ``dropped_memory``; every event that
    was logged or adopted ends as one of ``acknowledged``, ``quarantined``, ``refused`` and ``dropped_spool``, or is
    ``waiting``.

    Args:
        logged: taken by the client.
        invalid: that could not be written as events.
        dropped_memory: turned away because too much waited in memory, or the client was closed.
        dropped_spool: removed because the spool was full or its files could not be read.
        adopted: left in the spool by a process that died, and taken over.
        acknowledged: stored by the server.
        quarantined: rejected by the server for what they hold, and kept by it.
        refused: not taken by the server (4xx), and set aside in ``refused.ndjson``.
        torn: lines that a crash cut short; they had never been made safe.
        retries: requests that were answered with "later", or not at all.
        spool_errors: times that the spool could not be used.
        failed_calls: monitored functions and blocks that raised, so that there was no prediction.
    """

    logged: int = 0
    invalid: int = 0
    dropped_memory: int = 0
    dropped_spool: int = 0
    adopted: int = 0
    acknowledged: int = 0
    quarantined: int = 0
    refused: int = 0
    torn: int = 0
    retries: int = 0
    spool_errors: int = 0
    failed_calls: int = 0

    @property
    def waiting(self) -> int:
        """Events whose end is not known yet."""
        ended = self.acknowledged + self.quarantined + self.refused + self.dropped_spool
        return self.logged + self.adopted - ended

    @property
    def lost(self) -> int:
        """Events that are in no store, spool or file."""
        return self.invalid + self.dropped_memory + self.dropped_spool


class Account:
    """Counts; its lock is never held while something slow is done."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may log while this thread counts
        self._counts: Counter[str] = Counter()

    def add(self, **counts: int) -> None:
        """Count, by the names of :class:`Stats`."""
        with self._lock:
            self._counts.update(counts)

    def stats(self) -> Stats:
        """The account as it stands."""
        with self._lock:
            return Stats(**self._counts)
