"""The reference of a numeric feature: its values in order, and what follows from them whatever the window."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Counts, Floats, Strata, present_sorted, present_sorted_with
from monitoring_pipeline.drift.laws.bridge_law import BridgeLaw
from monitoring_pipeline.drift.reference.content_id import id_of_numbers
from monitoring_pipeline.drift.reference.distribution import (
    cumulative_shares,
    decile_edges,
    equal_rows,
    median_index,
    raw_moments,
    rows_in_bins,
    share_of_first,
    standard_deviation,
)
from monitoring_pipeline.drift.reference.own_laws import OwnLaws
from monitoring_pipeline.drift.reference.stratum_rows import StratumRows

_MOST_COMPOSITIONS = 512  # whose laws are kept, a kilobyte each: every run of hours of a week, and as many again


# Without slots: what only some measures ask for is computed at the first question, then kept with the reference.
@dataclass(frozen=True, kw_only=True, eq=False)
class NumericReference:
    """The values of one numeric feature, with everything derived from them that does not depend on a window.

    Attributes:
        values: present values, ascending; beyond ±9e307 they are counted as ±9e307 so that differences stay finite.
        missing_count: how many values were NaN.
        weights: share of the whole that each value counts, above 0 and 1 in total; ``None`` if all count the same.
        row_strata: the stratum (such as an hour of the day) of each value; ``None`` if there are none.
        shares: cumulative weights, one more than there are values, from 0 to exactly 1; ``None`` without weights.
        std: population standard deviation, in the feature's unit; 0 if and only if no two values differ.
        edges: inner bin edges, ascending and distinct; bin i holds ``edges[i-1] < x <= edges[i]``. They are the
            reference's deciles without repetition, so ties make fewer bins, and no bin is empty in the reference.
        bin_counts: rows per bin, ``len(edges) + 1`` of them; with weights, the bin's share of the effective rows.
        scaled_sums: prefix sums of the scaled values ``(x - median) / std``, starting with 0; just that for a constant.
            With weights each value counts its weight, so that the last sum is a mean.
        scaled_moments: means of the scaled values and of their powers up to the fourth; zeros for a constant.
    """

    values: Floats
    missing_count: int
    weights: Floats | None
    row_strata: Strata | None
    shares: Floats | None
    std: float
    edges: Floats
    bin_counts: Floats
    scaled_sums: Floats
    scaled_moments: tuple[float, float, float, float]
    _similar_area_law: Callable[[], BridgeLaw] | None = field(default=None, repr=False)
    _area_laws_of_compositions: OrderedDict[tuple[tuple[int, float], ...], BridgeLaw] = field(
        default_factory=OrderedDict, repr=False
    )

    @classmethod
    def from_values(cls, values: NDArray[np.float64], *, strata: Strata | None = None) -> Self:
        """Prepare a reference from raw values; NaN means missing. The order of the rows does not matter.

        Args:
            values: in any order.
            strata: a small whole number for each value, aligned with ``values``; what :meth:`reweighted` needs.

        Raises:
            ValueError: if ``strata`` has not one code per value.
        """
        if strata is None:
            present, row_strata = present_sorted(values), None
        else:
            present, row_strata = present_sorted_with(values, strata)
        return cls._derived(present, missing_count=values.size - present.size, weights=None, row_strata=row_strata)

    def reweighted(self, stratum_weights: Mapping[int, float]) -> Self:
        """The same values with other strata in the foreground: a reference composed as a window is.

        Every value gets the weight of its stratum divided by the stratum's values, so that a window of three rows
        at night and one by day is compared with a reference of three quarters of night, however few nights it holds.
        Values of strata without weight are left out. Everything derived is that of the weighted values. Costs one
        pass over the values; nothing is sorted again.

        Args:
            stratum_weights: how much each stratum counts, not negative, in any unit; strata that the reference does
                not hold are passed over, and the weights of the others fill their place.

        Raises:
            ValueError: if the reference has no strata, a weight is negative or not finite, or no value has any.

        >>> reference = NumericReference.from_values(np.array([1.0, 2.0, 9.0]), strata=np.array([0, 0, 1]))
        >>> reference.reweighted({0: 1.0, 1: 3.0}).weights.tolist()
        [0.125, 0.125, 0.75]
        """
        if self.row_strata is None:
            raise ValueError("the reference has no strata; prepare it with from_values(values, strata=...)")
        strata = self._stratum_rows
        shares = strata.wanted(stratum_weights)
        kept = np.flatnonzero((shares > 0.0)[strata.steps])
        return self._derived(
            self.values[kept],
            missing_count=self.missing_count,
            weights=(shares / np.maximum(strata.rows, 1.0))[strata.steps[kept]],
            row_strata=self.row_strata[kept],
            similar_area_law=partial(self._area_law_near, strata.similar(shares)),
        )

    @classmethod
    def _derived(
        cls,
        present: Floats,
        *,
        missing_count: int,
        weights: Floats | None,
        row_strata: Strata | None,
        similar_area_law: Callable[[], BridgeLaw] | None = None,
    ) -> Self:
        shares = None if weights is None else cumulative_shares(weights)
        edges = decile_edges(present, shares)
        std = standard_deviation(present, weights)
        centre = present[median_index(present.size, shares)] if std > 0 else 0.0
        scaled = (present - centre) / std if std > 0 else np.empty(0)
        counted = scaled if weights is None or std == 0 else scaled * weights
        return cls(
            values=present,
            missing_count=missing_count,
            weights=weights,
            row_strata=row_strata,
            shares=shares,
            std=std,
            edges=edges,
            bin_counts=rows_in_bins(present, edges, weights, shares),
            scaled_sums=np.concatenate(([0.0], np.cumsum(counted))),
            scaled_moments=raw_moments(scaled, weights if std > 0 else None),
            _similar_area_law=similar_area_law,
        )

    @property
    def median(self) -> float:
        """The upper median of the present values: a value that occurs, never a mean of two."""
        return float(self.values[median_index(self.values.size, self.shares)])

    @property
    def effective_rows(self) -> float:
        """How many equally weighted values would tell as much: ``1 / Σ w²`` (Kish 1965); at most those there are."""
        return float(self.values.size) if self.weights is None else equal_rows(self.weights)

    def share_of_first(self, count: Counts) -> Floats:
        """Share of the whole that the ``count`` smallest values have."""
        return share_of_first(count, self.values.size, self.shares)

    def content_id(self) -> str:
        """SHA-256 (hex) of the content: equal for equal rows and missing count, whatever their order."""
        return id_of_numbers(
            self.values, missing_count=self.missing_count, row_strata=self.row_strata, weights=self.weights
        )

    @cached_property
    def shares_up_to(self) -> Floats:
        """The distribution function at each value, ties included."""
        return self.share_of_first(np.searchsorted(self.values, self.values, side="right"))

    @cached_property
    def own_laws(self) -> OwnLaws:
        """What two samples of these values differ by."""
        return OwnLaws(values=self.values, shares=self.shares, std=self.std, similar_area_law=self._similar_area_law)

    @cached_property
    def _stratum_rows(self) -> StratumRows:
        assert self.row_strata is not None, "asked only where there are strata"
        return StratumRows.of(self.row_strata)

    def _area_law_near(self, stratum_weights: Mapping[int, float]) -> BridgeLaw:
        known, key = self._area_laws_of_compositions, tuple(stratum_weights.items())
        if key not in known:
            known[key] = self.reweighted(stratum_weights).own_laws.computed_area()
            if len(known) > _MOST_COMPOSITIONS:
                known.popitem(last=False)
        return known[key]
