"""What people look at beside the verdict: coverage by label age, and how mature recent windows are."""

from collections import defaultdict
from dataclasses import dataclass

from monitoring_pipeline.config.models import Labels
from monitoring_pipeline.performance.labels.curve import DelayCurve
from monitoring_pipeline.performance.labels.history import HOUR_SECONDS, DelayHistory
from monitoring_pipeline.performance.labels.lateness import cohorts
from monitoring_pipeline.performance.labels.shortfall import expected_coverage
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, MICROSECOND, Grain, Window, floor

AGES_HOURS = (0.25, 1, 2, 4, 8, 12, 24, 36, 48, 72, 120, 168, 336, 672)
ALL_BUT = 0.005
"""Older ages are not shown once the curve is so near to its end."""

RECENT_HOURS = 24
RECENT_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageAtAge:
    """One point of the curve beside the newest predictions that have reached the age.

    Attributes:
        age_seconds: the label age.
        expected: the share that is usually labelled.
        lower: of ``expected``, by Greenwood; ``None`` where all rows or none are labelled, as is ``upper``.
        upper: of ``expected``.
        seen: the share of the newest 24 hours' predictions that had a label at that age; ``None`` with too few rows.
        prediction_count: of those 24 hours.
    """

    age_seconds: float
    expected: float
    lower: float | None
    upper: float | None
    seen: float | None
    prediction_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowMaturity:
    """How complete a recent window's labels are.

    Attributes:
        window: an hour, or a day as far as it has hours.
        prediction_count: rows of the window.
        labelled_count: those that were ever labelled.
        expected_coverage: of such rows at their present age; ``None`` where they are older than the history.
        maturity: seen coverage / eventual coverage of the curve, at most 1; ``None`` where nothing ever comes.
        mature_by_rule: old enough or complete enough, as the config's ``labels`` say.
    """

    window: Window
    prediction_count: int
    labelled_count: int
    expected_coverage: float | None
    maturity: float | None
    mature_by_rule: bool


def coverage_by_age(history: DelayHistory, curve: DelayCurve, *, at: int) -> list[CoverageAtAge]:
    """The curve at round ages, until it has nearly reached its end."""
    found: list[CoverageAtAge] = []
    for age_seconds in (hours * HOUR_SECONDS for hours in AGES_HOURS):
        expected = curve.coverage_at(age_seconds)
        if expected is None or (found and found[-1].expected >= curve.eventual_coverage - ALL_BUT):
            break
        interval, newest = curve.interval_at(age_seconds), cohorts(history, age_seconds, at=at)[:1]
        found.append(
            CoverageAtAge(
                age_seconds=age_seconds,
                expected=expected,
                lower=interval.lower if interval else None,
                upper=interval.upper if interval else None,
                seen=newest[0].coverage if newest else None,
                prediction_count=newest[0].prediction_count if newest else 0,
            )
        )
    return found


def window_maturities(history: DelayHistory, curve: DelayCurve, labels: Labels, *, at: int) -> list[WindowMaturity]:
    """The last 24 hours and the last 7 days, the oldest first; windows without predictions are left out."""
    hours = _maturities(history, curve, labels, Grain.HOUR, since=at - RECENT_HOURS * HOUR_MICROS, at=at)
    days = _maturities(
        history, curve, labels, Grain.DAY, since=floor(at, Grain.DAY) - (RECENT_DAYS - 1) * DAY_MICROS, at=at
    )
    return hours + days


def _maturities(
    history: DelayHistory, curve: DelayCurve, labels: Labels, grain: Grain, *, since: int, at: int
) -> list[WindowMaturity]:
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, start in enumerate(history.starts.tolist()):
        if start >= since and history.prediction_counts[row]:
            rows_of[floor(start, grain)].append(row)
    return [_maturity(history, curve, labels, Window(start, grain), rows, at=at) for start, rows in rows_of.items()]


def _maturity(
    history: DelayHistory, curve: DelayCurve, labels: Labels, window: Window, rows: list[int], *, at: int
) -> WindowMaturity:
    predictions = int(history.prediction_counts[rows].sum())
    labelled = int(history.arrived[rows, -1].sum())
    coverage, eventual = labelled / predictions, curve.eventual_coverage
    return WindowMaturity(
        window=window,
        prediction_count=predictions,
        labelled_count=labelled,
        expected_coverage=_expected(history, curve, rows, predictions, at=at),
        maturity=min(coverage / eventual, 1.0) if eventual else None,
        mature_by_rule=at >= window.end + labels.maturity // MICROSECOND or coverage >= labels.min_coverage,
    )


def _expected(history: DelayHistory, curve: DelayCurve, rows: list[int], predictions: int, *, at: int) -> float | None:
    """The hours' expected coverages, weighted by their predictions."""
    total = 0.0
    for row in rows:
        start = int(history.starts[row])
        of_hour = expected_coverage(curve, window=(start, start + HOUR_MICROS), now=at)
        if of_hour is None:
            return None
        total += of_hour * int(history.prediction_counts[row])
    return total / predictions
