"""How large a divergence between two binned samples is when nothing has changed.

Given what both samples hold together, the rows fall on them like draws from an urn (:mod:`.urn`). From that law the
noise of any divergence follows, without parameters fitted by hand:

- few cells and few rows: every possible table is written down (:mod:`.enumeration`), which is exact;
- otherwise a saddlepoint approximation (:mod:`.saddlepoint`), computed once per kind of table and kept;
- from 200 expected rows per cell on, for a smooth divergence, ``divergence ≈ unit · χ²(B - 1)`` over B cells.

False alarms in simulation, as a multiple of alpha, for 2 to 20 cells of equal and of very unequal shares (down to
0.01, so 0.3 expected rows), windows of 30 to 100,000 rows against references of 1,000 and 100,000: 0.4 to 2.4 at
0.05, 0.2 to 2 at 0.01, 0.2 to 2 at 0.001 and 0 to 3 at 5e-5, there with a sampling error of 0.3 and more. Above 1.4
are only windows of 30 to 100 rows of which nine in ten lie in one cell (in one of four, 30 to 50 rows: Hellinger 5 at
0.01 and 6 at 0.001, Jensen-Shannon 4 at 0.001), below 0.5 those of which few different tables
exist. Rows in clusters (a tenth as many effective ones) alarm less often: 0.2 to 1.4 at 0.05 and 0.01.
χ² by itself is 50 times alpha for Hellinger's distance of 30 rows in 10 bins at alpha 0.001.

Source: Yurdakul & Naranjo (2020), "Statistical properties of the population stability index", Journal of Risk
Model Validation 14(4), for χ²; the other laws' sources stand in their modules.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws import enumeration, saddlepoint
from monitoring_pipeline.drift.laws.tail import ChiSquareLaw, Tail
from monitoring_pipeline.drift.laws.urn import Contribution, Urn
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes

_MANY_EXPECTED_ROWS = 200.0
# Fewer effective rows on either side lie in so few cells that no approximation of their law holds, and every window
# is a surprise: they are no evidence of anything.
FEWEST_ROWS = 8.0
_MOST_CELLS_ENUMERATED = 6
# Of tables with three cells: so many counts per cell, and the law is as good as continuous.
_POINTS_OF_A_CELL = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceNoise:
    """One divergence, as a sum over cells.

    Attributes:
        part: what a cell adds, see :data:`.urn.Contribution`.
        unit: the divergence's scale without drift; for a smooth one the divergence per unit of χ².
        largest: the divergence of two samples without a common cell; infinite if it has no bound.
        kinked: whether it grows like the gaps between shares instead of like their squares.
    """

    part: Contribution
    unit: Callable[[Urn], float]
    largest: float = math.inf
    kinked: bool = False

    def of(self, reference_counts: Counts | Floats, window_counts: Counts | Floats, sizes: Sizes) -> "Noise":
        """The noise of two samples counted in the same cells, each with at least one row."""
        urn = Urn.of(reference_counts, window_counts, sizes)
        if min(sizes.reference, sizes.window) < FEWEST_ROWS:
            law = ChiSquareLaw(freedom=urn.cell_count - 1) if urn.cell_count > 1 else None
            return Noise(divergence=self, urn=urn, sizes=sizes, law=law, tells=False)
        return Noise(divergence=self, urn=urn, sizes=sizes, law=_law(self, urn))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Noise:
    """What a divergence is without drift at these sizes.

    Attributes:
        divergence: of what.
        urn: both samples' rows.
        sizes: their effective rows.
        law: of the divergence in its unit; ``None`` for a single cell, where nothing can differ.
        tells: whether there are rows enough for a p-value other than 1; the limit is then that of many rows.
    """

    divergence: DivergenceNoise
    urn: Urn
    sizes: Sizes
    law: Tail | ChiSquareLaw | None
    tells: bool = True

    def p_value(self, divergence: float) -> float:
        """Probability that noise alone reaches ``divergence``; 1 for a single cell, or too few effective rows."""
        if self.law is None or not self.tells:
            return 1.0
        return self.sizes.p_value(min(1.0, self.law.p_value(divergence / self.divergence.unit(self.urn))))

    def limit(self, alpha: float) -> float:
        """The divergence that noise alone reaches with probability ``alpha``; 0 for a single cell."""
        if self.law is None:
            return 0.0
        return self.law.limit(self.sizes.level(alpha)) * self.divergence.unit(self.urn)

    def detectable(self, alpha: float) -> float | None:
        """The smallest true divergence that passes the limit in 80 % of cases; ``None`` beyond the largest one.

        Approximate: a χ² of B - 1 degrees of freedom and noncentrality λ is taken as normal, with mean B - 1 + λ and
        variance 2 (B - 1) + 4 λ; a kinked divergence as growing like the root of one.
        """
        if self.law is None or not self.tells:
            return None
        unit, limit = self.divergence.unit(self.urn), self.law.limit(self.sizes.level(alpha))
        if self.divergence.kinked:
            passed = limit * unit + Z_POWER * math.sqrt(self.urn.variance) / 2.0
            smallest = math.sqrt(max(0.0, passed**2 - unit**2))
        else:
            smallest = unit * max(0.0, _noncentrality(limit, self.urn.cell_count - 1))
        return smallest if smallest < self.divergence.largest else None

    def measurement(self, divergence: float, *, alpha: float) -> Measurement:
        """What a measure reports that is this divergence."""
        return Measurement(
            value=divergence,
            p_value=self.p_value(divergence),
            noise_limit=self.limit(alpha),
            detectable=self.detectable(alpha),
        )

    def measurement_of_root(self, root: float, *, alpha: float) -> Measurement:
        """What a measure reports that is the square root of this divergence."""
        detectable = self.detectable(alpha)
        return Measurement(
            value=root,
            p_value=self.p_value(root**2),
            noise_limit=math.sqrt(self.limit(alpha)),
            detectable=None if detectable is None else math.sqrt(detectable),
        )


def _noncentrality(limit: float, freedom: int) -> float:
    beyond = limit - freedom
    room = 4.0 * Z_POWER**2 + 4.0 * beyond + 2.0 * freedom
    return beyond + 2.0 * Z_POWER**2 + Z_POWER * math.sqrt(max(0.0, room))


def _law(divergence: DivergenceNoise, urn: Urn) -> Tail | ChiSquareLaw | None:
    if urn.cell_count < 2:
        return None
    exact = _exact(divergence, urn) if urn.cell_count <= _MOST_CELLS_ENUMERATED else None
    if exact is not None:
        return exact
    if not divergence.kinked and urn.totals[0] * urn.share >= _MANY_EXPECTED_ROWS:
        return ChiSquareLaw(freedom=urn.cell_count - 1)
    return _approximate(divergence, urn.rounded())


@lru_cache(maxsize=512)
def _exact(divergence: DivergenceNoise, urn: Urn) -> Tail | None:
    return enumeration.tail(urn, divergence.part, divergence.unit(urn))


@lru_cache(maxsize=8192)
def _approximate(divergence: DivergenceNoise, urn: Urn) -> Tail:
    unit = divergence.unit(urn)
    coarse = None
    if urn.cell_count <= 3:
        coarse = enumeration.tail(urn.one_by_one(), divergence.part, unit, points=_POINTS_OF_A_CELL)
    return coarse or saddlepoint.tail(urn, divergence.part, unit, kinked=divergence.kinked)
