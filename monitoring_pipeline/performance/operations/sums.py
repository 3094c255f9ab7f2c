"""Sums of how a model served."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.log_histogram import LogHistogram
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.mergeable.named_moments import NamedMoments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationsSums(Sums):
    """Sums over all predictions, with or without truth.

    Attributes:
        window_seconds: length of the hours in which the group predicted; adds up when hours merge. An hour without
            predictions has no sums and so no seconds: whoever knows that the model stood idle and wants that to count
            merges sums of no rows in.
        latency_ms: milliseconds per prediction, where logged: its mean.
        latency_histogram: the same values: their quantiles.
        confidence: the model's confidence in its prediction, 0 … 1, where logged.
        low_confidence_count: how many of them are below what the model declares as low.
        resources: samples by the resource's name.
    """

    window_seconds: int
    latency_ms: Moments
    latency_histogram: LogHistogram
    confidence: Moments
    low_confidence_count: int
    resources: NamedMoments

    @property
    def labelled_count(self) -> int:
        """Always 0: how a model served does not depend on the truth."""
        return 0
