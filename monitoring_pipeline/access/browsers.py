"""What browsers say about where a request comes from, believed: who is not a page of this server is kept away.

A page that somebody opens in a browser on the same machine can send requests to a server on loopback (cross-site
request forgery), and a name that suddenly resolves to 127.0.0.1 can even read the answers (DNS rebinding). A browser
always says under which name it addresses the server, and which page made the request. Programs that are no browsers
send none of these headers and pass; who they are is the business of tokens or of a proxy.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
HOSTS_VARIABLE = "MONITOR_ALLOWED_HOSTS"

# A name or an address, and a port: nothing that a parser of addresses could stumble over.
_HOST = re.compile(r"([a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
# What the browser says about a request that the page itself made, or that a person typed.
_OWN_REQUESTS = frozenset({"same-origin", "none"})


def allowed_hosts(environment: Mapping[str, str]) -> list[str]:
    """The names, separated by commas, that ``MONITOR_ALLOWED_HOSTS`` adds to those of loopback."""
    return [name.strip() for name in environment.get(HOSTS_VARIABLE, "").split(",") if name.strip()]


@dataclass(slots=True)
class _Told:
    """What the headers say that matter here."""

    hosts: list[str]
    origins: list[str]
    site: str = "none"
    mode: str = ""
    destination: str = ""


class BrowserRules:
    """Which requests may pass.

    Args:
        hosts: names, without port, under which the server may be addressed; loopback names always may. ``None`` for
            any name: only where nothing is answered without a token, which no foreign page has.
    """

    def __init__(self, hosts: Collection[str] | None = ()) -> None:
        self._hosts = None if hosts is None else LOOPBACK_HOSTS | {host.lower() for host in hosts}

    def refusal(self, scope: Mapping[str, Any]) -> str | None:
        """Why an ASGI request is refused; ``None`` if it may pass."""
        told = _told(scope["headers"])
        name = _HOST.fullmatch(told.hosts[0]) if len(told.hosts) == 1 else None
        if name is None or (self._hosts is not None and name[1] not in self._hosts):
            return "this server is not known under that Host"
        if any(origin.partition("://")[2] != told.hosts[0] for origin in told.origins):
            return "the request comes from another page"
        if scope["type"] == "websocket":
            return None  # browsers always send an Origin with these
        if told.site not in _OWN_REQUESTS and not _follows_a_link(scope["method"], told):
            return "the request comes from another site"
        return None


def _follows_a_link(method: str, told: _Told) -> bool:
    """Whether a person opens a page in a window of its own, not in a frame of another page."""
    return method == "GET" and told.mode == "navigate" and told.destination == "document"


def _told(headers: Collection[tuple[bytes, bytes]]) -> _Told:
    # In one pass over the raw headers, for it is done on each request.
    told = _Told([], [])
    for name, value in headers:
        if name == b"host":
            told.hosts.append(value.decode("latin-1").lower())
        elif name == b"origin":
            told.origins.append(value.decode("latin-1").lower())
        elif name == b"sec-fetch-site":
            told.site = value.decode("latin-1")
        elif name == b"sec-fetch-mode":
            told.mode = value.decode("latin-1")
        elif name == b"sec-fetch-dest":
            told.destination = value.decode("latin-1")
    return told
