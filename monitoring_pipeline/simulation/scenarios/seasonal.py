"""Night differs from day and the weekend from the week, as it always did: healthy."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.simulation.scenarios.changes import replaced, shifted
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile
from monitoring_pipeline.simulation.scenarios.hour import HOURS_PER_DAY, NIGHT_HOURS, Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal

_PEAK_HOUR = 14
_SWING = 0.7  # of the volume, around its mean
_WEEKEND_VOLUME = 0.6
_WEEKEND_SIZE = 0.5  # of what the night does


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasonal(Scenario):
    """At night ``feature`` is ``size`` standard deviations lower, at the weekend half as much higher.

    Volume swings between 0.3 and 1.7 of its mean with its peak at 14:00 UTC, and is 0.6 of that at the weekend. The
    reference has the same rhythm, so there is nothing to be raised.
    """

    size: float = 0.8

    name: ClassVar[str] = "seasonal"
    summary: ClassVar[str] = "healthy, but night differs from day and the weekend from the week"
    size_means: ClassVar[str] = "standard deviations between night and day"
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal)

    def told(self) -> str:
        """What is injected, in words."""
        return f"nothing; {self.feature} is {self.size:g} sd lower at night, as in the reference"

    def volume_ratio(self, hour: Hour) -> float:
        """The rhythm of day and week."""
        of_day = 1.0 + _SWING * math.cos(2 * math.pi * (hour.of_day - _PEAK_HOUR) / HOURS_PER_DAY)
        return of_day * (_WEEKEND_VOLUME if _is_weekend(hour) else 1.0)

    def inputs(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """The feature, lower at night and higher at the weekend."""
        size = -self.size * (hour.of_day in NIGHT_HOURS) + _WEEKEND_SIZE * self.size * _is_weekend(hour)
        if size == 0.0:
            return columns
        return replaced(columns, self.feature, shifted(columns[self.feature], profile, size=size, rng=rng))


def _is_weekend(hour: Hour) -> bool:
    return hour.weekday >= 5
