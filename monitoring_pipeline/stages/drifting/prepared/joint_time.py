"""How the rows of several inputs lie in time: worth what those of the most weather-bound input are worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.drift.comparable import RowsInTime
from monitoring_pipeline.drift.multivariate.table import Column, Table, take
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.choice import sharpest
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.effective import NoCounterpart
from monitoring_pipeline.drift.time_structure.season import SEASONS, Season, strata
from monitoring_pipeline.drift.time_structure.structure import TimeStructure
from monitoring_pipeline.drift.time_structure.window_counts import WindowCounts, count_codes, count_numbers
from monitoring_pipeline.drift.verdict import DriftReason
from monitoring_pipeline.stages.drifting.values import encoded
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointTime:
    """The time structure of each input, all with one season.

    It cannot see: weather in what inputs have in common that none of them shows alone.

    Attributes:
        windows: the window of each row of the reference.
        grain: length of the windows.
        season: which windows are compared with which: the finest that any input asks for.
        structures: of each input that has a value, as of all rows.
    """

    windows: Counts
    grain: Grain
    season: Season
    structures: tuple[TimeStructure, ...]

    @classmethod
    def of(cls, table: Table, times: RowsInTime) -> Self:
        """Measure each input's structure."""
        counted = [counts for column in table.values() if (counts := _counts(column, times.windows)).cells.size]
        season = times.season or _finest([sharpest(counts, grain=times.grain) for counts in counted], times.grain)
        clusters = Clusters.from_windows(times.windows)
        found = [TimeStructure.of(counts, grain=times.grain, season=season) for counts in counted]
        return cls(
            windows=times.windows,
            grain=times.grain,
            season=season,
            structures=tuple(replace(structure, clusters=clusters) for structure in found),
        )

    def sizes(self, windows: Counts) -> tuple[Sizes | None, DriftReason | None]:
        """What a comparison with rows of these windows is worth, or why that is not known."""
        clusters = Clusters.from_windows(windows)
        found = [structure.sizes(clusters) for structure in self.structures]
        if any(isinstance(sizes, NoCounterpart) for sizes in found):
            return None, DriftReason.NO_COUNTERPART
        known = [sizes for sizes in found if isinstance(sizes, Sizes)]
        if len(known) < len(found):
            return None, DriftReason.TOO_FEW_REFERENCE_WINDOWS
        return max(known, key=lambda sizes: sizes.variance, default=None), None

    def strata_of(self, windows: Counts) -> tuple[int, ...]:
        """The strata that hold these windows, ascending: of one day or hour, one."""
        return tuple(np.unique(strata(windows, season=self.season, grain=self.grain)).tolist())

    def rows_of(self, table: Table, wanted: tuple[int, ...]) -> Table:
        """The rows of a table of the reference that lie in some strata, as many of each as it has."""
        return take(table, np.flatnonzero(np.isin(strata(self.windows, season=self.season, grain=self.grain), wanted)))


def _counts(column: Column, windows: Counts) -> WindowCounts:
    if isinstance(column, np.ndarray):
        return count_numbers(column, windows, NumericReference.from_values(column).edges)
    return count_codes(encoded(column)[0], windows)


def _finest(seasons: Sequence[Season], grain: Grain) -> Season:
    return max(seasons, key=SEASONS[grain].index, default=Season.NONE)
