"""A simulation's days: what is predicted in each, and the truth that becomes known by its end."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from monitoring_pipeline.simulation.scenarios.declaration import maturity_hours
from monitoring_pipeline.simulation.scenarios.events import (
    ActualEvent,
    Event,
    actual_events,
    hour_start,
    prediction_events,
)
from monitoring_pipeline.simulation.scenarios.hour import HOURS_PER_DAY
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.scenario import Scenario
from monitoring_pipeline.windows import DAY_MICROS, SECOND_MICROS, from_micros

TICK_LATENESS_MICROS = 5 * 60 * SECOND_MICROS  # a day's work starts so long after its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What became known in a day."""

    now: int  # microseconds UTC
    predictions: list[Event]
    actuals: list[Event]

    @property
    def day(self) -> str:
        """The day that has just ended."""
        return f"{from_micros(self.now - DAY_MICROS):%Y-%m-%d}"


def tick_count(scenario: Scenario) -> int:
    """Days until all labels are mature."""
    return scenario.days + math.ceil(maturity_hours(scenario.label_delay_hours) / HOURS_PER_DAY)


def ticks(world: World) -> Iterator[Tick]:
    """Each day's events: predictions as they are made, truth as it becomes known."""
    waiting: list[ActualEvent] = []
    for day in range(tick_count(world.scenario)):
        predictions: list[Event] = []
        if day < world.scenario.days:
            for index in range(day * HOURS_PER_DAY, (day + 1) * HOURS_PER_DAY):
                rows = world.rows(index)
                predictions += prediction_events(rows, index, world.scenario.task)
                waiting += actual_events(rows, index, world.scenario.task)
        now = hour_start((day + 1) * HOURS_PER_DAY) + TICK_LATENESS_MICROS
        known = sorted((w for w in waiting if w.known_at <= now), key=lambda w: (w.known_at, w.event["prediction_id"]))
        waiting = [w for w in waiting if w.known_at > now]
        yield Tick(now=now, predictions=predictions, actuals=[w.event for w in known])
