"""Whether labels come later than they used to: new cohorts' coverage at an age against older cohorts' at that age.

A cohort is the predictions of 24 hours, so that labels that come once a day weigh alike in each.

What it cannot see: lateness that all cohorts of the history share, since that is what the labels are like; lateness of
a part of the day that moves the whole day's coverage by less than the minimum effect.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.performance.labels.curve import DelayCurve
from monitoring_pipeline.performance.labels.history import HOUR_SECONDS, DelayHistory

COHORT_SECONDS = 24 * HOUR_SECONDS
MAX_RECENT_COHORTS = 10
"""Lateness that lasts longer is no longer news; before that it is told as long as it lasts."""

MIN_OLDER_COHORTS = 7
"""A week: with fewer, no weekend may be among them."""

MIN_COHORT_ROWS = 10
LATE_EFFECT = 0.15
"""Coverage that the newest cohorts lack against the mean of the older ones, in parts of all predictions."""

LATE_MARGIN = 0.05
"""Coverage that they lack against the *lowest* of the older ones: a weekend like the last one is not late."""

LATE_P_VALUE = 1e-4
SHARES = (0.5, 0.9, 0.99)
"""Judged at the ages by which these shares of the labels have usually come. The last one is what tells for labels that
rest at weekends: at a younger age, one cohort of the week has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """The newest cohorts against older ones, at one age.

    Attributes:
        age_seconds: the label age.
        recent_coverage: of the newest cohorts together, at that age.
        recent_cohorts: how many they are.
        older_coverage: mean of the older cohorts.
        lowest_older_coverage: of the older cohorts.
        p_value: of so low a coverage, if the newest cohorts were like the older ones (one-sided t).
    """

    age_seconds: float
    recent_coverage: float
    recent_cohorts: int
    older_coverage: float
    lowest_older_coverage: float
    p_value: float

    @property
    def late(self) -> bool:
        """Whether the difference is both certain and large."""
        low = min(self.older_coverage - LATE_EFFECT, self.lowest_older_coverage - LATE_MARGIN)
        return self.p_value < LATE_P_VALUE and self.recent_coverage <= low


@dataclass(frozen=True, kw_only=True, slots=True)
class Cohort:
    """The coverage of 24 hours' predictions at an age that all of them have reached."""

    prediction_count: int
    coverage: float


def judge_lateness(history: DelayHistory, curve: DelayCurve, *, at: int) -> Lateness | None:
    """The clearest lateness, or the comparison of the newest cohort if there is none.

    Args:
        history: hours with their delays.
        curve: says at which ages to look.
        at: the instant of judgement, microseconds UTC.

    Returns:
        ``None`` if too few cohorts have reached an age.
    """
    found = []
    for age_seconds in [curve.delay_seconds(share) for share in SHARES]:
        of_age = cohorts(history, age_seconds, at=at)
        runs = range(1, min(MAX_RECENT_COHORTS, len(of_age) - MIN_OLDER_COHORTS) + 1)
        found += [_compared(age_seconds, of_age[:run], of_age[run:]) for run in runs]
    return next((lateness for lateness in found if lateness.late), found[0] if found else None)


def cohorts(history: DelayHistory, age_seconds: float, *, at: int) -> list[Cohort]:
    """The coverage at an age of each 24 hours of predictions that have reached it, newest first.

    Cohorts of fewer than ten rows are left out.
    """
    ages = history.ages_seconds(at)
    old_enough = ages >= age_seconds
    number = ((ages[old_enough] - age_seconds) // COHORT_SECONDS).astype(np.int64)
    rows = history.prediction_counts[old_enough]
    labelled = history.arrived[old_enough, int(history.cells_within(age_seconds))]
    sizes, sums = np.bincount(number, weights=rows), np.bincount(number, weights=labelled)
    return [
        Cohort(prediction_count=int(size), coverage=float(total / size))
        for size, total in zip(sizes, sums, strict=True)
        if size >= MIN_COHORT_ROWS
    ]


def _compared(age_seconds: float, recent: Sequence[Cohort], older: Sequence[Cohort]) -> Lateness:
    from scipy.special import stdtr  # 0.2 s to import: only where labels are judged  # noqa: PLC0415

    coverages = np.array([cohort.coverage for cohort in older])
    # The best of the newest: each of them must be low, or one day's outage would look late for ten.
    best = max(recent, key=lambda cohort: cohort.coverage)
    usual = float(coverages.mean())
    independent = max(usual * (1 - usual), 1 / best.prediction_count) / best.prediction_count
    variance = max(float(coverages.var(ddof=1)), independent) * (1 + 1 / len(older))
    return Lateness(
        age_seconds=age_seconds,
        recent_coverage=best.coverage,
        recent_cohorts=len(recent),
        older_coverage=usual,
        lowest_older_coverage=float(coverages.min()),
        p_value=float(stdtr(len(older) - 1, (best.coverage - usual) / math.sqrt(variance))),
    )
