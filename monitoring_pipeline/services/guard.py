"""Keeps other web pages away from the Dagster webserver.

Dagster's webserver carries out GraphQL mutations that come by plain ``GET``, under any ``Host`` and from any
``Origin``. So a page that somebody opens in a browser on the same machine could start runs (cross-site request
forgery), and a name that suddenly resolves to 127.0.0.1 could read everything (DNS rebinding). A browser always
says where a request comes from; this middleware believes it and refuses what does not come from the UI itself.
Programs that are no browsers send none of these headers and pass; who they are is the business of a proxy.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

# What the browser says about a request that the page itself made, or that a person typed.
_OWN_REQUESTS = frozenset({"same-origin", "none"})


class BrowserGuard:
    """ASGI middleware that refuses foreign hosts, foreign origins, and GraphQL by ``GET``.

    Args:
        app: what is guarded.
        hosts: names, without port, under which the server may be addressed; loopback names always may.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK_HOSTS | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        reason = None if scope["type"] == "lifespan" else self._refusal(scope)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(f"refused: {reason}\n", status_code=403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        """Why the request is refused; ``None`` if it may pass."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _without_port(hosts[0]) not in self._hosts:
            return "this server is not known under that Host"
        if any(origin.partition("://")[2].lower() != hosts[0].lower() for origin in headers.getlist("origin")):
            return "the request comes from another page"
        if scope["type"] == "websocket":
            return None  # browsers always send an Origin with these
        return _refusal_by_method(scope, headers)


def _refusal_by_method(scope: Scope, headers: Headers) -> str | None:
    site = headers.get("sec-fetch-site", "none")
    if site not in _OWN_REQUESTS and not _follows_a_link(scope, headers):
        return "the request comes from another site"
    if scope["path"].rstrip("/").endswith("/graphql") and scope["method"] != "POST":
        # As a page it is the query editor; as anything else it would be executed.
        return None if "text/html" in headers.get("accept", "") else "GraphQL is asked by POST"
    return None


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a person opens a page of the UI in a window of its own, not in a frame of another page."""
    return bool(
        scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
