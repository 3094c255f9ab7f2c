"""A feature moves away step by step."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.simulation.scenarios.changes import replaced, shifted
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import UNTOUCHED_BY_INPUTS, Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class GradualDrift(Scenario):
    """``feature`` rises by ``size`` standard deviations in ``steps`` equal steps over ``over_days``.

    The first step comes at the onset. Model and truth follow the inputs, so performance may stay as it is.
    """

    size: float = 2.0
    over_days: float = 5.0

    name: ClassVar[str] = "gradual_drift"
    summary: ClassVar[str] = "a feature moves away step by step"
    size_means: ClassVar[str] = "standard deviations of the feature at the end"
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.DRIFT})
    silent: ClassVar[frozenset[Signal]] = UNTOUCHED_BY_INPUTS

    def shift(self, hour: Hour) -> float:
        """By how many standard deviations the feature has moved."""
        if not hour.after_onset:
            return 0.0
        # The step that holds the hour's start: the last hour of a step belongs to it still.
        passed = (hour.index - hour.onset) / 24
        step = self.steps if passed >= self.over_days else math.floor(passed / self.over_days * self.steps) + 1
        return self.size * min(step, self.steps) / self.steps

    def told(self) -> str:
        """What is injected, in words."""
        return f"{self.feature} moves by {self.size:g} sd in {self.steps} steps over {self.over_days:g} days"

    def inputs(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """The feature, moved as far as it is by then."""
        size = self.shift(hour)
        if size == 0.0:
            return columns
        return replaced(columns, self.feature, shifted(columns[self.feature], profile, size=size, rng=rng))
