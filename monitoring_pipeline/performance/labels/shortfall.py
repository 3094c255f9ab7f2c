"""How many labels a young window lacks, against what windows like it had at its age.

Labels that come once a day, at night or at no weekend make the age alone a poor judge: of a healthy day nothing may be
labelled until six in the morning. So a window is compared with the windows that started whole days earlier, each as it
stood at the same age. The curve pooled over all hours is for people to look at.
"""

import math
from enum import StrEnum

import numpy as np

from monitoring_pipeline.performance.intervals import CONFIDENCE
from monitoring_pipeline.performance.labels.curve import DelayCurve
from monitoring_pipeline.performance.labels.history import HOUR_SECONDS, SECOND_MICROS, DelayHistory, Floats
from monitoring_pipeline.performance.values import Estimate, Interval

DAY_MICROS = 24 * HOUR_SECONDS * SECOND_MICROS

MIN_PAST_WINDOWS = 7
"""A week: with fewer, no weekend may be among them."""

POINTS_PER_HOUR = 12
"""Rows are taken as spread evenly over their hour, at so many instants: five minutes are finer than labels matter."""


class NoShortfall(StrEnum):
    """Why a window cannot be told to lack labels."""

    NO_PREDICTIONS = "no_predictions"
    """Nothing was predicted, so nothing lacks."""
    NOT_ENOUGH_HISTORY = "not_enough_history"
    """There is no curve: too few labels have ever come."""
    TOO_FEW_PAST_WINDOWS = "too_few_past_windows"
    """Fewer than a week of windows, whole days earlier, were observed at this age."""


def shortfall(
    curve: DelayCurve | None,
    *,
    window: tuple[int, int],
    prediction_count: int,
    labelled_count: int,
    now: int,
) -> Estimate | NoShortfall:
    """Expected coverage at the window's present age minus seen coverage; above 0, labels are missing.

    The expected coverage is the mean of the past windows' coverages at this age. The interval is a prediction interval
    for one more such window: ± t(k - 1) · s · √(1 + 1/k) over k past windows, where s is at least what independent
    rows of this window would scatter. Labels lack for certain only where ``lower`` is above 0 too. A part of the rows
    (a segment, a version) is compared with all rows of the past windows.

    Args:
        curve: of the model, learned as of ``now``; ``None`` where there is not enough history.
        window: start and end, microseconds UTC.
        prediction_count: rows of the window.
        labelled_count: those whose truth is known.
        now: microseconds UTC.

    Source: G. J. Hahn, W. Q. Meeker, "Statistical Intervals", 1991, section 4.8 (the prediction interval).
    """
    if prediction_count == 0:
        return NoShortfall.NO_PREDICTIONS
    if curve is None:
        return NoShortfall.NOT_ENOUGH_HISTORY
    past = past_coverages(curve.history, window=window, now=now)
    if len(past) < MIN_PAST_WINDOWS:
        return NoShortfall.TOO_FEW_PAST_WINDOWS
    expected, seen = float(past.mean()), labelled_count / prediction_count
    half_width = _half_width(past, prediction_count)
    value = expected - seen
    return Estimate(
        value=value, interval=Interval(lower=max(value - half_width, -1.0), upper=min(value + half_width, 1.0))
    )


def past_coverages(history: DelayHistory, *, window: tuple[int, int], now: int) -> Floats:
    """The coverage, at the age that the window has now, of each window that started whole days before it.

    Windows of which an hour was not observed for long enough, or without predictions, are left out.
    """
    start, end = window
    found = []
    for back in range(DAY_MICROS, start - int(history.starts[0]) + 1 if len(history.starts) else 0, DAY_MICROS):
        coverage = _coverage(history, start=start - back, end=end - back, known_at=now - back)
        if coverage is not None:
            found.append(coverage)
    return np.array(found)


def expected_coverage(curve: DelayCurve, *, window: tuple[int, int], now: int) -> float | None:
    """What the pooled curve expects of a window whose rows are spread evenly; ``None`` beyond what it knows."""
    start, end = window
    step = HOUR_SECONDS * SECOND_MICROS // POINTS_PER_HOUR
    instants = np.arange(start + step // 2, end, step)
    ages = (now - instants) / SECOND_MICROS
    if not ages.size or ages[0] > curve.observed_seconds:
        return None
    padded = np.concatenate([[0.0], curve.coverages])
    return float(padded[np.searchsorted(curve.ages_seconds, ages, side="right")].mean())


def _coverage(history: DelayHistory, *, start: int, end: int, known_at: int) -> float | None:
    first, last = np.searchsorted(history.starts, [start, end]).tolist()
    predictions = int(history.prediction_counts[first:last].sum())
    if not predictions or bool((history.observed_until[first:last] < known_at).any()):
        return None
    step = HOUR_SECONDS * SECOND_MICROS // POINTS_PER_HOUR
    instants = history.starts[first:last, None] + (np.arange(POINTS_PER_HOUR) * step + step // 2)[None, :]
    cells = history.cells_within((known_at - instants) / SECOND_MICROS)
    labelled = np.take_along_axis(history.arrived[first:last], cells, axis=1).mean(axis=1).sum()
    return float(labelled) / predictions


def _half_width(past: Floats, prediction_count: int) -> float:
    from scipy.special import stdtrit  # 0.2 s to import: only where a window is judged  # noqa: PLC0415

    windows, expected = len(past), float(past.mean())
    independent = expected * (1 - expected) / prediction_count
    variance = max(float(past.var(ddof=1)), independent)
    return float(stdtrit(windows - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance * (1 + 1 / windows))
