"""How far each window lies from its stratum: in all cells, in location, and in spread."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deviations:
    """Deviations of the windows from their strata, each component of variance ``D (1 - share)`` by chance.

    Attributes:
        values: windows × components. With ``D = 1 + (n - 1) ρ`` the sum of squares of a window is
            ``dimension · D · (1 - share)`` on average.
        dimension: independent components of each window; 0 where the stratum shows no difference at all.
    """

    values: Floats
    dimension: Floats

    @property
    def squares(self) -> Floats:
        """Sum of squares of each window."""
        squares: Floats = np.sum(self.values**2, axis=1)
        return squares


def cell_deviations(cells: Counts, strata: Counts) -> Deviations:
    """Pearson's residuals ``(c - n p) / sqrt(n p)`` with the shares p of the window's stratum."""
    values, dimension = np.zeros(cells.shape), np.zeros(cells.shape[0])
    for members, shares in _shares(cells, strata):
        occupied = shares > 0
        expected = cells[members].sum(axis=1)[:, None] * shares[occupied]
        values[np.ix_(members, occupied)] = (cells[np.ix_(members, occupied)] - expected) / np.sqrt(expected)
        dimension[members] = np.count_nonzero(occupied) - 1
    return Deviations(values=values, dimension=dimension)


def score_deviations(cells: Counts, strata: Counts) -> tuple[Deviations, Deviations]:
    """Mean scores of the windows times ``sqrt(n)``: of location, and of spread.

    The location score of a bin is its mid-rank in the stratum; the spread score is that score's square, made
    uncorrelated with it. Both have mean 0 and variance 1 over the stratum's rows.
    """
    values, dimension = np.zeros((2, cells.shape[0], 1)), np.zeros((2, cells.shape[0]))
    for members, shares in _shares(cells, strata):
        counts = cells[members]
        for kind, score in enumerate(_scores(shares)):
            values[kind, members, 0] = counts @ score / np.sqrt(counts.sum(axis=1))
            dimension[kind, members] = float(score.any())
    location, spread = (Deviations(values=values[kind], dimension=dimension[kind]) for kind in (0, 1))
    return location, spread


def _shares(cells: Counts, strata: Counts) -> list[tuple[Counts, Floats]]:
    found = []
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        totals = cells[members].sum(axis=0)
        found.append((members, totals / totals.sum()))
    return found


def _scores(shares: Floats) -> tuple[Floats, Floats]:
    location = _standardised(np.cumsum(shares) - shares / 2, shares)
    square = location**2
    spread = _standardised(square - float(np.sum(shares * square * location)) * location, shares)
    return location, spread


def _standardised(score: Floats, shares: Floats) -> Floats:
    """With mean 0 and variance 1; zeros if it does not vary but for rounding (one bin, or two for the spread)."""
    centred = score - float(np.sum(shares * score))
    variance = float(np.sum(shares * centred**2))
    return np.zeros_like(score) if variance < 1e-12 else centred / np.sqrt(variance)
