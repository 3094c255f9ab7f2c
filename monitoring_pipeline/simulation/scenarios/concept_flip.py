"""In a region of the inputs the truth turns, while the inputs stay."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile, Floats
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.relation import INTERCEPT
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptFlip(Scenario):
    """From the onset on, in the rows with ``feature`` above its median what spoke for yes speaks for no.

    There the log-odds move from x to (1 - size) x + size (2 c - x), mirrored at their centre c where ``size`` is 1. Of
    a category, the region is the commonest value. The inputs stay as they are, so drift of inputs sees nothing.
    """

    name: ClassVar[str] = "concept_flip"
    summary: ClassVar[str] = "the truth turns in a region of the inputs, which stay as they are"
    size_means: ClassVar[str] = "how far the truth turns: 1 mirrors it"
    largest_size: ClassVar[float] = 1.0
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.CONCEPT_DRIFT, Signal.PERFORMANCE})
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - raises - {Signal.LABEL_DRIFT}

    def told(self) -> str:
        """What is injected, in words."""
        return f"where {self.feature} is above its median the truth turns (size {self.size:g})"

    def log_odds(self, log_odds: Floats, columns: Columns, profile: FeatureProfile, hour: Hour) -> Floats:
        """What the truth follows."""
        if not hour.after_onset:
            return log_odds
        column = columns[self.feature]
        numeric = profile.kind is FeatureType.NUMERIC
        region = column > profile.center if numeric else column == profile.values[0]
        mirrored = (1 - self.size) * log_odds + self.size * (2 * INTERCEPT - log_odds)
        return np.where(region.astype(bool), mirrored, log_odds)
