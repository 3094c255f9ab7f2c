"""Which windows are alike: the same hour of the day, weekday, or hour of the week, in UTC."""

from enum import StrEnum

import numpy as np

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.windows import Grain

FEWEST_WINDOWS = 8
"""Windows that a stratum needs: with fewer, its mean is no better known than that of a single window's weather."""

THIN_SHARE = 0.01
"""Strata that hold less than this share of the rows together may have too few windows: hours that are nearly idle."""

_DAY_HOURS, _WEEK_DAYS = 24, 7
_MONDAY = 3  # day 0, 1970-01-01, was a Thursday: three days after a Monday


class Season(StrEnum):
    """What is repeated, so that only windows of one stratum are compared."""

    NONE = "none"
    HOUR_OF_DAY = "hour_of_day"
    WEEKDAY = "weekday"
    HOUR_OF_WEEK = "hour_of_week"


SEASONS = {
    Grain.HOUR: (Season.NONE, Season.HOUR_OF_DAY, Season.WEEKDAY, Season.HOUR_OF_WEEK),
    Grain.DAY: (Season.NONE, Season.WEEKDAY),
}
"""The seasons that windows of a grain can have."""


def strata(windows: Counts, *, season: Season, grain: Grain) -> Counts:
    """The stratum of each window: 0 (none), 0 to 23, 0 (Monday) to 6, or 0 (Monday, 00:00) to 167; UTC.

    Args:
        windows: window numbers, also before 1970.
        season: what is repeated.
        grain: length of the windows.

    Raises:
        ValueError: if windows of this grain have no such season; a day has no hour.

    >>> strata(np.array([0, 1, 96, 97]), season=Season.HOUR_OF_WEEK, grain=Grain.HOUR).tolist()
    [72, 73, 0, 1]
    """
    if season not in SEASONS[grain]:
        allowed = ", ".join(SEASONS[grain])
        raise ValueError(f"season is {season}, but windows of one {grain} have only: {allowed}")
    days = windows // _DAY_HOURS if grain is Grain.HOUR else windows
    if season is Season.NONE:
        return np.zeros_like(windows)
    if season is Season.HOUR_OF_DAY:
        return windows % _DAY_HOURS
    weekday: Counts = (days + _MONDAY) % _WEEK_DAYS
    return weekday if season is Season.WEEKDAY else weekday * _DAY_HOURS + windows % _DAY_HOURS


def supported(reference: Clusters, *, grain: Grain, fewest_windows: int = FEWEST_WINDOWS) -> list[Season]:
    """The seasons that a reference can tell apart, coarsest first; ``none`` always.

    Every stratum that occurs needs ``fewest_windows`` windows with rows, but for strata that hold less than 1 % of
    the rows together. A stratum that never occurs is no obstacle: nobody works at night there, and a window that
    does has nothing to be compared with, which :class:`.effective.NoCounterpart` says.

    >>> week = Clusters.from_windows(np.arange(24 * 14))
    >>> [season.value for season in supported(week, grain=Grain.HOUR)]
    ['none', 'hour_of_day', 'weekday']
    """
    return [season for season in SEASONS[grain] if _is_supported(reference, season, grain, fewest_windows)]


def _is_supported(reference: Clusters, season: Season, grain: Grain, fewest_windows: int) -> bool:
    if season is Season.NONE:
        return True
    _, codes = np.unique(strata(reference.windows, season=season, grain=grain), return_inverse=True)
    windows, rows = np.bincount(codes), np.bincount(codes, weights=reference.rows)
    return bool(rows.sum() > 0 and rows[windows < fewest_windows].sum() < THIN_SHARE * rows.sum())
