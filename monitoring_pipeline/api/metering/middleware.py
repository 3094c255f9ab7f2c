"""Counts each request where it comes in and goes out, for a few microseconds each."""

from collections.abc import Collection
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring_pipeline.api.metering.lately import Lately
from monitoring_pipeline.api.metering.meter import Meter
from monitoring_pipeline.events.group_commit import EventWriter

UNMATCHED = "unmatched"

_FAILED = 500
_CLIENT_LEFT = 499  # as nginx calls it: no answer was begun


class Metering:
    """ASGI middleware around everything else.

    Args:
        app: what answers.
        meter: counts.
        lately: counts the last minutes, without the probes: they are asked the more often the worse things are.
        writer: of which is told how much waits.
        doors: paths that are answered before any route is looked for.
        probes: paths that only ask how the server does.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        meter: Meter,
        lately: Lately,
        writer: EventWriter,
        doors: Collection[str] = (),
        probes: Collection[str] = (),
    ) -> None:
        self._app = app
        self._meter = meter
        self._lately = lately
        self._writer = writer
        self._doors = frozenset(doors)
        self._probes = frozenset(probes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _CLIENT_LEFT

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        self._meter.begin()
        try:
            await self._app(scope, receive, noting)
        except BaseException:
            status = _FAILED
            raise
        finally:
            self._meter.end(
                method=scope["method"], endpoint=self._endpoint(scope), status=status, seconds=perf_counter() - began
            )
            if scope["path"] not in self._probes:
                self._lately.note(status)
            self._meter.note_queue(self._writer.waiting_bytes)

    def _endpoint(self, scope: Scope) -> str:
        """The template of the route: addresses come from callers, and there is no end of them."""
        route = scope.get("route")
        if route is not None:
            return str(route.path)
        path = str(scope["path"])
        return path if path in self._doors else UNMATCHED
