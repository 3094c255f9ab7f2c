"""What the requests under way hold in memory, bounded: for the server as a whole, and for each client.

Refusing at once is kinder than answering late: whoever is refused knows that nothing was taken and when to come again.
Used from the event loop alone, so nothing here is locked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from monitoring_pipeline.api.ingest.limits import IngestLimits
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.clock import Clock

RETRY_AFTER_SECONDS = 1


@dataclass(slots=True)
class _Held:
    bytes: int = 0
    lines: int = 0


class Holding:
    """What one request holds; it grows while the body is read and unpacked."""

    __slots__ = ("_allowance", "_bytes", "_client", "_lines")

    def __init__(self, allowance: "Allowance", client: _Held) -> None:
        self._allowance = allowance
        self._client = client
        self._bytes = 0
        self._lines = 0

    def claim(self, *, size: int = 0, lines: int = 0) -> None:
        """Hold at least this much altogether.

        Raises:
            Problem: 429 if the client has its share already, 503 if the server is full; nothing was claimed.
        """
        more_bytes, more_lines = max(size - self._bytes, 0), max(lines - self._lines, 0)
        self._allowance.grow(self._client, more_bytes, more_lines)
        self._bytes += more_bytes
        self._lines += more_lines

    def release(self) -> None:
        """Hold nothing any more."""
        self._allowance.shrink(self._client, self._bytes, self._lines)


class Allowance:
    """The account of all holdings.

    Args:
        limits: what may be held, and which part of it by one client.
        clock: what time it is.
    """

    def __init__(self, limits: IngestLimits, *, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._all = _Held()
        self._by_client: dict[str, _Held] = {}
        self._refused_at: int | None = None

    @property
    def refused_at(self) -> int | None:
        """When a request was last refused for want of room, microseconds UTC; ``None`` if none ever was."""
        return self._refused_at

    @property
    def held_bytes(self) -> int:
        """By all requests under way."""
        return self._all.bytes

    @property
    def held_lines(self) -> int:
        """By all requests under way."""
        return self._all.lines

    @contextmanager
    def holding(self, client: str) -> Iterator[Holding]:
        """A request's holding, which ends with the block.

        Args:
            client: whose request it is.
        """
        held = self._by_client.setdefault(client, _Held())
        holding = Holding(self, held)
        try:
            yield holding
        finally:
            holding.release()

    def grow(self, client: _Held, size: int, lines: int) -> None:
        """See :meth:`Holding.claim`."""
        limits, share = self._limits, self._limits.client_share
        if client.bytes + size > limits.held_bytes * share or client.lines + lines > limits.held_lines * share:
            self._refused_at = self._clock()
            raise _busy_client()
        if self._all.bytes + size > limits.held_bytes or self._all.lines + lines > limits.held_lines:
            self._refused_at = self._clock()
            raise overloaded()
        for held in (client, self._all):
            held.bytes += size
            held.lines += lines

    def shrink(self, client: _Held, size: int, lines: int) -> None:
        """See :meth:`Holding.release`."""
        for held in (client, self._all):
            held.bytes -= size
            held.lines -= lines


def overloaded() -> Problem:
    """The answer while too much waits to be stored."""
    detail = "too much waits to be stored; send these events again later, nothing of them was taken"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", detail, retry_after_seconds=RETRY_AFTER_SECONDS)


def _busy_client() -> Problem:
    detail = (
        "too much of this client waits to be stored; wait for the answers to its other requests, then send these "
        "events again, nothing of them was taken"
    )
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-events", detail, retry_after_seconds=RETRY_AFTER_SECONDS)
