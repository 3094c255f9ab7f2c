"""How alike the rows of one window are, beyond what its season explains."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.deviations import Deviations, cell_deviations, score_deviations
from monitoring_pipeline.drift.time_structure.lags import lag_correlations, weather_shared
from monitoring_pipeline.drift.time_structure.season import Season, strata
from monitoring_pipeline.drift.time_structure.window_counts import WindowCounts
from monitoring_pipeline.windows import Grain

FEWEST_WINDOWS = 8

LEVEL = 1e-6
"""The level at which a few directions of weather alarm as often as many would; above it, they alarm less often.

Stricter than verdicts are: matched at 0.001, weather of one direction gave up to 20 times 0.001 in simulation."""

SMALLEST_OWN_SHARE = 0.2
"""A stratum whose windows are nearly one long window would divide by nearly nothing; so at most five-fold."""


class IntraclassReason(StrEnum):
    """Why the likeness of rows cannot be measured."""

    TOO_FEW_WINDOWS = "too_few_windows"  # fewer than 8 with rows, or none that shares its stratum
    NO_VARIANCE = "no_variance"  # all rows in one cell
    ONE_ROW_PER_WINDOW = "one_row_per_window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intraclass:
    """The likeness of rows that come together.

    Attributes:
        rho: intraclass correlation, in [0, 1]; 0 for independent rows.
        freedom: degrees of freedom that it was estimated with, at least 1: independent windows less strata.
        windows: windows with rows.
        correlations: how alike the weather of two windows is that lie 1, 2, … windows apart: in [0, 1], declining,
            0 after the last.
    """

    rho: float
    freedom: float
    windows: int
    correlations: tuple[float, ...] = ()


def estimate(table: WindowCounts, *, season: Season, grain: Grain) -> Intraclass | IntraclassReason:
    """Measure the intraclass correlation of a feature from its counts per window.

    Between windows of n_r rows, ``X² = Σ_r Σ_b (c_rb - n_r p_b)² / (n_r p_b)`` is on average
    ``(B - 1) Σ_r (1 - n_r / N) (1 + (n_r - 1) ρ)``, with the shares p_b and rows N of the window's stratum. Solved for
    ρ this is a mean over all directions in which shares can differ. Weather moves few of them: a shift moves all bins
    together. So the mean is raised, by the law of Satterthwaite for the number of directions that vary, until
    chi-square and its kin alarm as declared at level 1e-6. For a number, ρ is the largest of this and of the ρ of
    location and spread, each measured in its own direction: a window that only shifts is worth 1/ρ rows to a mean,
    but 9/ρ to the mean direction of ten bins. What moves shares must not hide from the tests that look there.

    Neighbouring windows share weather. Their lagged products give the correlations, which lower the degrees of
    freedom and the worth of a pooled window, and raise ρ for what the reference's own mean took of it.

    False alarms of KS in simulation, as multiples of alpha = 0.05, 0.01, 0.001, with :meth:`.Sizes.p_value`: at most
    0.7, 0.8, 1.1 over 100 to 100,000 rows per window, 30 to 336 windows, and shifts of 0.3 standard deviations that
    are independent or last (AR(1) up to 0.9, and days in common); raw KS has 10 to 20, 37 to 100, 240 to 1,000. PSI
    the same, with this ρ; with that of categories (``ordered`` false) up to 1.0, 3.1, 12 where weather that lasts
    (AR(1) 0.9) leaves some five independent windows of 30, and 0.3, 0.4, 2.8 with AR(1) 0.7. The price with
    independent rows: a window is worth 0.86 of its rows if the reference has 30 windows, 0.93 if 150; KS sees a
    shift of 0.15 in 1,000 rows at alpha 0.01 in 74 or 88 of 100 cases instead of 91.

    It cannot see: weather that no window of the reference had, a trend (which counts as weather), and seasons longer
    than the reference. Being right for every measure it is careful with each: weather of 0.3 standard deviations
    hides a shift of 1.0 from KS at alpha 0.01 four times in five.

    Args:
        table: the reference's counts per window.
        season: windows of one stratum are compared with each other.
        grain: length of the windows.

    Source: Rao & Scott (1984); Kish (1965); Donner & Koval (1980) for ρ from windows of unequal size.

    >>> generator = np.random.default_rng(1)
    >>> cells = generator.multinomial(200, [0.5, 0.5], size=40)
    >>> clusters = Clusters(windows=np.arange(40), rows=cells.sum(axis=1))
    >>> table = WindowCounts(clusters=clusters, cells=cells, ordered=False)
    >>> found = estimate(table, season=Season.NONE, grain=Grain.HOUR)
    >>> round(found.rho, 3), round(found.freedom)
    (0.0, 39)
    """
    clusters = table.clusters
    _, codes = np.unique(strata(clusters.windows, season=season, grain=grain), return_inverse=True)
    windows = clusters.windows.size
    if windows < FEWEST_WINDOWS or windows == np.unique(codes).size:
        return IntraclassReason.TOO_FEW_WINDOWS
    if table.cells.shape[1] < 2:
        return IntraclassReason.NO_VARIANCE
    if clusters.rows.max() < 2:
        return IntraclassReason.ONE_ROW_PER_WINDOW
    share = clusters.rows / np.bincount(codes, weights=clusters.rows)[codes]
    direction = _most_alike(table, codes, share)
    correlations = lag_correlations(direction.deviations, clusters, direction.mean_rho)
    return _corrected(direction.rho, correlations, clusters, codes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Direction:
    """One way to look at the windows, the mean ρ over its components, and the ρ that is safe for all of them."""

    deviations: Deviations
    mean_rho: float
    rho: float


def _most_alike(table: WindowCounts, codes: Counts, share: Floats) -> _Direction:
    rows = table.clusters.rows
    cells = cell_deviations(table.cells, codes)
    mean_rho = _solve(cells, rows, share)
    raised = mean_rho * _concentration(cells, share, freedom=rows.size - np.unique(codes).size)
    directions = [_Direction(deviations=cells, mean_rho=mean_rho, rho=min(1.0, raised))]
    if table.ordered:
        for deviations in score_deviations(table.cells, codes):
            rho = _solve(deviations, rows, share)
            directions.append(_Direction(deviations=deviations, mean_rho=rho, rho=rho))
    return max(directions, key=lambda direction: direction.rho)


def _solve(deviations: Deviations, rows: Counts, share: Floats) -> float:
    """The ρ with which the squares are what they should be on average; no less than 0."""
    by_chance = deviations.dimension * (1.0 - share)
    slope = float(np.sum(by_chance * (rows - 1)))
    excess = float(np.sum(deviations.squares) - np.sum(by_chance))
    return min(1.0, max(0.0, excess / slope)) if slope > 0 else 0.0


def _concentration(deviations: Deviations, share: Floats, *, freedom: int) -> float:
    """By how much the mean ρ must be raised because the weather moves few of the directions; at least 1.

    Satterthwaite: weather with the eigenvalues λ acts in ``k = (Σ λ)² / Σ λ²`` directions. Both sums come from the
    deviations' covariance, less what sampling of rows and of few windows adds to them.
    """
    components = float(np.sum(deviations.dimension * (1.0 - share))) / freedom
    if freedom < 2 or components < 1:
        return 1.0
    covariance = deviations.values.T @ deviations.values / freedom
    total = float(np.trace(covariance))
    squares = (float(np.sum(covariance**2)) - total**2 / freedom) * freedom**2 / ((freedom - 1) * (freedom + 2))
    weather, weather_squares = total - components, squares - 2.0 * total + components
    if weather <= 0 or weather_squares <= 0:
        return 1.0
    directions = min(max(weather**2 / weather_squares, 1.0), components)
    return float(components / directions * chdtri(directions, LEVEL) / chdtri(components, LEVEL))


def _corrected(rho: float, correlations: tuple[float, ...], clusters: Clusters, codes: Counts) -> Intraclass:
    """Give ρ back what the strata's own means took, and count only windows that are independent."""
    rows_of_strata = np.bincount(codes, weights=clusters.rows)
    shared, alone = np.empty(rows_of_strata.size), np.empty(rows_of_strata.size)
    for code in range(rows_of_strata.size):
        members = codes == code
        weights = clusters.rows[members] / rows_of_strata[code]
        shared[code] = weather_shared(clusters.windows[members], weights, correlations)
        alone[code] = float(np.sum(weights**2))
    # Hours of one day lie in different strata and still share its weather.
    independent = 1.0 / weather_shared(clusters.windows, clusters.rows / clusters.row_count, correlations)
    several = alone < 1.0
    kept = float(np.mean((1.0 - shared[several]) / (1.0 - alone[several]))) if several.any() else 1.0
    return Intraclass(
        rho=min(1.0, rho / max(kept, SMALLEST_OWN_SHARE)),
        freedom=max(1.0, min(float(np.sum(1.0 / shared - 1.0)), independent * (1.0 - shared.size / codes.size))),
        windows=clusters.windows.size,
        correlations=correlations,
    )
