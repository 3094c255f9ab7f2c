"""Sums of a yes/no model."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.mergeable.reliability import ReliabilityBins
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class BinarySums(Sums):
    """Sums of a yes/no model at one threshold; what is made of probabilities is over the rows that carry one.

    ``scores`` also counts the rows without truth; the others are over judged rows. A row whose truth cannot be judged
    is in ``unusable_count`` only.
    """

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    squared_score: Moments
    log_score: Moments
    scores: ScoreHistogram
    reliability: ReliabilityBins

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
