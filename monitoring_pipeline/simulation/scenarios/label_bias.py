"""Bad news travels fast: what is known early is not what will be known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.simulation.scenarios.columns import Floats
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBias(Scenario):
    """From the onset on, the truth of high outcomes (yes) is known ``size`` times sooner, of low ones as much later.

    The model is as good as ever: a young window looks bad, and is not. A performance alert may be raised on it
    provisionally, and none may stand once the labels are there. Outcomes above the hour's mean are high.
    """

    size: float = 4.0

    name: ClassVar[str] = "label_bias"
    summary: ClassVar[str] = "early labels are unrepresentative: young windows look worse than they are"
    size_means: ClassVar[str] = "how many times sooner or later the truth is known"
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - {Signal.LABELS}

    def told(self) -> str:
        """What is injected, in words."""
        return f"high outcomes are known {self.size:g} times sooner and low ones {self.size:g} times later"

    def label_delay_of(self, delay_hours: Floats, actual: Floats, hour: Hour) -> Floats:
        """The delays, short for high outcomes and long for low ones."""
        if not hour.after_onset or not actual.size:
            return delay_hours
        return np.where(actual > actual.mean(), delay_hours / self.size, delay_hours * self.size)
