"""Where a server listens: bound before it starts, so that a port in use is told at once and by name."""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import uvicorn

from monitoring_pipeline.errors import MonitorError

_REMEDIES = {
    errno.EADDRINUSE: "something listens there already: end it, or choose another port with --port",
    errno.EACCES: "ports below 1024 are for the administrator: choose another one with --port",
    errno.EADDRNOTAVAIL: "this machine does not have that address: choose another one with --host",
}


class AnnouncedServer(uvicorn.Server):
    """A server that says when it takes requests; before that, an address that is shown is a promise.

    Args:
        config: uvicorn's.
        ready: called once, after the first moment at which a request is taken.
    """

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of a host; whoever connects before a server listens is refused, not kept waiting.

    Raises:
        MonitorError: if the address is not known here or not free, with what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):  # the latter: no name could be written so
        raise MonitorError(f"there is no address {host!r}; write one of this machine after --host") from None
    with ExitStack() as opened:
        places = dict.fromkeys((family, address) for family, *_, address in found)
        sockets = [opened.enter_context(_bound(family, address)) for family, address in places]
        opened.pop_all()  # all are bound: they stay open
    return sockets


def _bound(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    bound_here = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound_here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound_here.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound_here.bind(address)
    except OSError as error:
        bound_here.close()
        host, port = address[:2]
        why = _REMEDIES.get(error.errno or 0, os.strerror(error.errno or 0))
        raise MonitorError(f"port {port} of {host} cannot be listened on: {why}") from None
    return bound_here
