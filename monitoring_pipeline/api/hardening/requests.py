"""What is done to every request before any route sees it, and to every answer: limits, foreign pages, headers.

Pure ASGI, for it is on the path of each event: no task, no thread, one pass over the headers.
"""

import logging
import traceback
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring_pipeline.access.browsers import HOSTS_VARIABLE, BrowserRules
from monitoring_pipeline.api.problems import Problem, unexpected

MOST_HEADER_BYTES = 16_384
MOST_HEADERS = 100
MOST_ADDRESS_BYTES = 8_192
MOST_BODY_BYTES = 1_000_000  # of all routes but those that take events, which unpack and count by themselves
EVENT_ROUTES = frozenset({"/v0/events"})

# No page may show, frame, sniff, keep or load anything of an answer; the pages for people say what they need instead.
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_OF_A_PROXY = (
    f"behind a proxy, or under a name of its own, the server is started with {HOSTS_VARIABLE}=NAME, "
    "and the proxy passes the Host on as it was sent"
)

_LOG = logging.getLogger(__name__)


class Hardening:
    """ASGI middleware around the whole application.

    Args:
        app: what is guarded.
        hosts: names under which the server may be addressed besides loopback; ``None`` for any name.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None = ()) -> None:
        self._app = app
        self._rules = BrowserRules(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, whatever it is and whatever happens."""
        if scope["type"] != "http":
            await _without_http(self._app, scope, receive, send)
            return
        answer = _Answer(send)
        problem = _beyond_limits(scope) or self._foreign(scope)
        if problem is not None:
            await problem.response()(scope, receive, answer.send)
            return
        try:
            await self._app(scope, _bounded(scope, receive), answer.send)
        except ClientDisconnect:
            return  # nobody is left to be told
        except Exception as error:  # noqa: BLE001  (answered, and told in the log)
            _log_fault(error)
            if not answer.is_begun:
                await unexpected().response()(scope, receive, answer.send)

    def _foreign(self, scope: Scope) -> Problem | None:
        reason = self._rules.refusal(scope)
        if reason is None:
            return None
        return Problem(HTTPStatus.FORBIDDEN, "foreign-request", f"refused: {reason}; {_OF_A_PROXY}")


class _Answer:
    """Sends an answer with the security headers that it does not set itself."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [header for header in SECURITY_HEADERS if header[0] not in present]
            message = {**message, "headers": headers}
        await self._send(message)


def _log_fault(error: BaseException) -> None:
    """Log where the program failed. What an exception says is left out: it may repeat what was sent."""
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    _LOG.error("a request failed with %s at\n%s", type(error).__qualname__, frames)


def _beyond_limits(scope: Scope) -> Problem | None:
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size > MOST_HEADER_BYTES or len(scope["headers"]) > MOST_HEADERS:
        return headers_too_large()
    address = scope["raw_path"] + b"?" + scope["query_string"]
    if len(address) > MOST_ADDRESS_BYTES:
        detail = f"the address has {len(address)} bytes; allowed are {MOST_ADDRESS_BYTES}"
        return Problem(HTTPStatus.REQUEST_URI_TOO_LONG, "address-too-long", detail)
    if b"%00" in address or b"\x00" in unquote_to_bytes(address):
        return Problem(HTTPStatus.BAD_REQUEST, "bad-text", "the address holds a NUL character; take it out")
    return None


def headers_too_large() -> Problem:
    """The answer to a request with too many headers, or too long ones."""
    detail = f"allowed are {MOST_HEADERS} headers with {MOST_HEADER_BYTES} bytes together"
    return Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", detail)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The request's body, no longer than any route but those of events needs."""
    if scope["path"] in EVENT_ROUTES:
        return receive
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BODY_BYTES:
            detail = f"the body is longer than the {MOST_BODY_BYTES} bytes that this address takes"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
        return message

    return receive_bounded


async def _without_http(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The server's start and end pass; nothing is spoken here but HTTP."""
    if scope["type"] == "lifespan":
        await app(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": "there are no websockets here"})
