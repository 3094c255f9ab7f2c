"""Whether the errors of one time differ from those of another by more than noise would make them."""

import math
from enum import StrEnum
from typing import NamedTuple

from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums

LEAST_ERRORS = 30
"""Below so many errors on either side the interval is not to be trusted, and nothing is said."""


class LiveDriftReason(StrEnum):
    """Why the verdict is what it is."""

    ERROR_ROSE = "error_rose"  # drift
    ERROR_FELL = "error_fell"  # drift
    WITHIN_NOISE = "within_noise"  # no drift: the interval holds zero
    NO_RECENT_TRUTH = "no_recent_truth"
    NO_HISTORY = "no_history"  # no error in the historical window
    TOO_FEW_RECENT_ERRORS = "too_few_recent_errors"
    TOO_FEW_HISTORICAL_ERRORS = "too_few_historical_errors"
    ZERO_RECENT_ERROR = "zero_recent_error"  # every recent prediction was exactly right: there is no ratio's interval
    ZERO_HISTORICAL_ERROR = "zero_historical_error"  # nothing can be divided by
    BEYOND_DOUBLES = "beyond_doubles"  # errors too large or too small to be compared


class Judged(NamedTuple):
    """What is said about a change: its interval, if there is one, and the verdict."""

    low: float | None
    high: float | None
    verdict: DriftVerdict
    reason: LiveDriftReason


def relative_change(recent: float | None, historical: float | None) -> float | None:
    """``(recent - historical) / historical``, if there is such a number.

    >>> relative_change(1.5, 1.0)
    0.5
    """
    if recent is None or not historical:
        return None
    change = (recent - historical) / historical
    return change if math.isfinite(change) else None


def judge(recent: ErrorSums, historical: ErrorSums | None) -> Judged:
    """Whether mean absolute errors differ by more than noise would make them.

    The logarithm of their ratio is about normal, with the variance ``v1 / m1² + v2 / m2²`` of the delta method, v being
    the variance of each mean; its 95 % interval is carried over to the change. Drift is said where that interval
    does not hold zero.

    What it cannot see: it takes rows as independent. Errors that come together (one storm, many late flights)
    make the true interval wider, so this verdict is a first look; the pipeline's findings know about that.
    """
    if (reason := _unjudgeable(recent, historical)) is not None:
        return Judged(None, None, DriftVerdict.NOT_ENOUGH_DATA, reason)
    assert historical is not None, "without history there is a reason"
    interval = _interval(recent, historical)
    if interval is None:
        return Judged(None, None, DriftVerdict.NOT_ENOUGH_DATA, LiveDriftReason.BEYOND_DOUBLES)
    low, high = interval
    if low <= 0 <= high:
        return Judged(low, high, DriftVerdict.NO_DRIFT, LiveDriftReason.WITHIN_NOISE)
    reason = LiveDriftReason.ERROR_ROSE if low > 0 else LiveDriftReason.ERROR_FELL
    return Judged(low, high, DriftVerdict.DRIFT, reason)


def _unjudgeable(recent: ErrorSums, historical: ErrorSums | None) -> LiveDriftReason | None:
    checks = (
        (recent.error_count == 0, LiveDriftReason.NO_RECENT_TRUTH),
        (historical is None or historical.error_count == 0, LiveDriftReason.NO_HISTORY),
        (recent.error_count < LEAST_ERRORS, LiveDriftReason.TOO_FEW_RECENT_ERRORS),
        (historical is not None and historical.error_count < LEAST_ERRORS, LiveDriftReason.TOO_FEW_HISTORICAL_ERRORS),
        (historical is not None and historical.mae == 0, LiveDriftReason.ZERO_HISTORICAL_ERROR),
        (recent.mae == 0, LiveDriftReason.ZERO_RECENT_ERROR),
    )
    return next((reason for holds, reason in checks if holds), None)


def _interval(recent: ErrorSums, historical: ErrorSums) -> tuple[float, float] | None:
    """The interval of the relative change; both sides have errors that are not zero."""
    relative_errors = [_relative_error(recent), _relative_error(historical)]
    change = relative_change(recent.mae, historical.mae)
    if change is None or None in relative_errors:
        return None
    width = NORMAL_QUANTILE * math.hypot(*(error for error in relative_errors if error is not None))
    low, high = ((1 + change) * math.exp(sign * width) - 1 for sign in (-1, 1))
    return (low, high) if math.isfinite(high) else None


def _relative_error(errors: ErrorSums) -> float | None:
    """The standard error of a mean absolute error, as a share of it."""
    mean, variance = errors.mae, errors.mae_variance
    return None if not mean or variance is None else math.sqrt(variance) / mean
