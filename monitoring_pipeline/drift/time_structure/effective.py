"""The rows that a reference and a window are worth, given how alike the rows of one hour or day are."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.intraclass import Intraclass
from monitoring_pipeline.drift.time_structure.lags import pairs, weather_shared
from monitoring_pipeline.drift.time_structure.season import Season, strata
from monitoring_pipeline.windows import Grain


def effective_rows(clusters: Clusters, intraclass: Intraclass, *, weights: Floats | None = None) -> float:
    """How many independent rows give a mean as exact as these.

    With weights W_r per window (without them n_r / n) the variance of a mean, in units of one row's, is
    ``Σ W_r² (1 - ρ) / n_r + ρ Σ_rs W_r W_s corr(r, s)``, and its inverse is returned. For one window this is
    ``n / (1 + (n - 1) ρ)``; for a window of several hours each is a cluster, and neighbours share their weather.

    Args:
        clusters: rows per window; at least one.
        intraclass: the likeness, as measured on a reference with windows of the same grain.
        weights: how much each window counts, adding up to 1.

    >>> six_hours = Clusters(windows=np.arange(6), rows=np.full(6, 1000))
    >>> weather = Intraclass(rho=0.01, freedom=29.0, windows=30)
    >>> round(effective_rows(six_hours, weather))
    546
    >>> lasting = Intraclass(rho=0.01, freedom=29.0, windows=30, correlations=(0.7, 0.5))
    >>> round(effective_rows(six_hours, lasting))
    205
    """
    used = clusters.rows / clusters.row_count if weights is None else weights
    own = (1.0 - intraclass.rho) * float(np.sum(used**2 / clusters.rows))
    shared = intraclass.rho * weather_shared(clusters.windows, used, intraclass.correlations)
    # Declining correlations cannot be more alike than one, but for rounding; the whole is at least one row.
    return max(1.0, 1.0 / (own + shared))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCounterpart:
    """The window holds strata of which the reference has no row: nothing says what is usual there.

    Attributes:
        strata: the strata's numbers (see :func:`.season.strata`), ascending.
        row_share: the share of the window's rows that lie in them, in (0, 1].
    """

    strata: tuple[int, ...]
    row_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StratumWorth:
    """What a reference's strata are worth, alone and together: all that its size beside any window follows from.

    With the share u_s of stratum s in the window and its N_s rows in the reference, each of its windows weighs
    ``W_r = u_s n_r / N_s``, so that the variance of :func:`effective_rows` is
    ``(1 - ρ) Σ u_s² / N_s + ρ Σ_st u_s u_t shared_st``. Where strata share weather, because they are neighbouring hours
    of the same days, that is part of it.

    It cannot see: weather that the window and the end of the reference share, which makes them more alike.

    Attributes:
        season: which windows are compared with which.
        grain: length of the windows.
        rho: intraclass correlation.
        strata: those that hold rows, ascending.
        rows: rows of each.
        shared: ``Σ (n_r / N_s) (n_q / N_t) corr(r, q)`` over the windows r of stratum s and q of t.
    """

    season: Season
    grain: Grain
    rho: float
    strata: Counts
    rows: Floats
    shared: Floats

    @classmethod
    def of(cls, reference: Clusters, intraclass: Intraclass, *, season: Season, grain: Grain) -> Self:
        """Sum up the reference's windows."""
        found, codes = np.unique(strata(reference.windows, season=season, grain=grain), return_inverse=True)
        rows: Floats = np.bincount(codes, weights=reference.rows).astype(np.float64)
        weights = reference.rows / rows[codes]
        shared: Floats = np.diag(np.bincount(codes, weights=weights**2)).astype(np.float64)
        longest = int(reference.windows[-1] - reference.windows[0])
        for lag, correlation in enumerate(intraclass.correlations[:longest], start=1):
            first, second = pairs(reference.windows, lag)
            products = correlation * weights[first] * weights[second]
            at = codes[first] * found.size + codes[second]
            one_way = np.bincount(at, weights=products, minlength=found.size**2).reshape(shared.shape)
            shared = shared + one_way + one_way.T
        return cls(season=season, grain=grain, rho=intraclass.rho, strata=found, rows=rows, shared=shared)

    def rows_beside(self, window: Clusters) -> float | NoCounterpart:
        """The effective rows of the reference in the composition of a window of at least one row.

        >>> month, hour = (Clusters(windows=np.arange(n), rows=np.full(n, 500)) for n in (24 * 30, 1))
        >>> weather = Intraclass(rho=0.01, freedom=600.0, windows=720)
        >>> worth = StratumWorth.of(month, weather, season=Season.HOUR_OF_DAY, grain=Grain.HOUR)
        >>> round(worth.rows_beside(hour))
        2504
        """
        wanted, codes = np.unique(strata(window.windows, season=self.season, grain=self.grain), return_inverse=True)
        shares = np.bincount(codes, weights=window.rows) / window.row_count
        at = np.minimum(np.searchsorted(self.strata, wanted), self.strata.size - 1)
        lacking = self.strata[at] != wanted
        if lacking.any():
            return NoCounterpart(strata=tuple(wanted[lacking].tolist()), row_share=float(shares[lacking].sum()))
        own = (1.0 - self.rho) * float(np.sum(shares**2 / self.rows[at]))
        shared = self.rho * float(shares @ self.shared[np.ix_(at, at)] @ shares)
        return max(1.0, 1.0 / (own + shared))
