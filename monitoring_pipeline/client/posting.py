"""One request to the server, and what its answer means for the events in it."""

import gzip
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus

import httpx
import orjson

from monitoring_pipeline.client.events import Clock, Kind
from monitoring_pipeline.client.pauses import retry_after_seconds

# Below it the packed body is hardly smaller.
_WORTH_PACKING_BYTES = 1_000
_MOST_ANSWER_BYTES = 65_536
_MOST_REASON_CHARS = 300

# About the moment or the caller, not about these events. A token that is no longer valid is among them: the events are
# right, and are sent by whoever comes with a valid one.
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED}


class Verdict(StrEnum):
    """What an answer says of the events."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The meaning of one answer, or of none.

    Args:
        verdict: whether the events are stored, to be sent again, or never to be sent again.
        reason: why they are not stored; for people.
        quarantined_count: of stored events, those that the server put into quarantine.
        retry_after_seconds: what the server asked for.
        is_server_fault: a 500: it may be one of these very events that the server stumbles over.
    """

    verdict: Verdict
    reason: str = ""
    quarantined_count: int = 0
    retry_after_seconds: float | None = None
    is_server_fault: bool = False


class Poster:
    """Sends lines to one server over connections that are kept.

    It uses httpx's transport, without what a client adds: redirects (which would carry the token elsewhere), proxies
    and passwords of the environment, cookies, and a line in the service's log for each request.

    Args:
        url: of the server.
        token: with the scope ``events:append``.
        timeout_seconds: of connecting, and of each wait for the server.
        verify: how the server's certificate is checked.
        clock: what a dated ``Retry-After`` is measured from.
    """

    def __init__(
        self,
        url: httpx.URL,
        *,
        token: str | None,
        timeout_seconds: float,
        verify: ssl.SSLContext | bool,
        clock: Clock,
    ) -> None:
        self._url = url.copy_with(path=url.path.rstrip("/") + "/v0/events")
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "monitoring-pipeline-client"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout = httpx.Timeout(timeout_seconds).as_dict()
        self._clock = clock
        self._verify = verify

    def post(self, kind: Kind, lines: Sequence[bytes]) -> Answer:
        """Send lines, and say what came of it; a server that cannot be reached is an answer, too."""
        try:
            response = self._transport.handle_request(self._request(kind, lines))
            try:
                body = _beginning(response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The latter two: what the system, or an answer that is no HTTP, can raise beside httpx's own.
            return Answer(verdict=Verdict.LATER, reason=f"it cannot be reached: {type(error).__name__} {error}".strip())
        return self._meaning(response, body, len(lines))

    def close(self) -> None:
        """Close the connections."""
        if "_transport" in self.__dict__:
            self._transport.close()

    @cached_property
    def _transport(self) -> httpx.HTTPTransport:
        # Made by who sends, and with certificates only where there are any: to read them takes its time.
        return httpx.HTTPTransport(verify=self._verify if self._url.scheme == "https" else False, trust_env=False)

    def _request(self, kind: Kind, lines: Sequence[bytes]) -> httpx.Request:
        body, headers = b"\n".join(lines), self._headers
        if len(body) >= _WORTH_PACKING_BYTES:
            body, headers = gzip.compress(body, compresslevel=1, mtime=0), {**headers, "Content-Encoding": "gzip"}
        url = self._url.copy_merge_params({"name": kind.value})
        return httpx.Request("POST", url, headers=headers, content=body, extensions={"timeout": self._timeout})

    def _meaning(self, response: httpx.Response, body: bytes, count: int) -> Answer:
        status = response.status_code
        if response.is_success:
            return _acknowledgement(body, count)
        reason = f"it answered {status}{_detail(body)}"
        if response.is_client_error and status not in _LATER:
            return Answer(verdict=Verdict.REFUSED, reason=reason)
        return Answer(
            verdict=Verdict.LATER,
            reason=reason,
            retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), now=self._clock()),
            is_server_fault=status == HTTPStatus.INTERNAL_SERVER_ERROR,
        )


def _beginning(response: httpx.Response) -> bytes:
    body = b""
    assert isinstance(response.stream, httpx.SyncByteStream)  # what a transport that is not async gives
    for chunk in response.stream:
        body += chunk
        if len(body) > _MOST_ANSWER_BYTES:
            break
    return body


def _acknowledgement(body: bytes, count: int) -> Answer:
    """Stored, if the answer accounts for every event: a page of some proxy may be a 200, too."""
    answer = _object(body)
    stored, quarantined = answer.get("successful_rows"), answer.get("quarantined_rows")
    if isinstance(stored, int) and isinstance(quarantined, int) and stored + quarantined == count:
        return Answer(verdict=Verdict.TAKEN, quarantined_count=quarantined)
    return Answer(verdict=Verdict.LATER, reason="its answer does not account for the events: is it the monitor?")


def _detail(body: bytes) -> str:
    """What a problem document says, on one line."""
    detail = _object(body).get("detail")
    if not isinstance(detail, str):
        return ""
    line = "".join(character if character.isprintable() else " " for character in detail)
    return f": {line[:_MOST_REASON_CHARS]}"


def _object(body: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
