"""A feature's reference as it is compared with a window: like with like, and worth what its rows are worth.

Where the instants of the reference's rows are known, a window is compared with the rows of its own hours or weekdays,
and the noise is that of the reference's own windows (:mod:`.time_structure`). Where they are not, rows are taken as
independent draws of one distribution.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from monitoring_pipeline.drift.arrays import Booleans, Counts, Floats
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.missing import MissingInTime
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.effective import NoCounterpart
from monitoring_pipeline.drift.time_structure.season import Season
from monitoring_pipeline.drift.time_structure.structure import TimeStructure
from monitoring_pipeline.drift.time_structure.window_counts import count_codes, count_numbers
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason
from monitoring_pipeline.windows import Grain

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsInTime:
    """When the rows of a reference came.

    Attributes:
        windows: the window number of each row.
        grain: length of the windows, that of the windows which are judged.
        season: which windows are compared with which; ``None``: whatever makes comparisons sharpest.
    """

    windows: Counts
    grain: Grain
    season: Season | None = None

    def missing(self, missing: Booleans) -> MissingInTime | None:
        """How missing values lie in time; ``None`` without rows."""
        if not missing.size:
            return None
        return MissingInTime.of(missing, self.windows, grain=self.grain, season=self.season)

    def of_rows(self, rows: Counts) -> "RowsInTime":
        """Those of some of the rows."""
        return replace(self, windows=self.windows[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparableNumbers:
    """A numeric feature's reference.

    Attributes:
        whole: all of its rows.
        structure: how they lie in time, if that is known.
        missing: how its missing values lie in time, if that is known.
    """

    whole: NumericReference
    structure: TimeStructure | None
    missing: MissingInTime | None = None
    _of_stratum: dict[int, NumericReference] = field(default_factory=dict)

    @classmethod
    def prepare(cls, values: Floats, times: RowsInTime | None) -> "ComparableNumbers":
        """Prepare raw values; NaN means missing."""
        missing = None if times is None else times.missing(np.isnan(values))
        if times is None or not np.any(~np.isnan(values)):
            return cls(whole=NumericReference.from_values(values), structure=None, missing=missing)
        edges = NumericReference.from_values(values).edges
        structure = TimeStructure.of(
            count_numbers(values, times.windows, edges), grain=times.grain, season=times.season
        )
        codes = structure.strata_of(times.windows)
        return cls(
            whole=NumericReference.from_values(values, strata=codes),
            structure=structure,
            missing=missing,
        )

    def evaluate(
        self, values: Floats, windows: Counts, *, criteria: DriftCriteria, alpha: float, window_count: int = 1
    ) -> MeasuredFeature:
        """The measures of a window; its rows may lie in several windows of the grain, numbered by ``windows``."""
        missing = np.isnan(values)
        reference, sizes = _beside(
            self.structure, self.whole, self._composed, windows[~missing] if missing.any() else windows
        )
        return evaluate_numeric(
            reference,
            values,
            criteria=criteria,
            alpha=alpha,
            sizes=sizes,
            usual=None if self.missing is None else self.missing.beside(windows),
            window_count=window_count,
        )

    def _composed(self, composition: Mapping[int, float]) -> NumericReference:
        assert self.structure is not None, "asked only where instants are known"
        if self.structure.season is Season.NONE:
            return self.whole
        if len(composition) > 1:
            return self.whole.reweighted(composition)
        (stratum,) = composition
        if stratum not in self._of_stratum:
            assert self.whole.row_strata is not None, "prepared with strata"
            rows = self.whole.values[self.whole.row_strata == stratum]
            self._of_stratum[stratum] = NumericReference.from_values(rows)
        return self._of_stratum[stratum]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparableCategories:
    """A categorical feature's reference.

    Attributes:
        whole: all of its rows.
        structure: how they lie in time, if that is known.
        missing: how its missing values lie in time, if that is known.
        by_stratum: rows per stratum and category, in the order of the categories of ``whole``.
    """

    whole: CategoricalReference
    structure: TimeStructure | None
    missing: MissingInTime | None = None
    by_stratum: Mapping[int, Counts] = field(default_factory=dict)

    @classmethod
    def prepare(cls, codes: Counts, names: tuple[str, ...], times: RowsInTime | None) -> "ComparableCategories":
        """Prepare categories by number; a negative one means missing.

        Args:
            codes: the category of each row as an index of ``names``.
            names: the categories, ascending, each with at least one row.
            times: when the rows came, if that is known.
        """
        present = codes >= 0
        counts = np.bincount(codes[present], minlength=len(names))
        whole = CategoricalReference(
            counts=dict(zip(names, counts.tolist(), strict=True)), missing_count=int(np.count_nonzero(~present))
        )
        missing = None if times is None else times.missing(~present)
        if times is None or not present.any():
            return cls(whole=whole, structure=None, missing=missing)
        structure = TimeStructure.of(count_codes(codes, times.windows), grain=times.grain, season=times.season)
        strata = structure.strata_of(times.windows)
        of_rows = strata[present]
        by_stratum = {
            int(code): np.bincount(codes[present][of_rows == code], minlength=len(names)) for code in np.unique(of_rows)
        }
        return cls(whole=whole, structure=structure, missing=missing, by_stratum=by_stratum)

    def evaluate(
        self,
        codes: Counts,
        names: tuple[str, ...],
        windows: Counts,
        *,
        criteria: DriftCriteria,
        alpha: float,
        window_count: int = 1,
    ) -> MeasuredFeature:
        """The measures of a window's categories, by number; ``windows`` has the window number of each row."""
        present = codes >= 0
        counts = np.bincount(codes[present], minlength=len(names)).tolist()
        reference, sizes = _beside(self.structure, self.whole, self._composed, windows[present])
        return evaluate_categorical(
            reference,
            {name: count for name, count in zip(names, counts, strict=True) if count},
            missing_count=int(np.count_nonzero(~present)),
            criteria=criteria,
            alpha=alpha,
            sizes=sizes,
            usual=None if self.missing is None else self.missing.beside(windows),
            window_count=window_count,
        )

    def _composed(self, composition: Mapping[int, float]) -> CategoricalReference:
        """The rows of the window's strata, each as heavy as in the window; in whole rows, at least one if there is any.

        Rounded to none, a rare category would pass for one that the reference never saw.
        """
        assert self.structure is not None, "asked only where instants are known"
        if self.structure.season is Season.NONE:
            return self.whole
        used = [(self.by_stratum[code], share) for code, share in composition.items()]
        rows = sum(int(of_stratum.sum()) for of_stratum, _ in used)
        weighed = np.sum([share * rows * of_stratum / of_stratum.sum() for of_stratum, share in used], axis=0)
        counts = np.where(weighed > 0, np.maximum(np.rint(weighed), 1.0), 0.0)
        named = zip(self.whole.counts, counts.astype(np.int64).tolist(), strict=True)
        return CategoricalReference(counts={name: count for name, count in named if count > 0}, missing_count=0)


def _beside(
    structure: TimeStructure | None, whole: T, composed: Callable[[Mapping[int, float]], T], windows: Counts
) -> tuple[T, Sizes | DriftReason | None]:
    """What present values of these windows are compared with, and what that is worth or why it is not."""
    if structure is None or not windows.size:
        return whole, None
    clusters = Clusters.from_windows(windows)
    sizes = _sizes(structure, clusters)
    if isinstance(sizes, DriftReason):
        return whole, sizes
    return composed(structure.composition(clusters)), sizes


def _sizes(structure: TimeStructure, window: Clusters) -> Sizes | DriftReason:
    sizes = structure.sizes(window)
    if sizes is None:
        return DriftReason.TOO_FEW_REFERENCE_WINDOWS
    return DriftReason.NO_COUNTERPART if isinstance(sizes, NoCounterpart) else sizes
