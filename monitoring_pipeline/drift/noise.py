"""How large a divergence between two binned samples is when nothing has changed.

To second order every smooth divergence of two samples from one distribution is a multiple of Pearson's
distance, so over B bins ``divergence ≈ scale · (1/n + 1/m) · χ²(B - 1)``. Few rows per bin make its upper tail
heavier than that: in simulation (n = m = 100 and n = 100, 200, 1,000 against m up to 100,000; 2 to 10 bins;
alpha down to 1e-4) by a factor of about ``1 + inflation / (rows expected per bin)``, which is applied here.

Sources: Yurdakul & Naranjo (2020), "Statistical properties of the population stability index", Journal of
Risk Model Validation 14(4), for the first order; the factor is our own, checked in the tests.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri

from monitoring_pipeline.drift.arrays import Counts

# Below this many expected rows the factor grows no further: such a bin adds little to the whole divergence.
_FEWEST_EXPECTED_ROWS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceNoise:
    """The law of one divergence between two binned samples of one distribution.

    Attributes:
        scale: the divergence per unit of Pearson's distance: 1 for PSI.
        inflation: how strongly its tail grows when bins hold few rows.
    """

    scale: float
    inflation: float

    def p_value(self, divergence: float, reference_counts: Counts, window_counts: Counts) -> float:
        """Probability that noise alone reaches ``divergence``; 1 for a single bin, where nothing can differ."""
        if reference_counts.size < 2:
            return 1.0
        return float(chdtrc(reference_counts.size - 1, divergence / self._unit(reference_counts, window_counts)))

    def limit(self, alpha: float, reference_counts: Counts, window_counts: Counts) -> float:
        """The divergence that noise alone exceeds with probability ``alpha``; 0 for a single bin."""
        if reference_counts.size < 2:
            return 0.0
        return float(chdtri(reference_counts.size - 1, alpha)) * self._unit(reference_counts, window_counts)

    def _unit(self, reference_counts: Counts, window_counts: Counts) -> float:
        n_reference, n_window = int(reference_counts.sum()), int(window_counts.sum())
        expected = np.maximum(reference_counts * (min(n_reference, n_window) / n_reference), _FEWEST_EXPECTED_ROWS)
        tail = 1.0 + self.inflation * float(np.mean(1.0 / expected))
        return self.scale * (1.0 / n_reference + 1.0 / n_window) * tail
