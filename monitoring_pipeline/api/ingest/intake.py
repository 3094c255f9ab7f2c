"""One request with events, from its first byte to the answer: who, what, how much, stored."""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from starlette.types import Receive, Scope

from monitoring_pipeline.access.scopes import Caller
from monitoring_pipeline.access.scopes import Scope as Grantable
from monitoring_pipeline.api.callers import bearer, caller_of, require
from monitoring_pipeline.api.ingest.bodies import read_body
from monitoring_pipeline.api.ingest.documents import TooManyLinesError, rows_of
from monitoring_pipeline.api.ingest.headers import IngestHead, kind_of
from monitoring_pipeline.api.ingest.storing import stored
from monitoring_pipeline.api.ingest.unpacking import gunzip
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.submissions import Outcome

SOURCE = "http"

T = TypeVar("T")

# What is parsed and checked at once: handing it to a thread would take longer. A line that cannot be read costs 30 µs
# whatever its length, so 20 kB of them, sent packed or not, would keep all other requests waiting for 0.3 s.
_SMALL_BYTES = 65_536
_SMALL_LINES = 500


class Intake:
    """Takes the events of a server's requests.

    Args:
        service: its parts.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._limits = service.limits
        self.allowance = service.allowance

    async def take(self, scope: Scope, receive: Receive) -> Outcome:
        """What became of the events of a request, after they were committed.

        Raises:
            Problem: if the request is refused; nothing of it was taken.
            MonitorError: if the store is out of reach.
            ClientDisconnect: if the body did not come to its end; nothing of it was taken.
        """
        head = IngestHead.of(scope)
        caller = await self._caller(head)
        kind = kind_of(scope["query_string"])
        with self.allowance.holding(caller.name) as holding:
            body = await read_body(receive, announced=head.announced, limits=self._limits, holding=holding)
            if head.is_packed:
                body = await asyncio.to_thread(self._unpacked, body)
                holding.claim(size=len(body))
            rows = await _result(partial(self._parsed, body), size=len(body), lines=body.count(b"\n"))
            holding.claim(lines=len(rows))
            # Asked again: a body may take half a minute, and a token that was revoked meanwhile opens nothing.
            _authorize(await self._caller(head), rows)
            check = partial(self._service.writer.check, rows, kind=kind, source=SOURCE)
            checked = await _result(check, size=len(body), lines=len(rows))
            del body, rows, check  # else what waits for the commit would be held three times
            return await stored(self._service.writer, checked)

    async def _caller(self, head: IngestHead) -> Caller:
        return await caller_of(self._service.tokens, bearer(head.authorization), Grantable.EVENTS_APPEND)

    def _unpacked(self, body: bytes) -> bytes:
        return gunzip(body, limit=self._limits.unpacked_bytes)

    def _parsed(self, body: bytes) -> list[Row]:
        try:
            rows = rows_of(body, most=self._limits.lines)
        except TooManyLinesError:
            allowed = self._limits.lines
            detail = f"the body has more than the {allowed} lines allowed; send the events in several requests"
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            raise Problem(status, "too-many-lines", detail, limit="lines", allowed=allowed) from None
        if not rows:
            detail = "the body holds no event; send one JSON object, or one per line"
            raise Problem(HTTPStatus.BAD_REQUEST, "empty-body", detail)
        return rows


async def _result(work: Callable[[], T], *, size: int, lines: int) -> T:
    """What work on an unpacked body comes to; on a large one in a thread, while other requests go on."""
    is_small = size <= _SMALL_BYTES and lines <= _SMALL_LINES
    return work() if is_small else await asyncio.to_thread(work)


def _authorize(caller: Caller, rows: list[Row]) -> None:
    if caller.may(Grantable.EVENTS_APPEND):
        return
    # A row without a model, or with none that could be one, goes to quarantine and concerns none.
    named = {row.record["model_id"] for row in rows if row.record and isinstance(row.record.get("model_id"), str | int)}
    for model_id in named:
        require(caller, Grantable.EVENTS_APPEND, str(model_id))
