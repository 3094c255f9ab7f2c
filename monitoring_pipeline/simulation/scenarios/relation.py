"""How the inputs lead to the truth: the law that holds before anything is injected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile, Floats, Objects

INTERCEPT = -1.0
"""Of the log-odds: about three of ten outcomes are yes."""
SPREAD = 1.5
"""Standard deviation of the log-odds over healthy rows: an AUC of about 0.8."""
_FURTHEST = 3.0  # standard deviations; what lies further out says no more

# A regression's target has the same law in other units.
TARGET_CENTER, TARGET_SLOPE, TARGET_NOISE = 100.0, 10.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Log-odds of the truth: ``INTERCEPT + Σ weight · z``, with z the standardised number or the value's effect.

    Numbers are taken in standard deviations from the median, cut at ±3. A missing value, and a category that the
    healthy rows did not hold, add nothing.

    >>> from monitoring_pipeline.simulation.scenarios.columns import profiles_of
    >>> rows = {"x": np.arange(5.0)}
    >>> Relation.among(rows, profiles_of(rows), seed=1).log_odds({"x": np.array([2.0, np.nan])}).tolist()
    [-1.0, -1.0]
    """

    profiles: Mapping[str, FeatureProfile]
    weights: Mapping[str, float]
    effects: Mapping[str, Mapping[object, float]]  # of the values of categories and booleans

    @classmethod
    def among(cls, healthy: Columns, profiles: Mapping[str, FeatureProfile], *, seed: int) -> Self:
        """A law with seeded weights, scaled so that the healthy rows' log-odds spread by ``SPREAD``."""
        rng = np.random.default_rng([seed, 7])
        weights = {name: float(rng.uniform(0.5, 1.0) * rng.choice([-1.0, 1.0])) for name in sorted(profiles)}
        effects = {name: _effects(profiles[name], rng) for name in sorted(profiles)}
        raw = cls(profiles=profiles, weights=weights, effects=effects)
        spread = float(raw.log_odds(healthy).std())
        scale = SPREAD / spread if spread > 0 else 1.0
        return cls(profiles=profiles, weights={name: w * scale for name, w in weights.items()}, effects=effects)

    def log_odds(self, columns: Columns) -> Floats:
        """Of each row."""
        total = np.full(len(next(iter(columns.values()))), INTERCEPT)
        for name, weight in self.weights.items():
            total += weight * self._standardised(name, columns[name])
        return total

    def _standardised(self, name: str, column: Floats | Objects) -> Floats:
        profile = self.profiles[name]
        if profile.kind is FeatureType.NUMERIC:
            # Differences of halves: 1e308 from -1e308 is more than a double holds.
            z = (column / 2 - profile.center / 2) / (profile.scale / 2)
            return np.nan_to_num(z, nan=0.0).clip(-_FURTHEST, _FURTHEST)
        effects = self.effects[name]
        return np.array([effects.get(value, 0.0) for value in column.tolist()], dtype=np.float64)


def _effects(profile: FeatureProfile, rng: np.random.Generator) -> dict[object, float]:
    sizes = rng.permutation(np.linspace(-1.0, 1.0, len(profile.values))) if len(profile.values) > 1 else [0.0]
    return dict(zip(profile.values, map(float, sizes), strict=False))


def probability(log_odds: Floats) -> Floats:
    """1 / (1 + e^-log_odds).

    >>> probability(np.array([0.0])).tolist()
    [0.5]
    """
    odds: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return odds
