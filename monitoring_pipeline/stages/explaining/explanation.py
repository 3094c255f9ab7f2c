"""What is said of a metric's change between two windows."""

from dataclasses import dataclass

from monitoring_pipeline.performance.root_cause.values import Decomposition, NotDecomposed
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.windows import Window

# Two windows whose label coverage differs by more than this are hardly alike as samples of their predictions.
COVERAGE_GAP = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two windows: what was measured of the whole model."""

    window: Window
    metric: MetricValue
    prediction_count: int
    labelled_count: int

    @property
    def coverage(self) -> float:
        """labelled / predictions."""
        return self.labelled_count / self.prediction_count


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitExplanation:
    """What one split says of the change: its decomposition, or the reason why it has none."""

    split: str
    found: Decomposition | NotDecomposed


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A metric's change between two windows, and what each split says of it.

    Attributes:
        model_id: whose metric.
        metric: which metric.
        quantity: what is averaged and decomposed, in words; for ``rmse`` the squared error, whose mean is its square.
        environment: where.
        before: the earlier window, or the one that was asked for as such.
        after: the window to explain.
        causes: the splits, those that concentrate the change most first, those without a decomposition last.
    """

    model_id: str
    metric: str
    quantity: str
    environment: str
    before: Side
    after: Side
    causes: tuple[SplitExplanation, ...]

    @property
    def warning(self) -> str | None:
        """What to know before one believes it, where the windows know the truth of different shares of their rows."""
        if abs(self.after.coverage - self.before.coverage) <= COVERAGE_GAP:
            return None
        young, mature = sorted((self.before, self.after), key=lambda side: side.coverage)
        return (
            f"the truth is known of {young.coverage:.0%} of the predictions of {young.window}, and of "
            f"{mature.coverage:.0%} of {mature.window}: truth that comes early may differ from truth that comes late, "
            "so part of the change may be the labels that are still missing"
        )
