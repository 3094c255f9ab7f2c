"""How far apart two samples of one distribution are, in area between their distribution functions.

The area ``T = ∫ |B(F(x))| dx`` under a Brownian bridge B run through the distribution F is what
``sqrt(n m / (n + m)) · W1`` tends to (del Barrio, Giné & Matrán 1999). Its law differs from one F to another and has no
closed form, but half of it has: ``Z = ∫ B(F(x)) dx`` is normal with the deviation of F, and independent of what B does
apart from it. So few simulated paths suffice: for each, the areas beyond t are those of Z beyond two points, whose
probability the normal law gives exactly, however small it is (conditioning, or Rao-Blackwell).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr

from monitoring_pipeline.drift.arrays import Floats

_CELLS = 128  # between which the bridge is read: more change no probability by 1 %
_PATHS = 512  # at p = 1e-6 the error of the law is about 5 %, at p = 0.01 below 1 %
_SEED = 19990227
_PIVOTS = np.concatenate((np.arange(-9.0, -3.0, 0.75), np.arange(-3.0, 3.0, 0.25), np.arange(3.0, 9.1, 0.75)))
_TABLE = 64  # areas: between two of them the logarithm of the tail bends by less than 0.005
_FINER_BELOW = 1.4  # so that they lie closest where the tail begins to fall
SMALLEST_SHARE = 1e-12  # keeps a share that rounding has brought to 0 or 1 inside the bridge
_SMALLEST_PART = 1e-12  # of a cell in the whole area, below which it only brings rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLaw:
    """The law of the area under a bridge, as a table.

    Attributes:
        areas: ascending from 0, in the unit of the gaps.
        log_tail: natural logarithm of the probability to exceed each area; 0 at first, never rising.
        deviation: standard deviation of the signed area, which is that of the distribution itself.
    """

    areas: Floats
    log_tail: Floats
    deviation: float

    @classmethod
    def of(cls, shares: Floats, gaps: Floats) -> Self:
        """The law for a distribution that has the share ``shares[k]`` of rows below a gap of width ``gaps[k]``.

        Args:
            shares: ascending, inside (0, 1), not empty.
            gaps: widths between neighbouring values, not negative, one positive at least.

        >>> law = BridgeLaw.of(np.array([0.5]), np.array([1.0]))  # |B(1/2)|: half of a standard normal's size
        >>> bool(abs(law.survival(np.array([0.98]))[0] - 0.05) < 0.001)
        True
        """
        at, widths = _cells(np.clip(shares, SMALLEST_SHARE, 1.0 - SMALLEST_SHARE), gaps)
        covariance = np.minimum.outer(at, at) - np.outer(at, at)
        pull = covariance @ widths
        deviation = math.sqrt(float(widths @ pull))
        paths = _bridges(at)
        slope = widths * pull / deviation
        rest = paths * widths - np.outer(paths @ widths / deviation, slope)
        sizes = _sizes(rest, slope)
        areas = np.linspace(0.0, 1.0, _TABLE) ** _FINER_BELOW * float(sizes[-1].min())
        tail = np.mean(_beyond(sizes, areas), axis=1)
        return cls(areas=areas, log_tail=np.minimum.accumulate(np.log(tail)), deviation=deviation)

    def survival(self, areas: Floats) -> Floats:
        """Probability to exceed each area; beyond the table it falls like the normal law's."""
        beyond = np.maximum(areas / self.areas[-1], 1.0)
        with np.errstate(over="ignore"):
            fall = (beyond**2 - 1.0) * (0.5 * (self.areas[-1] / self.deviation) ** 2)
        tail: Floats = np.exp(np.interp(areas, self.areas, self.log_tail) - fall)
        return tail


def _cells(shares: Floats, gaps: Floats) -> tuple[Floats, Floats]:
    """At most ``_CELLS`` points for the bridge, finest in the tails, that keep the mean area exactly."""
    low, high = float(logit(shares[0])), float(logit(shares[-1]))
    starts = np.searchsorted(shares, expit(np.linspace(low, high, _CELLS + 1)[1:-1]))
    starts = np.unique(np.concatenate(([0], starts[starts < shares.size])))
    weight = gaps * np.sqrt(shares * (1.0 - shares))
    total = np.add.reduceat(weight, starts)
    used = total > _SMALLEST_PART * total.max()
    at = np.add.reduceat(weight * shares, starts)[used] / total[used]
    return at, total[used] / np.sqrt(at * (1.0 - at))


def _bridges(at: Floats) -> Floats:
    steps = np.diff(at, prepend=0.0, append=1.0)
    walks = np.cumsum(_normals()[:, : steps.size] * np.sqrt(np.maximum(steps, 0.0)), axis=1)
    bridges: Floats = walks[:, :-1] - np.outer(walks[:, -1], at)
    return bridges


@lru_cache(maxsize=1)
def _normals() -> Floats:
    return np.random.default_rng(_SEED).normal(size=(_PATHS, _CELLS + 1))


def _sizes(rest: Floats, slope: Floats) -> Floats:
    """The area under each path at each pivot (rows of the result); a row's rounding is about 1e-7 of it."""
    # Two thirds of the law's cost are these sums, and single precision halves them.
    unit = float(np.max(np.abs(rest))) + float(np.max(slope))
    path, step = (rest / unit).astype(np.float32), (slope / unit).astype(np.float32)
    sums = [np.abs(path + np.float32(pivot) * step).sum(axis=1) for pivot in _PIVOTS]
    return np.stack(sums).astype(np.float64) * unit


def _beyond(sizes: Floats, areas: Floats) -> Floats:
    """For each area and path the probability that Z lies where the path's area, convex in Z, exceeds it."""
    paths = np.arange(sizes.shape[1])
    reached = np.searchsorted(areas, sizes)  # from which area on each pivot lies within
    first = np.full((areas.size + 1, paths.size), _PIVOTS.size)
    last = np.full((areas.size + 1, paths.size), -1)
    for pivot in range(_PIVOTS.size):
        first[reached[-1 - pivot], paths] = _PIVOTS.size - 1 - pivot
        last[reached[pivot], paths] = pivot
    first, last = np.minimum.accumulate(first[:-1], axis=0), np.maximum.accumulate(last[:-1], axis=0)
    left, right = _crossing(sizes, first, first - 1, areas), _crossing(sizes, last, last + 1, areas)
    return np.where(last >= 0, ndtr(left) + ndtr(-right), 1.0)


def _crossing(sizes: Floats, inner: NDArray[np.intp], outer: NDArray[np.intp], areas: Floats) -> Floats:
    """Where between two pivots each path's area passes each of ``areas``."""
    inner, outer = np.clip(inner, 0, _PIVOTS.size - 1), np.clip(outer, 0, _PIVOTS.size - 1)
    paths = np.arange(sizes.shape[1])
    inside, outside = sizes[inner, paths], sizes[outer, paths]
    beyond = areas[:, None] - inside
    part = np.divide(beyond, outside - inside, out=np.zeros_like(inside), where=outside > inside)
    crossing: Floats = _PIVOTS[inner] + part * (_PIVOTS[outer] - _PIVOTS[inner])
    return crossing
