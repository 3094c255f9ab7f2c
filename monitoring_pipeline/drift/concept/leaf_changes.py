"""By how much the mean error changed in each leaf, and how much of that noise alone would bring."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import chdtri, chndtrinc, ndtri

from monitoring_pipeline.drift.arrays import Counts, Floats, finite
from monitoring_pipeline.drift.concept.decomposition import Decomposition
from monitoring_pipeline.drift.concept.evidence import TESTS
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import POWER, Z_POWER


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeafChanges:
    """The changes of the kinds, gathered by leaf.

    Attributes:
        leaves: the leaves with a kind that both samples hold, ascending.
        shares: the share of the window's rows in those kinds of each leaf.
        changes: the change of its mean error.
        variances: sampling variance of the change.
    """

    leaves: Counts
    shares: Floats
    changes: Floats
    variances: Floats

    @classmethod
    def of(cls, parts: Decomposition, leaf_of_kind: Counts, *, scale: float) -> Self:
        """Gather them.

        Args:
            parts: the changes by kind.
            leaf_of_kind: the leaf of each kind of ``parts.kept``.
            scale: how many rows are worth one.
        """
        leaves, codes = np.unique(leaf_of_kind, return_inverse=True)
        shares: Floats = np.bincount(codes, weights=parts.shares).astype(np.float64)
        return cls(
            leaves=leaves,
            shares=shares,
            changes=np.bincount(codes, weights=parts.shares * parts.changes) / shares,
            variances=np.bincount(codes, weights=parts.shares**2 * parts.variances) / shares**2 * scale,
        )

    @property
    def error(self) -> float:
        """Standard error of the concept part."""
        return math.sqrt(float(np.sum(self.shares**2 * self.variances)))

    @property
    def largest(self) -> int:
        """The position of the leaf that contributes most."""
        return int(np.argmax(np.abs(self.shares * self.changes)))

    def measurement(self, p_value: float, std: float, *, alpha: float) -> Measurement:
        """The usual change of a leaf, in units of ``std``, with the p-value that the evidence has."""
        noise = self.shares * self.variances
        usual = float(np.sum(self.shares * self.changes**2 - noise))
        whole = float(np.sum(self.shares * self.changes))
        limit, seen = self._reach(noise, alpha / TESTS)
        return Measurement(
            value=finite(math.sqrt(max(usual, whole**2)) / std),
            p_value=p_value,
            noise_limit=finite(limit / std),
            detectable=finite(seen / std),
        )

    def _reach(self, noise: Floats, alpha: float) -> tuple[float, float]:
        """What noise alone exceeds, and what is seen in 80 % of cases: of the whole, or leaf by leaf, the larger.

        Leaf by leaf ``Σ w Δ²`` is a sum of squares of unequal weights: a multiple of χ² (Satterthwaite).
        """
        z = float(-ndtri(alpha / 2.0))
        total, squares = float(np.sum(noise)), float(np.sum(noise**2))
        if total <= 0 or squares <= 0:
            return z * self.error, (z + Z_POWER) * self.error
        freedom = total**2 / squares
        critical = float(chdtri(freedom, alpha))
        limit = math.sqrt(max(0.0, total * (critical / freedom - 1.0)))
        seen = math.sqrt(total / freedom * float(chndtrinc(critical, freedom, 1.0 - POWER)))
        return max(limit, z * self.error), max(seen, (z + Z_POWER) * self.error)
