"""A category that nobody knew appears and grows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.changes import replaced
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.population import CATEGORICAL_FEATURE
from monitoring_pipeline.simulation.scenarios.scenario import UNTOUCHED_BY_INPUTS, Scenario, Signal

NEW_CATEGORY = "launched"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryLaunch(Scenario):
    """The share of the new value ``launched`` of ``feature`` grows to ``size`` over ``over_days``.

    It takes from all others alike. The model has never met it: for the model, and for the truth, it says nothing.
    """

    size: float = 0.3
    over_days: float = 5.0
    feature: str = CATEGORICAL_FEATURE

    name: ClassVar[str] = "category_launch"
    summary: ClassVar[str] = "a new category appears and grows"
    size_means: ClassVar[str] = "share of the rows that have the new category at the end"
    largest_size: ClassVar[float] = 1.0
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.DRIFT})
    silent: ClassVar[frozenset[Signal]] = UNTOUCHED_BY_INPUTS

    def accepts(self, profile: FeatureProfile) -> bool:
        """Only categories can be launched."""
        return profile.kind is FeatureType.CATEGORICAL

    def told(self) -> str:
        """What is injected, in words."""
        share = f"{self.size:.0%} of the rows after {self.over_days:g} days"
        return f"{self.feature} gets the new value {NEW_CATEGORY!r}, {share}"

    def inputs(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """The feature with the new value in its growing share of the rows."""
        del profile
        share = self.size * hour.progress(self.over_days)
        if share == 0.0:
            return columns
        column = columns[self.feature].copy()
        column[rng.random(column.size) < share] = NEW_CATEGORY
        return replaced(columns, self.feature, column)
