"""How far a window's metric is from what past windows say it should be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.performance.intervals import student_quantile
from monitoring_pipeline.performance.mergeable.moments import exact_sum
from monitoring_pipeline.performance.values import Interval, MetricValue

FEWEST_PAST_WINDOWS = 2
"""One past window says what was, but not how much windows differ from each other when nothing is wrong."""


class NoChange(StrEnum):
    """Why no change can be told."""

    NO_VALUE = "no_value"
    """The window itself has no value."""
    TOO_FEW_PAST_WINDOWS = "too_few_past_windows"
    """Fewer than two past windows have a value."""
    BASELINE_ZERO = "baseline_zero"
    """The past windows' mean is zero: nothing to be relative to."""
    OVERFLOW = "overflow"
    """The past windows' sum, or the change itself, is beyond the largest double (1.8e308)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A relative change: ``value`` is (window - baseline) / abs(baseline); 0.2 is 20 % more."""

    value: float
    interval: Interval | None
    baseline: float


def relative_change(window: MetricValue, past: Sequence[MetricValue]) -> Change | NoChange:
    """The change of a window against the mean of past windows, with its 95 % interval.

    The interval is the wider of two. *Sampling*: the window's and the baseline's own intervals, as independent
    estimates (method of variance estimates recovery). *Between windows*: a prediction interval, mean ± t(k - 1) · s ·
    √(1 + 1/k), since healthy windows differ by more than their rows explain: one evening of storms is not a worse
    model. It cannot see a change that went on through all of the past windows.

    Args:
        window: the metric of the judged window.
        past: the same metric of past windows, at the same label age; those without a value are left out.

    Sources: G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures", 2008; for the prediction
    interval G. J. Hahn, W. Q. Meeker, "Statistical Intervals", 1991, section 4.7.

    >>> def mae(value):
    ...     return MetricValue(metric="mae", value=value, lower=value - 1, upper=value + 1, undefined=None)
    >>> change = relative_change(mae(15.0), [mae(9.0), mae(10.0), mae(11.0)])
    >>> round(change.value, 3), round(change.interval.lower, 3), round(change.interval.upper, 3)
    (0.5, 0.003, 0.997)
    """
    if window.value is None:
        return NoChange.NO_VALUE
    usable = [metric for metric in past if metric.value is not None]
    values = [metric.value for metric in usable if metric.value is not None]
    if len(values) < FEWEST_PAST_WINDOWS:
        return NoChange.TOO_FEW_PAST_WINDOWS
    baseline = exact_sum(values) / len(values)
    if baseline == 0:
        return NoChange.BASELINE_ZERO
    scale = abs(baseline)
    difference = window.value - baseline
    change = difference / scale
    if not (math.isfinite(baseline) and math.isfinite(change)):
        return NoChange.OVERFLOW
    interval = _interval(window, usable, between=_between_windows(values, baseline), difference=difference, scale=scale)
    return Change(value=change, interval=interval, baseline=baseline)


def _interval(
    window: MetricValue, past: Sequence[MetricValue], *, between: float, difference: float, scale: float
) -> Interval | None:
    below, above = _sampling(window, past) or (0.0, 0.0)
    lower, upper = (difference - max(below, between)) / scale, (difference + max(above, between)) / scale
    return Interval(lower=lower, upper=upper) if math.isfinite(lower) and math.isfinite(upper) else None


def _between_windows(values: Sequence[float], mean: float) -> float:
    count = len(values)
    # Not the root of squares, which would overflow for values that are far from it.
    deviation = math.hypot(*(value - mean for value in values)) / math.sqrt(count - 1)
    return student_quantile(count - 1) * deviation * math.sqrt(1 + 1 / count)


def _sampling(window: MetricValue, past: Sequence[MetricValue]) -> tuple[float, float] | None:
    """How far below and above the difference its interval reaches, by the sampling of rows alone."""
    distances = [_distances(metric) for metric in past]
    own = _distances(window)
    known = [distance for distance in distances if distance is not None]
    if own is None or len(known) < len(distances):
        return None
    count = len(known)
    below_mean = math.hypot(*(below for below, _ in known)) / count
    above_mean = math.hypot(*(above for _, above in known)) / count
    return math.hypot(own[0], above_mean), math.hypot(own[1], below_mean)


def _distances(metric: MetricValue) -> tuple[float, float] | None:
    if metric.value is None or metric.lower is None or metric.upper is None:
        return None
    return metric.value - metric.lower, metric.upper - metric.value
