"""Sums of what predictions were worth."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.covariance import Covariance
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class BusinessSums(Sums):
    """Sums over the judged rows, in the unit of the business.

    Attributes:
        value: what a row was worth.
        saving: the same, less what it would be worth without the model.
        satisfaction: a row's value paired with its satisfaction, over the judged rows that have both.
        satisfaction_count: how many rows carry a satisfaction, judged or not.
    """

    value: Moments
    saving: Moments
    satisfaction: Covariance
    satisfaction_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.value.count
