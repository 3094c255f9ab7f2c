"""How the days stray from the calibration curve of all of them: each day has a level and a slope of its own.

On day d a row of calibrated probability p turns out positive with logit α_d + β_d · logit(p). The pairs (α, β) of
the days are taken as draws of a normal distribution, whose mean and covariance are found by expectation maximisation
with Laplace's approximation; so a day of few rows says little, and days that stray no further than chance come to
nearly no covariance. The mean slope is above 1 where days differ: a curve over many levels is flatter than each.

Sources: N. Breslow, D. Clayton, "Approximate inference in generalized linear mixed models", 1993; D. R. Cox, "Two
further applications of a model for binary regression", 1958 (level and slope); J. Rao, C. Wu, "Resampling inference
with complex survey data", 1988 (the bootstrap of days).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.performance.estimation.calibration import Calibration, calibrate
from monitoring_pipeline.performance.estimation.cells import LabelledDays
from monitoring_pipeline.performance.rows.grouping import Floats

ROUNDS = 40  # of expectation and maximisation; a variance that is really 0 has shrunk below 0.01 by then
NEWTON_STEPS = 2  # per round, each from where the last one ended
LARGEST_LOGIT = 30.0  # e⁻³⁰ is 1e-13: nothing is counted finer


@dataclass(frozen=True, kw_only=True, slots=True)
class DayEffects:
    """The distribution of a day's level and slope."""

    mean: Floats  # 2
    covariance: Floats  # 2 × 2
    day_count: int

    @classmethod
    def of(cls, history: LabelledDays, calibration: Calibration) -> Self:
        """From the days that the curve was made of."""
        logits = logit(calibration.probability(history.score))
        design = np.column_stack([np.ones(len(logits)), logits])
        squares = np.column_stack([design[:, i] * design[:, j] for i in (0, 1) for j in (0, 1)])
        rows, days = history.negatives + history.positives, history.day_count
        effects = np.tile([0.0, 1.0], (days, 1))
        mean, covariance = np.array([0.0, 1.0]), np.diag([0.25, 0.05])
        for _ in range(ROUNDS):
            precision = np.linalg.inv(covariance)
            for _ in range(NEWTON_STEPS):
                probability = expit(effects @ design.T)
                slope = (history.positives - rows * probability) @ design - (effects - mean) @ precision
                weight = rows * probability * (1 - probability)
                bend = (weight @ squares).reshape(days, 2, 2) + precision
                effects = effects + np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
            mean = effects.mean(axis=0)
            strayed = effects - mean
            covariance = (strayed.T @ strayed / (days - 1)) + np.linalg.inv(bend).mean(axis=0) + 1e-9 * np.eye(2)
        return cls(mean=mean, covariance=covariance, day_count=days)

    def drawn(self, draws: int, random: np.random.Generator) -> Floats:
        """Levels and slopes of new days, draws × 2; Student's t with days - 1 degrees of freedom."""
        freedom = self.day_count - 1
        normal = random.standard_normal((draws, 2)) @ np.linalg.cholesky(self.covariance).T
        tail = np.sqrt(freedom / random.chisquare(freedom, size=(draws, 1)))
        effects: Floats = self.mean + normal * tail
        return effects


def drawn_probabilities(history: LabelledDays, score: Floats, *, draws: int, random: np.random.Generator) -> Floats:
    """What rows of these scores may turn out to be on one new day, draws × scores.

    Each draw takes a curve from a bootstrap of whole days, which holds its uncertainty with days that err together,
    and the level and slope of a new day.
    """
    days = history.day_count
    effects = DayEffects.of(history, calibrate(history)).drawn(draws, random)
    weights = random.multinomial(days - 1, np.full(days, 1 / days), size=draws) * (days / (days - 1))
    curves = [
        Calibration.fit(history.score, negatives, positives).probability(score)
        for negatives, positives in zip(weights @ history.negatives, weights @ history.positives, strict=True)
    ]
    logits = logit(np.array(curves).reshape(draws, -1))
    return expit(effects[:, :1] + effects[:, 1:] * logits)


def logit(probability: Floats) -> Floats:
    """ln(p / (1 - p)); finite, since calibrated probabilities are never 0 or 1."""
    odds: Floats = np.log(probability / (1 - probability))
    return odds


def expit(logits: Floats) -> Floats:
    """The probability of a logit."""
    probability: Floats = 1 / (1 + np.exp(-np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)))
    return probability
