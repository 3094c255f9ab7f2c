"""Predictions and truth as they arrive in life: late, twice, corrected, taken back, before what they are about, never.

What holds is written down beside it by the plain rule that what was said last holds: an oracle that shares no code
with the program.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import Engine

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS, FixedClock

MODEL = "price"
VERSIONS = ("v1", "v2")
ENVIRONMENTS = ("production", "staging", "canary")
INSTANTS = (NOON_MICROS, NOON_MICROS + 7 * HOUR_MICROS + 1_234_567, NOON_MICROS + 31 * HOUR_MICROS)
_AHEAD_MICROS = 240_000_000  # some producers' clocks run ahead, by less than is tolerated

Event = dict[str, object]
Arrivals = list[tuple[Kind, list[Event]]]


@dataclass(kw_only=True)
class Made:
    """One prediction, and what is known of it."""

    at: int
    version: str
    environment: str
    predicted: float
    actual: float | None = None

    @property
    def error(self) -> float | None:
        return None if self.actual is None else self.predicted - self.actual


@dataclass(kw_only=True)
class World:
    """All that was sent by now; ``arrivals`` has a list for each of the instants."""

    rng: random.Random
    made: dict[str, Made] = field(default_factory=dict)

    def arrive(self, now: int, count: int) -> Arrivals:
        """What arrives up to an instant: new predictions, and truth about any of them."""
        fresh = [self._prediction(now) for _ in range(count)]
        repeated = self.rng.sample(fresh, count // 50)  # a producer that heard no answer
        early = [event for event in fresh[: count // 10] if "actual_value" not in event]
        before = [self._truth(str(event["prediction_id"]), now) for event in early]
        ids = self.rng.choices(list(self.made), k=count // 2)
        told = [self._truth(prediction_id, now) for prediction_id in ids]
        told += self.rng.sample(told, len(told) // 20)
        self.rng.shuffle(fresh)
        return [(Kind.ACTUALS, before), (Kind.PREDICTIONS, fresh + repeated), (Kind.ACTUALS, told)]

    def rows(self, version: str, environment: str, start: int, end: float = math.inf) -> list[Made]:
        """The predictions of a group and a stretch of time."""
        group = (version, environment)
        return [row for row in self.made.values() if (row.version, row.environment) == group and start <= row.at < end]

    def _prediction(self, now: int) -> Event:
        prediction_id = f"p{len(self.made)}"
        rng = self.rng
        row = Made(
            at=now - round(rng.betavariate(0.4, 2) * 240 * HOUR_MICROS) + rng.choice([0, 0, _AHEAD_MICROS]),
            version=rng.choice(VERSIONS),
            environment=rng.choice(ENVIRONMENTS),
            predicted=rng.gauss(0, 1) * 10 ** rng.randint(-6, 6),
        )
        event = {
            "model_id": MODEL,
            "prediction_id": prediction_id,
            "timestamp": isoformat(row.at),
            "predicted_value": row.predicted,
            "model_version": row.version,
            "environment": row.environment,
            "features": {},
        }
        if rng.random() < 0.4:
            event["actual_value"] = row.actual = row.predicted + rng.gauss(0, 1)
        self.made[prediction_id] = row
        return event

    def _truth(self, prediction_id: str, now: int) -> Event:
        # Each statement has an instant of its own, so that none is a repetition of an earlier one.
        row = self.made[prediction_id]
        event: Event = {"model_id": MODEL, "prediction_id": prediction_id}
        event["timestamp"] = isoformat(now - self.rng.randrange(HOUR_MICROS))
        if self.rng.random() < 0.1:
            row.actual = None
            return {**event, "retracted": True}
        row.actual = row.predicted + self.rng.gauss(0, 1)
        return {**event, "actual_value": row.actual}


def land(engine: Engine, arrivals: Arrivals, *, clock: FixedClock, batch_rows: int = 10_000) -> None:
    """Store what arrives, in its order."""
    for kind, events in arrivals:
        ingest_rows(engine, events, kind=kind, config=MonitoringConfig(), clock=clock, batch_rows=batch_rows)


def one_by_one(arrivals: Sequence[Arrivals]) -> Iterator[tuple[Kind, Event]]:
    """All events in their order."""
    return ((kind, event) for kind, events in chain.from_iterable(arrivals) for event in events)
