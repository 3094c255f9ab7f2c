"""The law of a distance over many cells, tilted so that large distances are likelier: its cumulants at each tilt.

Given how many rows all cells hold together, the sample's rows must come out whatever the tilt; so counts are tilted
too, by as much as keeps their expected sum.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats

_STEPS = 60
_FARTHEST_SHIFT = 60.0  # of a count's logarithm: beyond it a cell gives all it can or nothing
_CLOSE = 0.01  # of the counts' deviation, before the last step
_CLOSE_ROWS = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """What each kind of cell (rows of the arrays) may draw.

    Attributes:
        counts: the counts.
        weights: logarithm of the weight of each; -inf for what cannot be drawn.
        terms: what each adds to the distance.
        repeats: how many cells of each kind there are.
        drawn: rows that all cells draw together.
    """

    counts: Floats
    weights: Floats
    terms: Floats
    repeats: Floats
    drawn: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tilted:
    """Cumulants of counts and distance when large distances are made likelier by ``exp(tilt · distance)``.

    Attributes:
        tilts: the tilts; one value for each in every array below.
        cumulant: the joint cumulant function.
        count_variance: variance of the sum of all counts, were it not fixed.
        mean: of the distance.
        slope: by how much the distance rises with the sum of counts.
        variance: of the distance, given the sum of counts; NaN where the tilt leaves but one table.
    """

    tilts: Floats
    cumulant: Floats
    count_variance: Floats
    mean: Floats
    slope: Floats
    variance: Floats

    @classmethod
    def of(cls, draws: Draws, tilts: Floats, *, drift: float = 0.0) -> Self:
        """Tilt the draws; ``drift``: by how much, to first order, the sum of counts moves when distances are tilted."""
        counts, terms, repeats = draws.counts, draws.terms, draws.repeats
        base = draws.weights[:, None, :] + tilts[:, None] * terms[:, None, :]  # kinds of cells × tilts × counts
        shift = _balanced(base, draws, near=np.clip(-drift * tilts, -5.0, 5.0))
        of = _columns(counts, counts**2, terms, terms**2, terms * counts)
        moments, logarithms = _sums(base, counts, shift, of)
        mean_counts, mean_terms = moments[..., 0], moments[..., 2]
        count_variance: Floats = repeats @ (moments[..., 1] - mean_counts**2)
        slope: Floats = repeats @ (moments[..., 4] - mean_terms * mean_counts) / np.maximum(count_variance, 1e-300)
        with np.errstate(over="ignore", invalid="ignore"):  # a tilt so far that it leaves one table has no variance
            variance: Floats = repeats @ (moments[..., 3] - mean_terms**2) - slope**2 * count_variance
        return cls(
            tilts=tilts,
            cumulant=repeats @ logarithms - shift * draws.drawn,
            count_variance=count_variance,
            mean=repeats @ mean_terms,
            slope=slope,
            variance=variance,
        )


def _balanced(base: Floats, draws: Draws, *, near: Floats) -> Floats:
    """For each tilt what counts must be tilted by, so that their expected sum stays the sample's rows."""
    counts, repeats, drawn = draws.counts, draws.repeats, draws.drawn
    shift, powers, left = near.copy(), _columns(counts, counts**2), np.arange(near.size)
    lows, highs = np.full(near.size, -_FARTHEST_SHIFT), np.full(near.size, _FARTHEST_SHIFT)
    for _ in range(_STEPS):
        at, low, high = shift[left], lows[left], highs[left]
        moments, _ = _sums(base if left.size == near.size else base[:, left], counts, at, powers)
        mean = moments[..., 0]
        excess, variance = repeats @ mean - drawn, repeats @ (moments[..., 1] - mean**2)
        low, high = np.where(excess > 0, low, at), np.where(excess > 0, at, high)
        newton = at - excess / np.maximum(variance, 1e-300)
        shift[left] = np.where((newton > low) & (newton < high), newton, (low + high) / 2.0)
        lows[left], highs[left] = low, high
        # The last step squares what is left of the excess.
        left = left[excess**2 >= _CLOSE**2 * np.maximum(variance, (_CLOSE_ROWS * drawn) ** 2)]
        if not left.size:
            break
    return shift


def _columns(*of: Floats) -> Floats:
    return np.stack((np.ones_like(of[0]), *of), axis=2)


def _sums(base: Floats, counts: Floats, shift: Floats, of: Floats) -> tuple[Floats, Floats]:
    """Means of functions of a cell's count, by kind of cell and tilt, and the logarithms of the sums of weights."""
    weights = shift[:, None] * counts[:, None, :]
    weights += base
    largest = np.max(weights, axis=2, keepdims=True)
    weights -= largest
    np.exp(weights, out=weights)
    sums = weights @ of  # one pass over the weights for all of them
    whole = sums[..., :1]
    return sums[..., 1:] / whole, (largest + np.log(whole))[..., 0]
