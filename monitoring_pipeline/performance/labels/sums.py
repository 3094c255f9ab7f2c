"""Sums of when the truth came, and of what became of it."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.log_histogram import LogHistogram
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSums(Sums):
    """Sums of the arrival of truth; ``unusable_count`` is 0, since a useless label has arrived as well.

    Attributes:
        delay_seconds: from prediction to the first knowledge of its truth, over all rows that were ever labelled.
        corrected_count: of those, the ones whose truth changed its value after the first.
        retracted_count: of those, the ones whose truth was taken back and not given again.
    """

    delay_seconds: LogHistogram
    corrected_count: int
    retracted_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose truth is known and holds."""
        return self.delay_seconds.count - self.retracted_count
