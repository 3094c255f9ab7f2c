"""Sums of a regression model."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionSums(Sums):
    """Sums of a regression model; ``error`` is predicted - actual, in the unit of the target.

    ``percentage_error`` is abs(error / actual) over the rows whose actual is not zero; the others are counted in
    ``zero_actual_count``.
    """

    error: Moments
    absolute_error: Moments
    squared_error: Moments
    percentage_error: Moments
    actual: Moments
    zero_actual_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.actual.count
