"""Scored rows counted by score: all that calibration and confidence-based estimation need to know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.rows.columns import floats
from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreCells:
    """Rows by score and answer, one cell per element, scores ascending.

    Attributes:
        score: the probability that stands for the cell's rows, 0 … 1.
        said_yes: whether the model said yes to them.
        unlabelled: rows whose truth has not arrived.
        negatives: rows that turned out negative.
        positives: rows that turned out positive.
    """

    score: Floats
    said_yes: Booleans
    unlabelled: Integers
    negatives: Integers
    positives: Integers

    @classmethod
    def of(cls, histogram: ScoreHistogram) -> Self:
        """The cells of a histogram; their middles stand for the scores of their rows."""
        return cls(
            score=histogram.probability(),
            said_yes=histogram.column("said_yes") == 1,
            unlabelled=histogram.column("unlabelled"),
            negatives=histogram.column("negatives"),
            positives=histogram.column("positives"),
        )

    @property
    def labelled(self) -> Integers:
        """Rows whose truth is known, by cell."""
        counts: Integers = self.negatives + self.positives
        return counts


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledDays:
    """What came of each score on each day of the past.

    Attributes:
        score: distinct scores, ascending.
        negatives: days × scores.
        positives: days × scores.
    """

    score: Floats
    negatives: Floats
    positives: Floats

    @classmethod
    def of(cls, days: Sequence[ScoreCells]) -> Self:
        """From each day's cells; days and scores without labelled rows are left out."""
        days = [day for day in days if day.labelled.any()]
        used = [day.score[day.labelled > 0] for day in days]
        score = np.unique(np.concatenate(used)) if used else floats([])
        negatives, positives = np.zeros((len(days), score.size)), np.zeros((len(days), score.size))
        for row, day in enumerate(days):
            known = day.labelled > 0
            places = np.searchsorted(score, day.score[known])
            np.add.at(negatives[row], places, day.negatives[known])
            np.add.at(positives[row], places, day.positives[known])
        return cls(score=score, negatives=negatives, positives=positives)

    @property
    def day_count(self) -> int:
        """Days with labelled rows."""
        return len(self.positives)

    @property
    def row_count(self) -> int:
        """Labelled rows."""
        return int(self.negatives.sum() + self.positives.sum())
