"""How often a score really came true: isotonic regression on counts.

Isotonic regression finds the rising step function closest to the observed shares. A step that few rows carry is
drawn towards the overall share by one pseudo-row, so that no probability is exactly 0 or 1; between steps the
curve is interpolated.

What it cannot see: that the relation of score and outcome has changed since the history.

Sources: B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", 2002;
M. Ayer et al., "An empirical distribution function for sampling with incomplete information", 1955.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.performance.estimation.cells import LabelledDays
from monitoring_pipeline.performance.rows.grouping import Floats

PSEUDO_ROWS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A rising curve from score to probability, by its corners."""

    corner_score: Floats
    corner_probability: Floats

    @classmethod
    def fit(cls, score: Floats, negatives: Floats, positives: Floats) -> Self:
        """From counts by score.

        Args:
            score: distinct, ascending.
            negatives: rows that turned out negative; may be weighted, and 0.
            positives: rows that turned out positive.

        >>> curve = Calibration.fit(np.array([0.2, 0.9]), np.array([900.0, 250.0]), np.array([99.0, 750.0]))
        >>> curve.probability(np.array([0.2, 0.9])).round(2).tolist()
        [0.1, 0.75]
        """
        # 0.4 s to import, and only needed when something is estimated.
        from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow to import, seldom used

        count = negatives + positives
        score, positives, count = score[count > 0], positives[count > 0], count[count > 0]
        starts = isotonic_regression(positives / count, weights=count).blocks[:-1]
        of_block, rows = np.add.reduceat(positives, starts), np.add.reduceat(count, starts)
        overall = (positives.sum() + PSEUDO_ROWS / 2) / (count.sum() + PSEUDO_ROWS)
        probability = (of_block + PSEUDO_ROWS * overall) / (rows + PSEUDO_ROWS)
        ends = np.append(starts[1:], len(score)) - 1
        corners = np.column_stack([score[starts], score[ends]]).ravel()
        return cls(corner_score=corners, corner_probability=np.repeat(probability, 2))

    def probability(self, score: Floats) -> Floats:
        """The probability that rows of these scores turn out positive; never exactly 0 or 1."""
        probability: Floats = np.interp(score, self.corner_score, self.corner_probability)
        return probability


def calibrate(history: LabelledDays) -> Calibration:
    """The curve of all days together."""
    return Calibration.fit(history.score, history.negatives.sum(axis=0), history.positives.sum(axis=0))
