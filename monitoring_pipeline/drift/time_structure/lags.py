"""How long weather lasts: the correlation of windows that lie some windows apart."""

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.deviations import Deviations

MOST_LAGS = 24
FEWEST_PAIRS = 4
WINDOWS_PER_LAG = 4
"""A lag is looked at if the windows are four times as many: of few pairs, a correlation is mostly chance."""


def lag_correlations(deviations: Deviations, clusters: Clusters, rho: float) -> tuple[float, ...]:
    """The correlation of the weather at 1, 2, … windows' distance, up to the first that is not positive.

    Rows of two windows are independent but for the weather, so the mean product of their deviations needs no
    correction for sampling: divided by ρ it is the correlation. It is cut to decline, as the longer lags are noisy
    (the initial monotone sequence of Geyer 1992).

    Args:
        deviations: in the direction that ``rho`` was measured in.
        clusters: the windows.
        rho: mean intraclass correlation of the direction's components; with 0 there is no weather to last.
    """
    correlations: list[float] = []
    if rho <= 0:
        return ()
    means = deviations.values / np.sqrt(clusters.rows)[:, None]
    for lag in range(1, min(MOST_LAGS, clusters.windows.size // WINDOWS_PER_LAG) + 1):
        first, second = pairs(clusters.windows, lag)
        weights = np.minimum(clusters.rows[first], clusters.rows[second])
        components = float(np.sum(weights * np.minimum(deviations.dimension[first], deviations.dimension[second])))
        if first.size < FEWEST_PAIRS or components <= 0:
            break
        product = float(np.sum(weights * np.sum(means[first] * means[second], axis=1))) / components
        correlation = min(product / rho, correlations[-1] if correlations else 1.0)
        if correlation <= 0:
            break
        correlations.append(correlation)
    return tuple(correlations)


def weather_shared(windows: Counts, weights: Floats, correlations: tuple[float, ...]) -> float:
    """``Σ_ij w_i w_j r(|i - j|)``: the variance of a weighted mean of weathers, in units of one window's.

    >>> weather_shared(np.array([1, 2]), np.array([0.5, 0.5]), (0.5,))
    0.75
    """
    shared = float(np.sum(weights**2))
    longest = int(windows[-1] - windows[0])
    without_gap = longest == windows.size - 1  # as the hours of a day are: then nothing has to be searched
    for lag, correlation in enumerate(correlations[:longest], start=1):
        first, second = (slice(-lag), slice(lag, None)) if without_gap else pairs(windows, lag)
        shared += 2.0 * correlation * float(np.sum(weights[first] * weights[second]))
    return shared


def pairs(windows: Counts, lag: int) -> tuple[Counts, Counts]:
    """Positions of the windows that lie ``lag`` windows apart; windows ascend and are distinct."""
    wanted = windows + lag
    at = np.minimum(np.searchsorted(windows, wanted), windows.size - 1)
    first = np.flatnonzero(windows[at] == wanted)
    return first, at[first]
