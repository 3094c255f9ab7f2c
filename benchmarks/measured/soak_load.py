"""A load that goes on: clients of many kinds, each at a pace of its own, until they are told to end."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from random import Random

import orjson

from benchmarks.measured.serving_wire import Answer, Connection
from benchmarks.measured.soak_requests import SEED, Events, faults, questions, watching

REQUESTS_OF_A_CONNECTION = 200  # then the client comes with a new one
BATCH_ROWS = 100
LARGE_ROWS = 2_000
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A kind of client.

    Attributes:
        name: as figures are told by.
        every_seconds: it asks, unless the answer before takes longer.
        requests: what it asks, without end.
        is_expected: whether an answer is one of those that it should get.
        per_connection: how many requests it sends over one connection.
    """

    name: str
    every_seconds: float
    requests: Iterator[bytes]
    is_expected: Callable[[int], bool] = range(200, 300).__contains__
    per_connection: int = REQUESTS_OF_A_CONNECTION


@dataclass(kw_only=True)
class Load:
    """All clients of a server.

    Attributes:
        port: the server's.
        waits: seconds of each answer, by client.
        acknowledged: events that answers said were taken.
        unexpected: answers that were not those they should be, with how many there were.
        ended: once it is set, every client ends.
    """

    port: int
    waits: dict[str, list[float]] = field(default_factory=dict)
    acknowledged: int = 0
    unexpected: Counter[str] = field(default_factory=Counter)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def clients(self) -> list[Coroutine[None, None, None]]:
        """Every client, ready to run."""
        events = Events()
        kinds = (
            *(_client("single events", 0.02, lambda: events.predictions(1)) for _ in range(4)),
            *(_client("batches", 0.1, lambda: events.predictions(BATCH_ROWS)) for _ in range(2)),
            _client("truth", 0.1, lambda: events.truth(BATCH_ROWS)),
            _client("large batches", 5, lambda: events.packed(LARGE_ROWS)),
            Client(name="pipes", every_seconds=0.1, requests=questions()),
            Client(name="pipes", every_seconds=0.1, requests=questions()),
            Client(name="watching", every_seconds=0.5, requests=watching(), is_expected={200, 503}.__contains__),
            Client(
                name="faults",
                every_seconds=0.2,
                requests=faults(events),
                is_expected=lambda status: status < 500,
                per_connection=1,
            ),
        )
        return [*map(self._client, kinds), self._leaver(events)]

    async def _client(self, client: Client) -> None:
        waits = self.waits.setdefault(client.name, [])
        while not self.ended.is_set():
            connection = await Connection.to(self.port)
            for _ in range(client.per_connection):
                if self.ended.is_set():
                    break
                started = time.perf_counter()
                answer = await self._asked(client, connection, next(client.requests))
                waits.append(time.perf_counter() - started)
                if answer is None:
                    break
                await asyncio.sleep(max(0.0, started + client.every_seconds - time.perf_counter()))
            connection.close()

    async def _asked(self, client: Client, connection: Connection, request: bytes) -> Answer | None:
        """The answer; ``None`` without one."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                answer = await connection.ask(request)
        except (OSError, EOFError, TimeoutError) as error:
            self.unexpected[f"{client.name}: {type(error).__name__}"] += 1
            return None
        if not client.is_expected(answer.status):
            self.unexpected[f"{client.name}: {answer.status}"] += 1
        if answer.status == HTTPStatus.ACCEPTED:
            self.acknowledged += orjson.loads(answer.body)["successful_rows"]
        return answer

    async def _leaver(self, events: Events) -> None:
        """Goes away in the middle: of a body, before the answer, without a word, or after saying something slowly."""
        rng = Random(SEED)
        asked, waiting = questions(), set[asyncio.Task[None]]()
        for way in cycle(range(4)):
            if self.ended.is_set():
                break
            connection = await Connection.to(self.port)
            if way == 0:
                request = events.predictions(BATCH_ROWS)
                connection.send(request[: rng.randrange(len(request))])
            elif way == 1:
                connection.send(next(asked))
            elif way == 2:
                connection.send(b"GET /livez HTTP/1.1\r\nHost:")
            leaving = asyncio.create_task(_leave(connection, after_seconds=rng.choice((0, 0.001, 0.01, 5))))
            waiting.add(leaving)
            leaving.add_done_callback(waiting.discard)
            await asyncio.sleep(0.1)
        await asyncio.gather(*waiting)


def _client(name: str, every_seconds: float, make: Callable[[], bytes]) -> Client:
    return Client(name=name, every_seconds=every_seconds, requests=iter(make, b""))


async def _leave(connection: Connection, *, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    connection.abort()
