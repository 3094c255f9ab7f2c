"""Sums of a classifier over named classes."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.confusion import Confusion
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class MulticlassSums(Sums):
    """Sums of a classifier over named classes; the log score is over the rows that carry probabilities."""

    confusion: Confusion
    log_score: Moments

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.confusion.count
