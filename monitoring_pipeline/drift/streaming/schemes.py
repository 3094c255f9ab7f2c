"""What one side of a CUSUM adds up, and where it raises an alarm: from a baseline and a wanted run length."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.baseline import FARTHEST_DEVIATIONS, Baseline
from monitoring_pipeline.drift.streaming.run_length import (
    Distribution,
    empirical,
    lattice_run_length,
    limit_for,
    normal_limit,
)
from monitoring_pipeline.drift.streaming.settings import DetectorSettings, Direction

FINEST_STEP = 64
"""Steps of a proportion's CUSUM to one row, unless the slack itself is smaller than two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a CUSUM: ``s = max(0, s + increment)``, an alarm at ``limit``.

    Attributes:
        direction: up or down.
        unit: steps of s to one unit of the values: 1 for deviations; for 0/1 values the number that makes all
            increments whole, so that no sum is rounded.
        slack: what is taken off each increment, in steps.
        limit: in steps.
    """

    direction: Direction
    unit: int
    slack: float
    limit: float

    def increments(self, values: Floats) -> Floats:
        """What each value adds to the sum."""
        signed = values if self.direction is Direction.UP else -values
        increments: Floats = signed * self.unit - self.slack
        return increments


def sides(baseline: Baseline, settings: DetectorSettings) -> list[Side]:
    """The sides that are wanted, tuned so that together they raise one false alarm per ``run_length`` values.

    The slack is the one that sees ``smallest_change`` soonest (Page 1954; Moustakides 1986): half of it for normal
    values, and for proportions the rate at which p0 and p1 are equally likely. Rates of false alarms add up, so each
    of two sides gets twice the run length (van Dobben de Bruyn 1968).
    """
    wanted = float(settings.run_length * len(settings.direction.sides))
    side_of = _proportion_side if baseline.binary else _numeric_side
    return [side_of(baseline, direction, settings.smallest_change, wanted) for direction in settings.direction.sides]


def _numeric_side(baseline: Baseline, direction: Direction, smallest_change: float, wanted: float) -> Side:
    slack = smallest_change / 2.0
    limit = normal_limit(slack=slack, wanted=wanted)
    if baseline.shape is not None:
        limit = _shaped_limit(baseline.shape.tobytes(), direction, slack=slack, wanted=wanted)
    # Never less than what one row can add, however far it lies: one odd row is no change of level.
    return Side(direction=direction, unit=1, slack=slack, limit=max(limit, FARTHEST_DEVIATIONS))


@lru_cache(maxsize=64)  # one baseline reads day after day
def _shaped_limit(shape: bytes, direction: Direction, *, slack: float, wanted: float) -> float:
    return limit_for(_upwards(np.frombuffer(shape), direction), slack=slack, wanted=wanted)


def _upwards(shape: Floats, direction: Direction) -> Distribution:
    return empirical(shape if direction is Direction.UP else -shape[::-1])


def _proportion_side(baseline: Baseline, direction: Direction, smallest_change: float, wanted: float) -> Side:
    # A falling share of ones is a rising share of zeros.
    p0 = baseline.proportion if direction is Direction.UP else 1.0 - baseline.proportion
    p1 = min(p0 + smallest_change * baseline.spread, (1.0 + p0) / 2.0)
    rate = _likelihood_rate(p0, p1)
    finest = max(FINEST_STEP, math.ceil(2.0 / min(rate, 1.0 - rate)))
    step = Fraction(rate).limit_denominator(finest)
    slack, unit = step.numerator, step.denominator
    limit = _lattice_limit(p0, slack=slack, unit=unit, wanted=wanted)
    # Of falls the increments are those of zeros: unit · (1 - x) - slack.
    return Side(
        direction=direction, unit=unit, slack=slack if direction is Direction.UP else slack - unit, limit=float(limit)
    )


def _likelihood_rate(p0: float, p1: float) -> float:
    """The share of ones at which p0 and p1 explain a sequence equally well; it lies between them."""
    zeros = math.log((1.0 - p0) / (1.0 - p1))
    return zeros / (zeros + math.log(p1 / p0))


@lru_cache(maxsize=256)
def _lattice_limit(p0: float, *, slack: int, unit: int, wanted: float) -> int:
    def reached(limit: int) -> bool:
        return lattice_run_length(p0, up=unit - slack, down=slack, limit=limit) >= wanted

    low, high = 0, unit
    while not reached(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
