"""Connections that nobody can hold for long, or fill: by requests that never end, or answers that are never read.

The server's own protocol class has no limit on the size of the headers of a request, nor on the time that a request
takes to arrive, nor on that which an answer takes to be read; all end here. What goes wrong at this level is answered
with a problem document as well.
"""

from asyncio import Transport
from asyncio.events import TimerHandle
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from monitoring_pipeline.api.hardening.heads import without_upgrade
from monitoring_pipeline.api.hardening.requests import (
    MOST_ADDRESS_BYTES,
    MOST_HEADER_BYTES,
    SECURITY_HEADERS,
    headers_too_large,
)
from monitoring_pipeline.api.hardening.unread import Unread
from monitoring_pipeline.api.problems import Problem

REQUEST_SECONDS = 60.0  # from a request's first byte to its last, and between two looks at what is not read
MOST_HEAD_BYTES = MOST_ADDRESS_BYTES + MOST_HEADER_BYTES
MOST_PIPELINED = 100  # requests of one connection that wait for the one before
MOST_CONNECTIONS = 500  # well below the open files that a process usually may have; the database needs some


class BoundedConnection(HttpToolsProtocol):
    """One connection of a client: so many header bytes, so many requests ahead, so long for each of them."""

    request_seconds = REQUEST_SECONDS

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._deadline: TimerHandle | None = None
        self._next_look: TimerHandle | None = None
        self._unread = Unread()
        self._answered: RequestResponseCycle | None = None
        self._is_in_head = True
        self._received_bytes = 0  # of this request, all that came
        self._body_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the class above
        """Take the connection, unless there are too many; a client that says nothing is given up as well."""
        super().connection_made(transport)
        self._look_later()
        if len(self.connections) > MOST_CONNECTIONS:
            detail = "too many connections are open; try again later"
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self._refuse(Problem(status, "overloaded", detail, retry_after_seconds=1))
            return
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        if self._next_look is not None:
            self._next_look.cancel()
        if self._answered is not None:
            # The class above tells only the newest request, which may still wait for this one.
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as long as it is part of a request of reasonable size."""
        if self.transport.is_closing():
            return
        if self._deadline is None:
            self._start_deadline()
        if self._is_in_head and not self._received_bytes:
            data = without_upgrade(data)
        self._received_bytes += len(data)
        super().data_received(data)
        # Beside its head a request may frame its body in chunks: as many bytes for that as for what is in them.
        if self._received_bytes - 2 * self._body_bytes > MOST_HEAD_BYTES:
            self._refuse(headers_too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one that comes after the body is none, so that it cannot replace what was checked."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, or queue it behind the one before."""
        self._is_in_head = False
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; the next one has all its time again."""
        self._is_in_head = True
        self._received_bytes = 0
        self._body_bytes = 0
        self._stop_deadline()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(Problem(HTTPStatus.BAD_REQUEST, "invalid-http", msg))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _should_upgrade_to_ws(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in HTTP; that is no news for the log."""

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(self.request_seconds, self._look)

    def _look(self) -> None:
        """Hang up on a client that does not take its answer; also while its connection is being closed."""
        if self._unread.is_stuck(self._answered, self.transport.get_write_buffer_size()):
            self.transport.abort()
        else:
            self._look_later()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.request_seconds, self._end_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_late(self) -> None:
        self._deadline = None
        detail = f"the request did not arrive within {self.request_seconds:g} seconds"
        self._refuse(Problem(HTTPStatus.REQUEST_TIMEOUT, "too-slow", detail))

    def _refuse(self, problem: Problem) -> None:
        """Say why, unless an answer is on its way already, and hang up."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_written(problem))
        self.transport.close()


def _written(problem: Problem) -> bytes:
    answer = problem.response()
    headers = [*answer.raw_headers, *SECURITY_HEADERS, (b"connection", b"close")]
    lines = [f"HTTP/1.1 {problem.status.value} {problem.status.phrase}".encode()]
    lines += [b"%s: %s" % header for header in headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])
