"""How many values are usually missing, hour by hour: a sensor that sleeps at night is not broken.

It is kept apart from the values: where all of them are missing there are none to tell which hours a window holds, and
how alike two rows are in being empty says little of how alike their values are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from monitoring_pipeline.drift.arrays import Booleans, Counts
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.effective import NoCounterpart
from monitoring_pipeline.drift.time_structure.season import Season
from monitoring_pipeline.drift.time_structure.structure import TimeStructure
from monitoring_pipeline.drift.time_structure.window_counts import count_codes
from monitoring_pipeline.drift.verdict import DriftReason
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class UsuallyMissing:
    """What a window's missing values are compared with.

    Attributes:
        missing: rows of the reference without a value; not whole if its strata are weighed.
        rows: all rows of the reference.
        sizes: what both sides' rows are worth; ``None``: as much as they are many.
        withheld: why there shall be no verdict.
    """

    missing: float
    rows: int
    sizes: Sizes | None = None
    withheld: DriftReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MissingInTime:
    """The missing values of a reference whose rows' instants are known.

    Attributes:
        structure: how rows with and without a value lie in time.
        row_count: all rows.
        missing_count: those without a value.
        shares: the share of missing values in each stratum.
    """

    structure: TimeStructure
    row_count: int
    missing_count: int
    shares: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, missing: Booleans, windows: Counts, *, grain: Grain, season: Season | None) -> "MissingInTime":
        """Prepare it; the order of the rows does not matter.

        Args:
            missing: whether each row has no value; at least one row.
            windows: the window number of each row.
            grain: length of the windows.
            season: which windows are compared with which; ``None``: whatever makes comparisons sharpest.
        """
        structure = TimeStructure.of(count_codes(missing.astype(np.int64), windows), grain=grain, season=season)
        codes, place = np.unique(structure.strata_of(windows), return_inverse=True)
        shares = np.bincount(place, weights=missing) / np.bincount(place)
        return cls(
            structure=structure,
            row_count=missing.size,
            missing_count=int(np.count_nonzero(missing)),
            shares=dict(zip(codes.tolist(), shares.tolist(), strict=True)),
        )

    def beside(self, windows: Counts) -> UsuallyMissing:
        """What a window is compared with: the reference's strata, as heavy as in the window.

        Args:
            windows: the window number of each of its rows, with and without a value.
        """
        if not windows.size or (self.missing_count == 0 and self.structure.intraclass is not None):
            return UsuallyMissing(missing=self.missing_count, rows=self.row_count)
        clusters = Clusters.from_windows(windows)
        sizes = self.structure.sizes(clusters)
        if sizes is None:
            return self._withheld(DriftReason.TOO_FEW_REFERENCE_WINDOWS)
        if isinstance(sizes, NoCounterpart):
            return self._withheld(DriftReason.NO_COUNTERPART)
        composition = self.structure.composition(clusters)
        share = min(1.0, sum(self.shares[code] * weight for code, weight in composition.items()))
        return UsuallyMissing(missing=share * self.row_count, rows=self.row_count, sizes=sizes)

    def _withheld(self, reason: DriftReason) -> UsuallyMissing:
        return UsuallyMissing(missing=self.missing_count, rows=self.row_count, withheld=reason)
