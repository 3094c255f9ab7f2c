"""The truth comes later and later, and then not at all."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.simulation.scenarios.columns import Floats
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDelay(Scenario):
    """The delay of labels grows to ``size`` times over ``over_days``; of what is predicted later none ever comes."""

    size: float = 10.0
    stops: bool = True

    name: ClassVar[str] = "label_delay"
    summary: ClassVar[str] = "the truth comes later and later, then stops"
    size_means: ClassVar[str] = "how many times as long the truth takes at the end"
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.LABELS})
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - raises

    def told(self) -> str:
        """What is injected, in words."""
        end = ", then stop" if self.stops else ""
        return f"labels take up to {self.size:g} times as long within {self.over_days:g} days{end}"

    def label_delay_of(self, delay_hours: Floats, actual: Floats, hour: Hour) -> Floats:
        """The delays of the labels of what is predicted in the hour."""
        del actual
        progress = hour.progress(self.over_days)
        if self.stops and progress >= 1.0:
            return np.full(delay_hours.size, np.nan)
        return delay_hours * (1.0 + (self.size - 1.0) * progress)
