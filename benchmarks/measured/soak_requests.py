"""What a server is sent for hours: good events and questions, and what careless, broken and hostile clients send."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Any

import orjson

from benchmarks.measured.ids import scattered
from benchmarks.measured.serving_wire import get, post
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.windows import HOUR_MICROS, isoformat

MODELS = ("price", "demand", "churn")
VERSIONS = ("v1", "v2")
LATE_HOURS = 48  # some events are of the hours before: as many hours however long it lasts
LATE_SHARE = 0.1
SEED = 20_260_302

_EVENTS = "/v0/events?name=ml_model_"


class Events:
    """Events with ids of their own, most of them of this moment; truth about some that were sent."""

    def __init__(self) -> None:
        self._rng = Random(SEED)
        self._sent = 0

    def predictions(self, count: int) -> bytes:
        """A request with new predictions."""
        body = self.lines(count)
        return post(f"{_EVENTS}predictions", body)

    def packed(self, count: int) -> bytes:
        """The same as gzip."""
        return post(f"{_EVENTS}predictions", gzip.compress(self.lines(count), 1), headers={"Content-Encoding": "gzip"})

    def truth(self, count: int) -> bytes:
        """A request with truth about predictions, some of them corrected: any that were sent since the start."""
        numbers = [self._rng.randrange(max(self._sent, 1)) for _ in range(count)]
        body = _lines({**_key(number), "actual_value": self._rng.gauss(50, 21)} for number in numbers)
        return post(f"{_EVENTS}actuals", body)

    def lines(self, count: int) -> bytes:
        """New predictions, one on each line."""
        first = self._sent
        self._sent += count
        now = system_clock()
        return _lines(self._prediction(number, now) for number in range(first, first + count))

    def _prediction(self, number: int, now: int) -> dict[str, Any]:
        hours_ago = self._rng.uniform(0, LATE_HOURS) if self._rng.random() < LATE_SHARE else 0
        return {
            **_key(number),
            "timestamp": isoformat(now - round(hours_ago * HOUR_MICROS)),
            "model_version": VERSIONS[number % 10 == 0],
            "environment": "production",
            "predicted_value": self._rng.gauss(50, 20),
            "latency_ms": self._rng.gammavariate(2, 20),
            "features": {"distance": self._rng.random(), "origin": self._rng.choice(("EWR", "JFK", "LGA"))},
        }


def _key(number: int) -> dict[str, Any]:
    # As ids of producers: neighbours in time are none in the index.
    return {"model_id": MODELS[number % 3], "prediction_id": f"{scattered(number):08x}-{number}"}


def _lines(events: Iterator[dict[str, Any]]) -> bytes:
    return b"\n".join(map(orjson.dumps, events))


def questions() -> Iterator[bytes]:
    """Every pipe in every format, of every model, over and over."""
    pipes = ("model_performance_metrics", "model_drift_detection", "prediction_details")
    targets = [
        f"/v0/pipes/{pipe}.{format_}?model_id={model}" for model in MODELS for pipe in pipes for format_ in _FORMATS
    ]
    return cycle(map(get, targets))


_FORMATS = ("json", "csv", "ndjson")


def watching() -> Iterator[bytes]:
    """What dashboards, probes and scrapers ask for."""
    return cycle(map(get, ("/metrics", "/livez", "/health", "/v1/models", "/readyz", "/v1/alerts", "/v1/quarantine")))


def faults(events: Events) -> Iterator[bytes]:
    """Requests that must be refused, or their rows; over and over, each time with content of its own."""
    for number in range(10**9):
        for make in _FAULTS:
            yield make(number)
        yield post(f"{_EVENTS}predictions", gzip.compress(events.lines(3))[:-5], headers={"Content-Encoding": "gzip"})


_BOMB = gzip.compress(bytes(20_000_000))

_FAULTS: Sequence[Callable[[int], bytes]] = (
    lambda number: get(f"/nowhere/{number}"),
    lambda number: get(f"/v0/pipes/prediction_details.json?limit={-number}"),
    lambda number: get(f"/v0/pipes/prediction_details.pdf?model_id=m{number}"),
    lambda number: get(f"/v0/pipes/model_performance_metrics.json?model_id=unknown-{number}"),
    lambda number: get(f"/v1/alerts/{number}"),
    lambda number: get(f"/v1/models?cursor={number}"),
    lambda number: get(f"/v1/models?name={'x' * 20_000}{number}"),
    lambda number: post(f"/v0/events?name=table_{number}", b"{}"),
    lambda _: post(f"{_EVENTS}predictions", b""),
    lambda number: post(f"{_EVENTS}predictions", b'{"model_id": "price", "prediction_id": %d' % number),
    lambda number: post(f"{_EVENTS}predictions", b'[{"timestamp": "yesterday", "number": %d}]' % number),
    lambda number: post(f"{_EVENTS}predictions", b"%d\n" % number * 10_001),
    lambda _: post(f"{_EVENTS}predictions", _BOMB, headers={"Content-Encoding": "gzip"}),
    lambda number: post(f"{_EVENTS}predictions", b"%d" % number, headers={"Content-Encoding": "br"}),
    lambda number: post(f"/simulate/scenario-{number}", b"{}"),
    lambda number: b"\x16\x03\x01 not HTTP %d\r\n\r\n" % number,
)
