"""How much of the truth is there at which label age: a life table of labels, learned from hours that are not all old.

Of a young hour only the short delays have been seen. Its ratio labelled / predictions is too low to learn from, and
leaving young hours out would forget how labels come now. The life table lets each hour speak for the delays that it
has fully observed: the share of rows still unlabelled at an age, times the share of those that are labelled next.

What it cannot see: labels that come later than the oldest hour is old, and rows that depend on each other. Labels that
come in batches make the true uncertainty larger than Greenwood's.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.labels.history import DelayHistory, Floats
from monitoring_pipeline.performance.values import Interval

MIN_LABELS = 100
"""With fewer, a p90 delay would rest on less than ten labels."""

MIN_HOURS = 24
"""An age is told of only by at least a day's hours: labels that come once a day are late for some hours, early for
others, and a part of the day would pass for the whole."""


class NotEnoughHistory(StrEnum):
    """Why there is no curve."""

    TOO_FEW_LABELS = "too_few_labels"
    """Fewer labels than the declared minimum are in the look-back."""
    TOO_FEW_HOURS = "too_few_hours"
    """No age was observed by enough hours."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DelayCurve:
    """The share of predictions that are labelled, by label age: ``1 - S``, with S the life table's survival.

    Attributes:
        history: what it was learned from.
        ages_seconds: where the curve steps, ascending.
        coverages: the share labelled from that age on.
        standard_errors: of the share, by Greenwood's formula; rows are taken as independent.
        observed_seconds: the age up to which it is known.
        label_count: the labels that it was learned from.
    """

    history: DelayHistory
    ages_seconds: Floats
    coverages: Floats
    standard_errors: Floats
    observed_seconds: float
    label_count: int

    @property
    def eventual_coverage(self) -> float:
        """The share that is ever labelled, as far as the history reaches."""
        return float(self.coverages[-1])

    def coverage_at(self, age_seconds: float) -> float | None:
        """The share of rows of this age that is expected to be labelled; ``None`` beyond what was observed."""
        if age_seconds > self.observed_seconds:
            return None
        step = self._step(age_seconds)
        return 0.0 if step < 0 else float(self.coverages[step])

    def interval_at(self, age_seconds: float) -> Interval | None:
        """The pointwise 95 % interval of the share, by Greenwood on the log-minus-log scale.

        Returns:
            ``None`` beyond what was observed, and where all rows or none are labelled: Greenwood sees no spread there.
        """
        step = self._step(age_seconds)
        if age_seconds > self.observed_seconds or step < 0:
            return None
        survival, error = 1 - float(self.coverages[step]), float(self.standard_errors[step])
        if not 0 < survival < 1:
            return None
        stretch = math.exp(NORMAL_QUANTILE * error / (survival * abs(math.log(survival))))
        return Interval(lower=1 - survival ** (1 / stretch), upper=1 - survival**stretch)

    def delay_seconds(self, share: float) -> float:
        """The age by which this share of the labels that ever come has come; 0.5 is the median delay."""
        # A hair below, or rounding would ask for one step more than there is.
        wanted = share * self.eventual_coverage * (1 - 1e-12)
        return float(self.ages_seconds[int(np.searchsorted(self.coverages, wanted))])

    def _step(self, age_seconds: float) -> int:
        return int(np.searchsorted(self.ages_seconds, age_seconds, side="right")) - 1


def learn_curve(
    history: DelayHistory, *, at: int, min_labels: int = MIN_LABELS, min_hours: int = MIN_HOURS
) -> DelayCurve | NotEnoughHistory:
    """The curve that the history shows, as far as it was observed at an instant.

    At a delay cell k an hour takes part if the cell had passed for its youngest row, so that no row of it was censored
    inside the cell. With ``r`` rows of those hours still unlabelled before the cell and ``d`` labelled in it:
    S(k) = Π (1 - d / r), and Greenwood's variance is S² · Σ d / (r (r - d)).

    Args:
        history: hours with their delays.
        at: nothing that was observed later is used, microseconds UTC.
        min_labels: fewer labels give no curve.
        min_hours: the curve ends where fewer hours were old enough to take part.

    Source: E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", 1958; M. Greenwood, "The
    natural duration of cancer", 1926; J. D. Kalbfleisch, R. L. Prentice, "The Statistical Analysis of Failure Time
    Data", 2002, section 1.4 (the interval).
    """
    ages = history.ages_seconds(at)
    takes_part = history.bounds_seconds[None, :] <= ages[:, None]
    cells = int(np.count_nonzero(takes_part.sum(axis=0) >= min_hours))
    if len(ages) < min_hours or np.sort(ages)[-min_hours] <= 0:
        return NotEnoughHistory.TOO_FEW_HOURS
    takes_part = takes_part[:, :cells]
    before, after = history.arrived[:, :cells], history.arrived[:, 1 : cells + 1]
    labelled = np.where(takes_part, after - before, 0).sum(axis=0)
    at_risk = np.where(takes_part, history.prediction_counts[:, None] - before, 0).sum(axis=0)
    label_count = int(labelled.sum())
    if label_count < min_labels:
        return NotEnoughHistory.TOO_FEW_LABELS
    survival = np.cumprod(1 - labelled / np.maximum(at_risk, 1))
    left = at_risk - labelled
    # A cell that labels every row left has no spread of its own: the curve is at its end there.
    # In doubles: the product of two counts may be beyond the integers.
    terms = np.divide(labelled, at_risk.astype(np.float64) * left, out=np.zeros(cells), where=left > 0)
    return DelayCurve(
        history=history,
        ages_seconds=history.bounds_seconds[:cells],
        coverages=np.maximum.accumulate(1 - survival),
        standard_errors=survival * np.sqrt(np.cumsum(terms)),
        observed_seconds=float(np.sort(ages)[-min_hours]),
        label_count=label_count,
    )
