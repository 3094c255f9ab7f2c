"""Keeps other web pages away from the Dagster webserver.

Dagster's webserver carries out GraphQL mutations that come by plain ``GET``, under any ``Host`` and from any
``Origin``. So a page that somebody opens in a browser on the same machine could start runs, and a name that suddenly
resolves to 127.0.0.1 could read everything. This middleware refuses what does not come from the UI itself, by the
rules of :mod:`monitoring_pipeline.access.browsers`.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from monitoring_pipeline.access.browsers import BrowserRules


class BrowserGuard:
    """ASGI middleware that refuses foreign hosts, foreign origins, and GraphQL by ``GET``.

    Args:
        app: what is guarded.
        hosts: names, without port, under which the server may be addressed; loopback names always may.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._rules = BrowserRules(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        reason = None if scope["type"] == "lifespan" else self._rules.refusal(scope) or _misused_graphql(scope)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(f"refused: {reason}\n", status_code=403)(scope, receive, send)


def _misused_graphql(scope: Scope) -> str | None:
    if scope["type"] == "websocket" or scope["method"] == "POST" or not scope["path"].rstrip("/").endswith("/graphql"):
        return None
    # As a page it is the query editor; as anything else it would be executed.
    return None if "text/html" in Headers(scope=scope).get("accept", "") else "GraphQL is asked by POST"
