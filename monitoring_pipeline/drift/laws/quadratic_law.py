"""The laws of weighted sums of squares that two-sample tests of the Cramér-von Mises family tend to.

For ``Q = Σ w_k Z_k²`` with distinct weights, Z independent standard normal, and ``D(s) = Π (1 - 2 s w_k)``::

    P(Q > x) = 1/π Σ_j (-1)^(j+1) ∫ exp(-x s) / (s sqrt(|D(s)|)) ds,   s from 1/(2 w_(2j-1)) to 1/(2 w_(2j))

The first integral alone is the tail, so a probability of 1e-300 is as exact as one of 0.1. The integrands are infinite
at both ends like an inverse root, which is what Gauss-Chebyshev nodes are for; they do not depend on x.

Sources: Smirnov (1936) for the formula; Anderson & Darling (1952), Annals of Mathematical Statistics 23(2), for D.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats

_NODES = 48
_INTERVALS = 20
_LARGEST = 500.0  # far beyond any limit: p there is below 1e-100
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuadraticLaw:
    """One such law.

    Attributes:
        mean: its mean, the sum of the weights.
        deviation: its standard deviation.
        first_weight: the largest weight, in whose direction smooth shifts lie.
        smallest: below this the sum is taken to be certainly exceeded; the true probability is within 1e-9 of 1.
        nodes: points s of the integrals.
        factors: what ``exp(-x s)`` is multiplied with at each.
    """

    mean: float
    deviation: float
    first_weight: float
    smallest: float
    nodes: Floats
    factors: Floats

    @classmethod
    def of(
        cls,
        weight: Callable[[Floats], Floats],
        product: Callable[[Floats], Floats],
        *,
        mean: float,
        deviation: float,
        smallest: float,
    ) -> Self:
        """Prepare the law from the weight of the k-th term (k from 1) and the product D(s)."""
        order = np.arange(1.0, 2.0 * _INTERVALS + 1.0)
        ends = 0.5 / weight(order)
        angles = (np.arange(_NODES) + 0.5) * np.pi / _NODES
        half = (ends[1::2] - ends[::2])[:, None] / 2.0
        nodes = (ends[1::2] + ends[::2])[:, None] / 2.0 - half * np.cos(angles)
        signs = np.where(np.arange(_INTERVALS) % 2 == 0, 1.0, -1.0)[:, None]
        factors = signs * half * np.sin(angles) / (_NODES * nodes * np.sqrt(np.abs(product(nodes))))
        return cls(
            mean=mean,
            deviation=deviation,
            first_weight=float(weight(np.ones(1))[0]),
            smallest=smallest,
            nodes=nodes.ravel(),
            factors=factors.ravel(),
        )

    def survival(self, value: float) -> float:
        """Probability that the sum exceeds ``value``."""
        if value < self.smallest:
            return 1.0
        return min(1.0, max(0.0, float(self.factors @ np.exp(-min(value, _LARGEST) * self.nodes))))

    def quantile(self, level: float) -> float:
        """What the sum exceeds with probability ``level``, in (0, 1)."""
        return _quantile(self, level)


@lru_cache(maxsize=1024)
def _quantile(law: QuadraticLaw, level: float) -> float:
    low, high = law.smallest, _LARGEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if law.survival(middle) > level else (low, middle)
    return high


CRAMER_VON_MISES = QuadraticLaw.of(
    lambda k: 1.0 / (k * np.pi) ** 2,
    lambda s: np.sin(np.sqrt(2.0 * s)) / np.sqrt(2.0 * s),
    mean=1.0 / 6.0,
    deviation=float(np.sqrt(1.0 / 45.0)),
    smallest=0.01,
)
"""``∫ B(u)² du`` of a Brownian bridge: weights ``1 / (k π)²``."""

ANDERSON_DARLING = QuadraticLaw.of(
    lambda k: 1.0 / (k * (k + 1.0)),
    lambda s: np.cos(np.pi / 2.0 * np.sqrt(1.0 + 8.0 * s)) / (2.0 * np.pi * s),
    mean=1.0,
    deviation=float(np.sqrt(2.0 * (np.pi**2 / 3.0 - 3.0))),
    smallest=0.08,
)
"""``∫ B(u)² / (u (1 - u)) du`` of a Brownian bridge: weights ``1 / (k (k + 1))``."""
