"""Which season makes a feature's comparison sharpest: measured, not assumed."""

import numpy as np

from monitoring_pipeline.drift.time_structure.intraclass import Intraclass, estimate
from monitoring_pipeline.drift.time_structure.season import Season, strata, supported
from monitoring_pipeline.drift.time_structure.window_counts import WindowCounts
from monitoring_pipeline.windows import Grain

GAIN = 0.9
"""A finer season must lower the variance to this share of the coarser's: less is the luck of having several tries."""


def sharpest(table: WindowCounts, *, grain: Grain) -> Season:
    """The season under which a window of usual size differs least from the reference when nothing is wrong.

    The variance of the difference is, in units of one row's, ``((1 - ρ) / n + ρ) (1 + strata / windows)``: a finer
    season leaves less weather in ρ, but fewer windows in each stratum to compare with. Of the seasons that the
    reference supports, coarsest first, a finer one is taken if it lowers this by a tenth; ``none`` if the likeness
    of rows cannot be measured.

    It cannot see: a season longer than a week, and one in a feature whose rows are few per window.

    >>> from monitoring_pipeline.drift.time_structure.window_counts import count_numbers
    >>> hours = np.arange(24 * 28)
    >>> values = np.sin(np.repeat(hours, 50) * np.pi / 12) + np.random.default_rng(1).normal(size=hours.size * 50)
    >>> sharpest(count_numbers(values, np.repeat(hours, 50), np.linspace(-2.0, 2.0, 9)), grain=Grain.HOUR).value
    'hour_of_day'
    """
    chosen, lowest = Season.NONE, np.inf
    for season in supported(table.clusters, grain=grain):
        found = estimate(table, season=season, grain=grain)
        if not isinstance(found, Intraclass):
            continue
        variance = _variance(table, found, season, grain)
        if variance < GAIN * lowest:
            chosen, lowest = season, variance
    return chosen


def _variance(table: WindowCounts, found: Intraclass, season: Season, grain: Grain) -> float:
    strata_count = np.unique(strata(table.clusters.windows, season=season, grain=grain)).size
    usual_rows = float(np.median(table.clusters.rows))
    return ((1.0 - found.rho) / usual_rows + found.rho) * (1.0 + strata_count / found.windows)
