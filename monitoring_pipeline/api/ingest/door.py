"""The short way in for events: from the server straight to the intake, past the layers that other routes need.

Frameworks resolve dependencies, models and answers anew for each request, which costs four times what taking an
event costs. Documented, and reachable where the application is mounted elsewhere, is the same intake as a route.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from monitoring_pipeline.api.ingest.intake import Intake

PATH = "/v0/events"
_ACCEPTED = 202

Handlers = Mapping[Any, Callable[[Request, Any], Response | Awaitable[Response]]]
"""By kind of error, as an application keeps them."""


class EventsDoor:
    """ASGI middleware that answers ``POST /v0/events`` and lets everything else pass.

    Args:
        app: what answers everything else.
        intake: takes the events.
        handlers: turn errors into answers.
    """

    def __init__(self, app: ASGIApp, *, intake: Intake, handlers: Handlers) -> None:
        self._app = app
        self._intake = intake
        self._guarded = ExceptionMiddleware(self._answer, handlers=handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            outcome = await self._intake.take(scope, receive)
        except ClientDisconnect:
            return  # nobody is left to be told, and nothing was taken
        body = b'{"successful_rows":%d,"quarantined_rows":%d}' % (outcome.taken, len(outcome.rejected))
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": _ACCEPTED, "headers": headers})
        await send({"type": "http.response.body", "body": body})
