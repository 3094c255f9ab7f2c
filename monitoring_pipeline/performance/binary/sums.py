"""Sums of a yes/no model."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class BinarySums(Sums):
    """Sums of a yes/no model at one threshold; the scores are over the rows that carry a probability."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    squared_score: Moments
    log_score: Moments

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
