"""HTTP over raw connections: a client library costs more than the server that is to be measured."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, Self

from benchmarks.measured.serving_process import LOOPBACK

_LENGTH = b"content-length: "


class Answer(NamedTuple):
    """A status of HTTP, and the body."""

    status: int
    body: bytes


class Connection:
    """One connection that waits for each answer before it asks again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Self:
        """A new connection to a server of this machine."""
        return cls(*await asyncio.open_connection(LOOPBACK, port, limit=2**20))

    async def ask(self, request: bytes) -> Answer:
        """The answer to a request."""
        self.send(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
        return Answer(int(head.split(b" ", 2)[1]), await self._reader.readexactly(length))

    def send(self, request: bytes) -> None:
        """Send, and wait for nothing."""
        self._writer.write(request)

    def close(self) -> None:
        """End in order: what was sent arrives."""
        self._writer.close()

    def abort(self) -> None:
        """End as a process that is killed: at once, whatever is under way."""
        self._writer.transport.abort()


def post(target: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> bytes:
    """A request that brings a body."""
    return _head("POST", target, {"Content-Length": str(len(body)), **(headers or {})}) + body


def get(target: str) -> bytes:
    """A request that asks."""
    return _head("GET", target, {})


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode()
