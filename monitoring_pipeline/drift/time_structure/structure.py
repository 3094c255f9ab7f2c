"""What is known of how a feature's reference came in time: which windows are alike, and how much they differ."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.choice import sharpest
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.effective import NoCounterpart, StratumWorth, effective_rows
from monitoring_pipeline.drift.time_structure.intraclass import Intraclass, IntraclassReason, estimate
from monitoring_pipeline.drift.time_structure.season import Season, strata
from monitoring_pipeline.drift.time_structure.window_counts import WindowCounts
from monitoring_pipeline.windows import Grain

# Nothing can differ between windows of one row or one value: there is nothing that rows of a window could share.
_INDEPENDENT = Intraclass(rho=0.0, freedom=float("inf"), windows=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeStructure:
    """How a reference's rows lie in time.

    Attributes:
        clusters: rows per window.
        grain: length of the windows.
        season: which windows are compared with which.
        intraclass: how alike the rows of a window are; ``None`` if there are too few windows to tell.
        worth: what the strata are worth to a comparison; ``None`` as well.
    """

    clusters: Clusters
    grain: Grain
    season: Season
    intraclass: Intraclass | None
    worth: StratumWorth | None

    @classmethod
    def of(cls, counts: WindowCounts, *, grain: Grain, season: Season | None) -> "TimeStructure":
        """Measure a feature's structure; without a ``season`` the one that makes comparisons sharpest is taken."""
        chosen = sharpest(counts, grain=grain) if season is None else season
        found = estimate(counts, season=chosen, grain=grain)
        if found is IntraclassReason.TOO_FEW_WINDOWS:
            return cls(clusters=counts.clusters, grain=grain, season=chosen, intraclass=None, worth=None)
        intraclass = found if isinstance(found, Intraclass) else _INDEPENDENT
        worth = StratumWorth.of(counts.clusters, intraclass, season=chosen, grain=grain)
        return cls(clusters=counts.clusters, grain=grain, season=chosen, intraclass=intraclass, worth=worth)

    def strata_of(self, windows: Counts) -> Counts:
        """The stratum of each window."""
        return strata(windows, season=self.season, grain=self.grain)

    def composition(self, window: Clusters) -> dict[int, float]:
        """Each stratum's share of a window's rows."""
        codes, place = np.unique(self.strata_of(window.windows), return_inverse=True)
        shares = np.bincount(place, weights=window.rows) / window.row_count
        return dict(zip(codes.tolist(), shares.tolist(), strict=True))

    def sizes(self, window: Clusters) -> Sizes | NoCounterpart | None:
        """What a comparison with a window is worth; ``None`` if nothing is known of how windows differ."""
        if self.intraclass is None or self.worth is None:
            return None
        rows = self.worth.rows_beside(window)
        if isinstance(rows, NoCounterpart):
            return rows
        return Sizes(reference=rows, window=effective_rows(window, self.intraclass), freedom=self.intraclass.freedom)
