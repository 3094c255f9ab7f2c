"""Metrics of a yes/no model from counts of outcomes by score, for many possible outcomes at once.

Counts may be expected ones (fractions of rows) or draws; where a metric is undefined, the answer is NaN. It stays in
this package: :mod:`.confidence` turns it into a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.estimation.cells import ScoreCells
from monitoring_pipeline.performance.rows.columns import log_score
from monitoring_pipeline.performance.rows.grouping import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """A window's measured sums, and what became of its unlabelled rows.

    Attributes:
        measured: the sums of the window.
        cells: the window's scored rows.
        positives: draws × cells; how many of a cell's unlabelled rows turned out positive.
    """

    measured: BinarySums
    cells: ScoreCells
    positives: Floats

    def metrics(self) -> Mapping[str, Floats]:
        """Each metric of the whole window, one value per draw; NaN where it is undefined."""
        yes = self.cells.said_yes
        negatives = self.cells.unlabelled - self.positives
        tp = self.measured.true_positives + self.positives[:, yes].sum(axis=1)
        fn = self.measured.false_negatives + self.positives[:, ~yes].sum(axis=1)
        fp = self.measured.false_positives + negatives[:, yes].sum(axis=1)
        tn = self.measured.true_negatives + negatives[:, ~yes].sum(axis=1)
        return {
            "accuracy": _share(tp + tn, tp + tn + fp + fn),
            "precision": _share(tp, tp + fp),
            "recall": _share(tp, tp + fn),
            "specificity": _share(tn, tn + fp),
            "f1": _share(2 * tp, 2 * tp + fp + fn),
            "brier": self._mean_score(self.measured.squared_score.total, (1 - self._score) ** 2, self._score**2),
            "log_loss": self._mean_score(
                self.measured.log_score.total, log_score(self._score), log_score(1 - self._score)
            ),
            "roc_auc": self._roc_auc(),
        }

    @property
    def _score(self) -> Floats:
        return self.cells.score

    def _mean_score(self, measured: float, of_positive: Floats, of_negative: Floats) -> Floats:
        """The mean over the rows with a probability of what each costs if it turns out positive or negative."""
        negatives = self.cells.unlabelled - self.positives
        total = measured + self.positives @ of_positive + negatives @ of_negative
        return _share(total, np.full(len(total), self.measured.log_score.count + self.cells.unlabelled.sum()))

    def _roc_auc(self) -> Floats:
        """The share of pairs of a positive and a negative in which the positive scores higher; ties count half."""
        positives = self.cells.positives + self.positives
        negatives = self.cells.negatives + self.cells.unlabelled - self.positives
        # Rows of equal score may lie in two cells, one for each answer.
        starts = np.flatnonzero(np.diff(self._score, prepend=-1.0))
        positives, negatives = np.add.reduceat(positives, starts, axis=1), np.add.reduceat(negatives, starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives / 2
        return _share((positives * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def _share(above: Floats, below: Floats) -> Floats:
    share: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return share
