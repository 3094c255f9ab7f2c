"""One request to the server: events in, and what became of them out."""

import gzip
import ssl
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import httpx

from monitoring_pipeline.client.events import Clock, Kind
from monitoring_pipeline.client.sending.answers import Answer, Verdict, answer_of
from monitoring_pipeline.client.settings import checked_token

# Below it the packed body is hardly smaller.
_WORTH_PACKING_BYTES = 1_000
_MOST_ANSWER_BYTES = 65_536


class Poster:
    """Sends lines to one server over connections that are kept.

    It uses httpx's transport, without what a client adds: redirects (which would carry the token elsewhere), proxies
    and passwords of the environment, cookies, and a line in the service's log for each request.

    Args:
        url: of the server.
        token: with the scope ``events:append``; or the file that holds it, which is read for each request.
        timeout_seconds: of connecting, and of each wait for the server.
        verify: how the server's certificate is checked.
        clock: what a dated ``Retry-After`` is measured from.
    """

    def __init__(
        self,
        url: httpx.URL,
        *,
        token: str | Path | None,
        timeout_seconds: float,
        verify: ssl.SSLContext | bool,
        clock: Clock,
    ) -> None:
        self._url = url.copy_with(path=url.path.rstrip("/") + "/v0/events")
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "monitoring-pipeline-client"}
        self._token = token
        self._timeout = httpx.Timeout(timeout_seconds).as_dict()
        self._clock = clock
        self._verify = verify

    def post(self, kind: Kind, lines: Sequence[bytes]) -> Answer:
        """Send lines, and say what came of it; a server that cannot be reached is an answer, too."""
        try:
            authorization = self._authorization()
        except (OSError, ValueError) as error:
            return Answer(verdict=Verdict.LATER, reason=f"the file of the token cannot be read: {type(error).__name__}")
        try:
            response = self._transport.handle_request(self._request(kind, lines, authorization))
            try:
                body = _beginning(response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The latter two: what the system, or an answer that is no HTTP, can raise beside httpx's own.
            return Answer(verdict=Verdict.LATER, reason=f"it cannot be reached: {type(error).__name__} {error}".strip())
        return answer_of(response, body, event_count=len(lines), now=self._clock())

    def close(self) -> None:
        """Close the connections."""
        if "_transport" in self.__dict__:
            self._transport.close()

    @cached_property
    def _transport(self) -> httpx.HTTPTransport:
        # Made by who sends, and with certificates only where there are any: to read them takes its time.
        return httpx.HTTPTransport(verify=self._verify if self._url.scheme == "https" else False, trust_env=False)

    def _authorization(self) -> dict[str, str]:
        token = self._token
        if isinstance(token, Path):
            token = checked_token(token.read_text(encoding="utf-8").strip())
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def _request(self, kind: Kind, lines: Sequence[bytes], authorization: dict[str, str]) -> httpx.Request:
        body, headers = b"\n".join(lines), {**self._headers, **authorization}
        if len(body) >= _WORTH_PACKING_BYTES:
            body, headers = gzip.compress(body, compresslevel=1, mtime=0), {**headers, "Content-Encoding": "gzip"}
        url = self._url.copy_merge_params({"name": kind.value})
        return httpx.Request("POST", url, headers=headers, content=body, extensions={"timeout": self._timeout})


def _beginning(response: httpx.Response) -> bytes:
    body = b""
    assert isinstance(response.stream, httpx.SyncByteStream)  # what a transport that is not async gives
    for chunk in response.stream:
        body += chunk
        if len(body) > _MOST_ANSWER_BYTES:
            break
    return body
