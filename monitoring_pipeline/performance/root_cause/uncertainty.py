"""How far the parts of a decomposition may be from those of the populations behind the two windows.

Delta method: each part is a smooth function of the shares and the means of both windows. Shares vary like a multinomial
sample of the window's size, a segment's mean with the variance of its rows, the two windows independently. What it
cannot see is what no interval here sees: rows that err together.

A segment with one row shows no spread of its own and borrows that of the other segments of its window.

Source: L. Wasserman, "All of Statistics", 2004, section 9.9.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from monitoring_pipeline.performance.root_cause.sample import Sample

SIGNIFICANCE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Gradient:
    """How a part answers to a window's shares and means.

    With μ the means less a common centre, the part's derivative is ``mean`` - ``pull`` · w / 2 by the segment's own
    mean (-pull · w / 2 by another's) and ``share`` - ``pull`` · μ / 2 by its own share.
    """

    mean: float
    share: float
    pull: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """What the variances of one window's parts are made of; means are less a common centre."""

    count: int
    shares: Mapping[str, float]
    means: Mapping[str, float]
    variances: Mapping[str, float]  # of the segments' means
    mean: float  # Σ w μ
    mean_square: float  # Σ w μ²
    mean_variance: float  # Σ w² var(μ)

    @classmethod
    def of(cls, window: Mapping[str, Sample], centre: Fraction) -> Self | None:
        """The spread of a window; ``None`` if no segment has two rows, or a sum of squares overflowed."""
        freedom = sum(sample.count - 1 for sample in window.values())
        squares = math.fsum(sample.squares for sample in window.values()) if freedom else math.inf
        if not math.isfinite(squares):
            return None
        count = sum(sample.count for sample in window.values())
        shares = {segment: sample.count / count for segment, sample in window.items()}
        means = {segment: float(sample.mean - centre) for segment, sample in window.items()}
        variances = {
            segment: (sample.squares / (sample.count - 1) if sample.count > 1 else squares / freedom) / sample.count
            for segment, sample in window.items()
        }
        return cls(
            count=count,
            shares=shares,
            means=means,
            variances=variances,
            mean=math.fsum(shares[segment] * means[segment] for segment in window),
            mean_square=math.fsum(shares[segment] * means[segment] ** 2 for segment in window),
            mean_variance=math.fsum(shares[segment] ** 2 * variances[segment] for segment in window),
        )

    def variance(self, segment: str, gradient: Gradient) -> float:
        """What this window adds to the variance of a segment's part."""
        w, m, v = (by.get(segment, 0.0) for by in (self.shares, self.means, self.variances))
        p, q, d = gradient.mean, gradient.share, gradient.pull
        of_means = p * (p - d * w) * v + d * d / 4 * self.mean_variance
        square = w * q * (q - d * m) + d * d / 4 * self.mean_square
        mean = w * q - d / 2 * self.mean
        return max(of_means, 0.0) + max(square - mean * mean, 0.0) / self.count

    def variance_of_mean(self) -> float:
        """The variance of the mean of all rows."""
        return self.mean_variance + max(self.mean_square - self.mean * self.mean, 0.0) / self.count


def gradients(before: Spread, after: Spread, segment: str) -> dict[str, tuple[Gradient, Gradient]]:
    """By part (``mix``, ``within``, ``total``): the gradients for the earlier and for the later window."""
    w0, w1 = before.shares.get(segment, 0.0), after.shares.get(segment, 0.0)
    m0, m1 = before.means.get(segment, 0.0), after.means.get(segment, 0.0)
    # A segment that is new or gone has one mean, which is its midpoint.
    c0, c1 = (0.5, 0.5) if w0 and w1 else (float(w0 > 0), float(w1 > 0))
    step, midpoint = w1 - w0, c0 * m0 + c1 * m1
    inside, shift = ((w0 + w1) / 2, (m1 - m0) / 2) if w0 and w1 else (0.0, 0.0)
    return {
        "mix": (
            Gradient(mean=step * c0, share=-midpoint, pull=step),
            Gradient(mean=step * c1, share=midpoint, pull=step),
        ),
        "within": (Gradient(mean=-inside, share=shift, pull=0.0), Gradient(mean=inside, share=shift, pull=0.0)),
        "total": (Gradient(mean=-w0, share=-m0, pull=step), Gradient(mean=w1, share=m1, pull=step)),
    }


def significant(values: Sequence[float], errors: Sequence[float]) -> list[bool]:
    """Which values can be told from zero: Holm's step-down test, 5 % for all of them together.

    >>> significant([3.0, 2.1, 0.0], [1.0, 1.0, 0.0])
    [True, False, False]

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    chances = [_chance(value, error) for value, error in zip(values, errors, strict=True)]
    told = [False] * len(chances)
    ranked = sorted(range(len(chances)), key=chances.__getitem__)
    for place, index in enumerate(ranked):
        if chances[index] * (len(chances) - place) > SIGNIFICANCE:
            break
        told[index] = True
    return told


def _chance(value: float, error: float) -> float:
    """How often a part as large as this comes up where the true one is zero (two-sided, normal)."""
    if value == 0 or not math.isfinite(error):
        return 1.0
    return math.erfc(abs(value) / error / math.sqrt(2)) if error else 0.0
