"""Inputs are lost, absurd or of the wrong type on their way to the log."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.changes import replaced
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal

_OUTLIER_RATIO, _WRONG_TYPE_RATIO = 0.25, 0.25  # of the share of missing values
_OUTLIER_RANGES = 5.0  # how many times its range an outlier lies above the largest healthy value
OUTLIER_CATEGORY = "???"
WRONG_NUMBER, WRONG_CATEGORY = "n/a", "\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality(Scenario):
    """Of ``feature``, a share of values that grows to ``size`` over ``over_days`` is missing.

    A quarter of that share again is far out of range, and another quarter a text where a number or yes/no is due
    (of a category: a text that ingest refuses). What is of the wrong type is quarantined. Model and truth saw the true
    values: only what is logged is broken.
    """

    size: float = 0.4

    name: ClassVar[str] = "data_quality"
    summary: ClassVar[str] = "values go missing, out of range and of the wrong type"
    size_means: ClassVar[str] = "share of missing values at the end"
    largest_size: ClassVar[float] = 1 / (1 + _OUTLIER_RATIO + _WRONG_TYPE_RATIO)
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.QUALITY})
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - raises - {Signal.DRIFT}

    def told(self) -> str:
        """What is injected, in words."""
        return (
            f"of {self.feature}, {self.size:.0%} go missing, {self.size * _OUTLIER_RATIO:.0%} out of range and "
            f"{self.size * _WRONG_TYPE_RATIO:.0%} get a wrong type within {self.over_days:g} days"
        )

    def logged(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """The feature as it is written down, as objects."""
        missing = self.size * hour.progress(self.over_days)
        if missing == 0.0:
            return columns
        outliers, wrong = missing * _OUTLIER_RATIO, missing * _WRONG_TYPE_RATIO
        column = columns[self.feature].astype(object)
        lot = rng.random(column.size)
        column[lot < missing] = None
        column[(missing <= lot) & (lot < missing + outliers)] = _outlier(profile)
        column[(missing + outliers <= lot) & (lot < missing + outliers + wrong)] = _wrong(profile)
        return replaced(columns, self.feature, column)


def _outlier(profile: FeatureProfile) -> object:
    if profile.kind is FeatureType.BOOLEAN:
        return profile.values[-1]  # neither true nor false would be of the wrong type
    if profile.kind is FeatureType.CATEGORICAL:
        return OUTLIER_CATEGORY
    return profile.high + _OUTLIER_RANGES * max(profile.high - profile.low, profile.scale)


def _wrong(profile: FeatureProfile) -> object:
    return WRONG_CATEGORY if profile.kind is FeatureType.CATEGORICAL else WRONG_NUMBER
