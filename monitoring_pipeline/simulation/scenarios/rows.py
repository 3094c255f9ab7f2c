"""The rows of an hour: healthy ones, and what a scenario makes of them."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile, Floats, profiles_of
from monitoring_pipeline.simulation.scenarios.population import Population, Shop
from monitoring_pipeline.simulation.scenarios.relation import (
    INTERCEPT,
    SPREAD,
    TARGET_CENTER,
    TARGET_NOISE,
    TARGET_SLOPE,
    Relation,
    probability,
)
from monitoring_pipeline.simulation.scenarios.scenario import Scenario

PROFILE_ROWS = 20_000  # drawn to learn the features' profiles from
_LATENCY_MEDIAN_MS, _LATENCY_SIGMA = 40.0, 0.35
_DELAY_SIGMA = 0.5  # of the logarithm: 99.7 % of the labels come within four times the median
_SURE = 2.0  # a regression's confidence is the logistic of this many standard deviations from the centre

# Streams of random numbers: those of one never move those of another.
_HEALTHY, _VOLUME, _INJECTED, _PROFILE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HourRows:
    """What is predicted in an hour, by column; row i is the same prediction in each.

    Attributes:
        features: as they are logged.
        seconds: into the hour, ascending.
        score: the probability of yes, or the predicted number.
        confidence: 0 … 1; of a binary model the probability of what it says.
        latency_ms: of the answer.
        actual: 0 or 1, or the true number.
        label_delay_hours: from the prediction to its truth; NaN where it never comes.
    """

    features: Columns
    seconds: Floats
    score: Floats
    confidence: Floats
    latency_ms: Floats
    actual: Floats
    label_delay_hours: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A population, its law, and the scenario that happens to it.

    Each hour has random numbers of its own: it is the same whichever hours were asked for before, and before the onset
    the same in every scenario that has no rhythm.

    Raises:
        MonitorError: if the population lacks the scenario's feature, or the scenario cannot be applied on it.
    """

    scenario: Scenario
    population: Population = field(default_factory=Shop)

    def __post_init__(self) -> None:
        name = self.scenario.feature
        if name not in self.profiles:
            raise MonitorError(f"there is no feature {name!r}; there are: {', '.join(sorted(self.profiles))}")
        kind = self.profiles[name].kind
        if not self.scenario.accepts(self.profiles[name]):
            raise MonitorError(
                f"{self.scenario.name} cannot be applied on {name}, which is {kind}; name another feature"
            )

    @cached_property
    def profiles(self) -> dict[str, FeatureProfile]:
        """Of every feature, learned from healthy rows."""
        return profiles_of(self._healthy_sample)

    @cached_property
    def relation(self) -> Relation:
        """The law before the onset."""
        return Relation.among(self._healthy_sample, self.profiles, seed=self.scenario.seed)

    @cached_property
    def _healthy_sample(self) -> Columns:
        return self.population.draw(PROFILE_ROWS, np.random.default_rng([self.scenario.seed, _PROFILE]))

    def rows(self, index: int) -> HourRows:
        """The rows of an hour; hour 0 is the first that is monitored, negative ones are the reference's."""
        scenario, hour = self.scenario, self.scenario.hour(index)
        rng, injected = self._stream(index, _HEALTHY), self._stream(index, _INJECTED)
        profile = self.profiles[scenario.feature]
        count = int(self._stream(index, _VOLUME).poisson(scenario.rows_per_hour * scenario.volume_ratio(hour)))
        columns = scenario.inputs(self.population.draw(count, rng), profile, hour, injected)
        known = self.relation.log_odds(columns)
        score, confidence = self._said(known)
        actual = self._truth(scenario.log_odds(known, columns, profile, hour), rng)
        latency = np.exp(rng.normal(np.log(_LATENCY_MEDIAN_MS), _LATENCY_SIGMA, count))
        return HourRows(
            features=scenario.logged(columns, profile, hour, injected),
            seconds=np.sort(rng.random(count)) * 3600,
            score=score,
            confidence=confidence,
            latency_ms=scenario.latency_ms(latency, hour),
            actual=actual,
            label_delay_hours=scenario.label_delay_of(self._delays(count, rng), actual, hour),
        )

    def _stream(self, index: int, stream: int) -> np.random.Generator:
        # Seeds are not negative: hours before the first are counted apart.
        return np.random.default_rng([self.scenario.seed, stream, abs(index), int(index < 0)])

    def _said(self, log_odds: Floats) -> tuple[Floats, Floats]:
        """What the model says, calibrated as long as the law holds, and how sure it is."""
        if self.scenario.task is Task.BINARY:
            chance = probability(log_odds)
            return chance, np.maximum(chance, 1 - chance)
        return TARGET_CENTER + TARGET_SLOPE * log_odds, probability(_SURE - np.abs(log_odds - INTERCEPT) / SPREAD)

    def _truth(self, log_odds: Floats, rng: np.random.Generator) -> Floats:
        lot, noise = rng.random(log_odds.size), rng.normal(0.0, TARGET_NOISE, log_odds.size)
        if self.scenario.task is Task.BINARY:
            return (lot < probability(log_odds)).astype(np.float64)
        return TARGET_CENTER + TARGET_SLOPE * log_odds + noise

    def _delays(self, count: int, rng: np.random.Generator) -> Floats:
        delays = np.exp(rng.normal(np.log(self.scenario.label_delay_hours), _DELAY_SIGMA, count))
        return np.where(rng.random(count) < self.scenario.labelled_ratio, delays, np.nan)
