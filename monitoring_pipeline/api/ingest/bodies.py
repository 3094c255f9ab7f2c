"""Reading the body of a request: never more than allowed, never for longer than allowed, whole or not at all."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from monitoring_pipeline.api.ingest.allowance import Holding
from monitoring_pipeline.api.ingest.limits import IngestLimits
from monitoring_pipeline.api.ingest.unpacking import too_large
from monitoring_pipeline.api.problems import Problem

# Of a body that is too large so much is read and thrown away: a client that is still sending hears the answer then.
_DRAINED_BYTES = 100_000_000

_CLOSE = {"Connection": "close"}


async def read_body(receive: Receive, *, announced: int | None, limits: IngestLimits, holding: Holding) -> bytes:
    """The body as it was sent.

    Args:
        receive: of the request.
        announced: its Content-Length, if there was one.
        limits: how long it may be and take.
        holding: grows with the body.

    Raises:
        Problem: 413 if it is too long, 408 if it takes too long, 429 or 503 if there is no room for it.
        ClientDisconnect: if the client went away before it was complete.
    """
    try:
        async with asyncio.timeout(limits.body_seconds):
            if announced is not None and announced > limits.sent_bytes:
                await _refuse_large(receive, limits, more=True)
            holding.claim(size=announced or 0)
            return await _read(receive, limits, holding)
    except TimeoutError:
        detail = f"the body was not complete after {limits.body_seconds:g} seconds; send less in one request"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "body-too-slow", detail, headers=_CLOSE) from None


async def _read(receive: Receive, limits: IngestLimits, holding: Holding) -> bytes:
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        piece, more = await _next_piece(receive)
        size += len(piece)
        if size > limits.sent_bytes:
            del pieces
            await _refuse_large(receive, limits, more=more)
        holding.claim(size=size)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _next_piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _refuse_large(receive: Receive, limits: IngestLimits, *, more: bool) -> None:
    problem = too_large("sent", limits.sent_bytes)
    drained = 0
    while more and drained <= _DRAINED_BYTES:
        piece, more = await _next_piece(receive)
        drained += len(piece)
    if more:
        problem.headers = {**(problem.headers or {}), **_CLOSE}
    raise problem
