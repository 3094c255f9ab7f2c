"""A feature jumps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.simulation.scenarios.changes import replaced, shifted
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import UNTOUCHED_BY_INPUTS, Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class SuddenDrift(Scenario):
    """``feature`` is ``size`` standard deviations higher from the onset on; model and truth follow it."""

    size: float = 2.0

    name: ClassVar[str] = "sudden_drift"
    summary: ClassVar[str] = "a feature jumps from one hour to the next"
    size_means: ClassVar[str] = "standard deviations of the feature"
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.DRIFT})
    silent: ClassVar[frozenset[Signal]] = UNTOUCHED_BY_INPUTS

    def told(self) -> str:
        """What is injected, in words."""
        return f"{self.feature} jumps by {self.size:g} sd"

    def inputs(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """The feature, moved from the onset on."""
        if not hour.after_onset:
            return columns
        return replaced(columns, self.feature, shifted(columns[self.feature], profile, size=self.size, rng=rng))
