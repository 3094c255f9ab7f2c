"""A reference weighed so that it holds the same hours as the window: like is compared with like."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.season import Season, strata
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCounterpart:
    """The window holds strata of which the reference has no row: nothing says what is usual there.

    Attributes:
        strata: the strata's numbers (see :func:`.season.strata`), ascending.
        row_share: the share of the window's rows that lie in them, in (0, 1].
    """

    strata: tuple[int, ...]
    row_share: float


def row_weights(reference_windows: Counts, window: Clusters, *, season: Season, grain: Grain) -> Floats | NoCounterpart:
    """A weight for each reference row, adding up to the number of rows, in the window's composition by stratum.

    Args:
        reference_windows: the window number of each reference row.
        window: the judged rows per window; at least one.
        season: what the strata are.
        grain: length of the windows.

    >>> next_day = Clusters.from_windows(np.array([24, 25]))
    >>> row_weights(np.array([0, 1, 1]), next_day, season=Season.HOUR_OF_DAY, grain=Grain.HOUR).tolist()
    [1.5, 0.75, 0.75]
    """
    reference = Clusters.from_windows(reference_windows)
    weights = cluster_weights(reference, window, season=season, grain=grain)
    if isinstance(weights, NoCounterpart):
        return weights
    of_rows: Floats = (weights / reference.rows)[np.searchsorted(reference.windows, reference_windows)]
    return of_rows * reference.row_count


def cluster_weights(reference: Clusters, window: Clusters, *, season: Season, grain: Grain) -> Floats | NoCounterpart:
    """A weight for each window of the reference, adding up to 1: its stratum's share of the judged rows, by rows.

    >>> cluster_weights(
    ...     Clusters.from_windows(np.array([0, 1, 1, 1])), Clusters.from_windows(np.array([24, 25])),
    ...     season=Season.HOUR_OF_DAY, grain=Grain.HOUR,
    ... ).tolist()
    [0.5, 0.5]
    """
    have, want = (strata(clusters.windows, season=season, grain=grain) for clusters in (reference, window))
    wanted, codes = np.unique(want, return_inverse=True)
    shares = np.bincount(codes, weights=window.rows) / window.row_count
    lacking = ~np.isin(wanted, have)
    if lacking.any():
        return NoCounterpart(
            strata=tuple(int(stratum) for stratum in wanted[lacking]), row_share=float(shares[lacking].sum())
        )
    position = np.minimum(np.searchsorted(wanted, have), wanted.size - 1)
    used = wanted[position] == have
    stratum_rows = np.bincount(position[used], weights=reference.rows[used], minlength=wanted.size)
    weights: Floats = np.where(used, shares[position] * reference.rows / stratum_rows[position], 0.0)
    return weights
