"""Sums of a regression model."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.joint_moments import JointMoments
from monitoring_pipeline.performance.mergeable.log_histogram import LogHistogram
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionSums(Sums):
    """Sums of a regression model; ``error`` is predicted - actual, in the unit of the target.

    ``percentage_error`` is abs(error / actual) over the rows whose actual is not zero; the others are counted in
    ``zero_actual_count``. ``pinball_loss`` is there if the model declares which quantile it predicts; then
    ``quantile_count`` is the number of predictions, labelled or not, else 0. ``joint`` holds the actuals, each with
    its squared error as weight.
    """

    error: Moments
    absolute_error: Moments
    squared_error: Moments
    percentage_error: Moments
    symmetric_error: Moments
    pinball_loss: Moments
    error_sizes: LogHistogram
    joint: JointMoments
    zero_actual_count: int
    quantile_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.actual.count

    @property
    def actual(self) -> Moments:
        """The actuals of the judged rows."""
        return self.joint.value
