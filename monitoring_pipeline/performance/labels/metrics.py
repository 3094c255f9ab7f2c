"""Metrics of the arrival of truth: how long it took, and how often it was changed or taken back.

What the delays cannot see: labels that have not come yet (they are right-censored). Of a young window only the fast
ones are there, so it looks fast; whether labels come late is judged by the curve (:mod:`.curve`), not by these.
"""

from monitoring_pipeline.performance.intervals import proportion_interval
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.performance.quantiles import quantile_estimate
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason


def label_delay_median_seconds(sums: LabelSums) -> Answer:
    """The median seconds from prediction to first truth, of the labels that have arrived, to 1 %."""
    return _delay(sums, 0.5)


def label_delay_p90_seconds(sums: LabelSums) -> Answer:
    """The seconds within which nine of ten labels came, of those that have arrived, to 1 %."""
    return _delay(sums, 0.9)


def label_correction_rate(sums: LabelSums) -> Answer:
    """Labels whose value changed after the first / labels that ever arrived. It grows as a window ages."""
    return _rate(sums.corrected_count, sums)


def label_retraction_rate(sums: LabelSums) -> Answer:
    """Labels that were taken back and not given again / labels that ever arrived. It grows as a window ages."""
    return _rate(sums.retracted_count, sums)


def _delay(sums: LabelSums, probability: float) -> Answer:
    if not sums.delay_seconds.count:
        return UndefinedReason.NO_LABELS
    return quantile_estimate(sums.delay_seconds, probability)


def _rate(count: int, sums: LabelSums) -> Answer:
    arrived = sums.delay_seconds.count
    if not arrived:
        return UndefinedReason.NO_LABELS
    return Estimate(value=count / arrived, interval=proportion_interval(count, arrived))
