"""Confidence-based estimation: each unlabelled row is right as often as rows of its score used to be.

A row with the calibrated probability p counts p to the positives and 1 - p to the negatives, on the side of what
the model said. The value of a metric is that of the measured counts and the expected ones together. The interval is
simulated: a calibration curve from a bootstrap of the history's days, a shift that the new day's rows share, and
a binomial draw for each score (their sum is Poisson-binomial).

What it cannot see: concept drift. If equal scores have come to mean something else, the estimate stays where it was.
It is also biased where labels arrive early for rows of one kind: the rows that still wait are not like those of
equal score that are known.
"""

from collections.abc import Sequence

import numpy as np

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.estimation.cells import LabelledDays, ScoreCells
from monitoring_pipeline.performance.estimation.day_effects import drawn_probabilities
from monitoring_pipeline.performance.estimation.outcomes import Outcomes
from monitoring_pipeline.performance.estimation.values import (
    MIN_HISTORY_DAYS,
    MIN_HISTORY_ROWS,
    EstimatedMetric,
    EstimationReason,
    estimated,
    interval_of_draws,
)
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.rows.grouping import Floats
from monitoring_pipeline.performance.values import UndefinedReason

METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "brier", "log_loss", "roc_auc")

DRAWS = 1000
SEED = 20130617  # fixed: the same sums give the same interval

_WHY_UNDEFINED = {
    "precision": UndefinedReason.NO_POSITIVES_PREDICTED,
    "recall": UndefinedReason.NO_ACTUAL_POSITIVES,
    "specificity": UndefinedReason.NO_ACTUAL_NEGATIVES,
    "f1": UndefinedReason.NO_ACTUAL_POSITIVES,
}


def estimate_binary(measured: BinarySums, history: Sequence[ScoreHistogram]) -> list[EstimatedMetric]:
    """The expected metrics of a whole window, some of whose rows have no truth yet.

    Args:
        measured: the window's sums; what is known of it is taken as it is.
        history: the scores of days before, one each, whose labels are mature.

    Returns:
        One answer for each of :data:`METRICS`; none if no row waits for its truth.
    """
    waiting = unlabelled_count(measured)
    if waiting == 0:
        return []
    cells, days = ScoreCells.of(measured.scores), LabelledDays.of([ScoreCells.of(day) for day in history])
    if reason := _obstacle(cells, days, waiting):
        return [EstimatedMetric(metric=name, undefined=reason) for name in METRICS]
    random = np.random.default_rng(SEED)
    probability = drawn_probabilities(days, cells.score, draws=DRAWS, random=random)
    positives = random.binomial(cells.unlabelled, probability).astype(np.float64)
    simulated = Outcomes(measured=measured, cells=cells, positives=positives).metrics()
    return [_answer(name, simulated[name]) for name in METRICS]


def unlabelled_count(measured: BinarySums) -> int:
    """The rows that wait for their truth, with or without a probability."""
    return measured.prediction_count - measured.labelled_count - measured.unusable_count


def _obstacle(cells: ScoreCells, days: LabelledDays, waiting: int) -> EstimationReason | None:
    if cells.unlabelled.sum() < waiting:
        return EstimationReason.UNLABELLED_WITHOUT_PROBABILITY
    if days.day_count < MIN_HISTORY_DAYS or days.row_count < MIN_HISTORY_ROWS:
        return EstimationReason.NOT_ENOUGH_HISTORY
    return None


def _answer(name: str, draws: Floats) -> EstimatedMetric:
    """The mean and the middle 95 %; undefined if it is so in most draws: no positive row is to be expected then."""
    there = draws[~np.isnan(draws)]
    if 2 * len(there) < len(draws):
        return EstimatedMetric(metric=name, undefined=_WHY_UNDEFINED.get(name, UndefinedReason.NO_ACTUAL_POSITIVES))
    return estimated(name, float(there.mean()), interval_of_draws(there))
