"""Where healthy rows come from: an invented shop, or a bootstrap of rows that a user has."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monitoring_pipeline.simulation.scenarios.columns import Columns, Objects

NUMERIC_FEATURE, CATEGORICAL_FEATURE = "amount_usd", "channel"
"""What the scenarios change in the shop unless told otherwise."""

_PLANS = (("basic", 0.6), ("plus", 0.3), ("pro", 0.1))
_CHANNELS = (("web", 0.45), ("app", 0.35), ("store", 0.15), ("phone", 0.05))
_RETURNING_RATIO = 0.7
_NEAR_RATIO = 0.65  # of the addresses; the others are far, so that the distance has two humps
_MISSING_DISTANCE_RATIO = 0.02


class Population(Protocol):
    """Draws independent rows from one unchanging distribution."""

    def draw(self, count: int, rng: np.random.Generator) -> Columns:
        """``count`` rows; the same generator state gives the same rows."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Orders of a shop: skewed, heavy-tailed, bell-shaped, two-humped and counted numbers, two categories, a boolean.

    >>> rows = Shop().draw(1_000, np.random.default_rng(1))
    >>> sorted(rows)
    ['amount_usd', 'channel', 'credit_points', 'distance_km', 'item_count', 'plan', 'returning', 'tenure_months']
    >>> round(float(np.median(rows["amount_usd"])))
    55
    """

    def draw(self, count: int, rng: np.random.Generator) -> Columns:
        """``count`` orders."""
        near = rng.random(count) < _NEAR_RATIO
        distance = np.where(near, rng.gamma(4.0, 1.5, count), rng.normal(45.0, 8.0, count)).clip(0.1)
        distance[rng.random(count) < _MISSING_DISTANCE_RATIO] = np.nan
        return {
            "amount_usd": rng.lognormal(4.0, 0.6, count).round(2),
            "tenure_months": rng.exponential(24.0, count).round(1),
            "credit_points": rng.normal(600.0, 80.0, count).round(),
            "distance_km": distance.round(2),
            "item_count": 1.0 + rng.poisson(2.0, count),
            "plan": _chosen(_PLANS, count, rng),
            "channel": _chosen(_CHANNELS, count, rng),
            "returning": (rng.random(count) < _RETURNING_RATIO).astype(object),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """Whole rows of ``source`` drawn with replacement, so that features stay together as they were.

    It cannot draw what the source never held, and draws without regard to time.

    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """

    source: Columns

    def draw(self, count: int, rng: np.random.Generator) -> Columns:
        """``count`` rows of the source."""
        size = len(next(iter(self.source.values())))
        chosen = rng.integers(0, size, count)
        return {name: column[chosen] for name, column in self.source.items()}


def _chosen(shares: tuple[tuple[str, float], ...], count: int, rng: np.random.Generator) -> Objects:
    names = np.array([name for name, _ in shares], dtype=object)
    return names[np.searchsorted(np.cumsum([share for _, share in shares])[:-1], rng.random(count), side="right")]
