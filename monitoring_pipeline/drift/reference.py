"""What a feature is compared with: prepared once, then used for every window.

A reference is immutable and carries an id made from its content, so a result can say for ever what it was
measured against, and a new reference never rewrites the results of an old one.
"""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Counts, Floats, Strata, present_sorted, present_sorted_with
from monitoring_pipeline.drift.distribution import (
    cumulative_shares,
    decile_edges,
    median_index,
    raw_moments,
    standard_deviation,
)
from monitoring_pipeline.drift.laws.bridge_law import SMALLEST_SHARE, BridgeLaw
from monitoring_pipeline.drift.laws.tied_moments import tied_moments
from monitoring_pipeline.drift.stratum_rows import StratumRows

_MOST_COMPOSITIONS = 512  # whose laws are kept, a kilobyte each: every run of hours of a week, and as many again

# Part of every content id: a change of the canonical form must not pass for the same reference.
_CONTENT_FORM = b"drift-reference-1"


@dataclass(slots=True)
class _Later:
    """What only some measures ask for: computed at the first question, then kept with the reference."""

    shares_up_to: Floats | None = None
    stratum_rows: StratumRows | None = None
    area_law: BridgeLaw | None = None
    shared_area_law: Callable[[], BridgeLaw] | None = None
    area_laws_of_compositions: OrderedDict[tuple[tuple[int, float], ...], BridgeLaw] = field(
        default_factory=OrderedDict
    )
    gap_moments: tuple[float, float] | None = None
    gap_moments_in_noise: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    _later: _Later = field(default_factory=_Later, repr=False)

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
        if self._later.stratum_rows is None:
            self._later.stratum_rows = StratumRows.of(self.row_strata)
        strata = self._later.stratum_rows
        shares = strata.wanted(stratum_weights)
        kept = np.flatnonzero((shares > 0.0)[strata.steps])
        composed = self._derived(
            self.values[kept],
            missing_count=self.missing_count,
            weights=(shares / np.maximum(strata.rows, 1.0))[strata.steps[kept]],
            row_strata=self.row_strata[kept],
        )
        composed._later.shared_area_law = partial(self._area_law_near, strata.similar(shares))  # noqa: SLF001 - its own
        return composed

    def _area_law_near(self, stratum_weights: Mapping[int, float]) -> BridgeLaw:
        known, key = self._later.area_laws_of_compositions, tuple(stratum_weights.items())
        if key not in known:
            known[key] = self.reweighted(stratum_weights)._own_area_law()  # noqa: SLF001 - its own
            if len(known) > _MOST_COMPOSITIONS:
                known.popitem(last=False)
        return known[key]

    @classmethod
    def _derived(
        cls, present: Floats, *, missing_count: int, weights: Floats | None, row_strata: Strata | None
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
            bin_counts=_rows_in_bins(present, edges, weights, shares),
            scaled_sums=np.concatenate(([0.0], np.cumsum(counted))),
            scaled_moments=raw_moments(scaled, weights if std > 0 else None),
        )

    @property
    def median(self) -> float:
        """The upper median of the present values: a value that occurs, never a mean of two."""
        return float(self.values[median_index(self.values.size, self.shares)])

    @property
    def effective_rows(self) -> float:
        """How many equally weighted values would tell as much: ``1 / Σ w²`` (Kish 1965); at most those there are."""
        return float(self.values.size) if self.weights is None else _effective(self.weights)

    def share_of_first(self, count: Counts) -> Floats:
        """Share of the whole that the ``count`` smallest values have."""
        return count / self.values.size if self.shares is None else self.shares[count]

    def shares_up_to(self) -> Floats:
        """The distribution function at each value, ties included; computed once."""
        if self._later.shares_up_to is None:
            self._later.shares_up_to = self.share_of_first(np.searchsorted(self.values, self.values, side="right"))
        return self._later.shares_up_to

    def area_law(self) -> BridgeLaw:
        """The law of the area between two samples of this distribution, in standard deviations; computed once.

        A composition takes that of one like it, in which each stratum counts within a factor of two as much: the
        probabilities then differ by 4 % at most in simulation, and hardly ever must a law be computed.

        The reference must not be constant.
        """
        if self._later.area_law is None:
            shared = self._later.shared_area_law
            self._later.area_law = self._own_area_law() if shared is None else shared()
        return self._later.area_law

    def _own_area_law(self) -> BridgeLaw:
        inner = np.flatnonzero(self.values[1:] > self.values[:-1])
        gaps = (self.values[inner + 1] - self.values[inner]) / self.std
        return BridgeLaw.of(self.share_of_first(inner + 1), gaps)

    def gap_moments(self, *, in_noise: bool) -> tuple[float, float] | None:
        """Mean and deviation of the mean square gap of two samples with these ties; computed once.

        Args:
            in_noise: whether the square gap at a share u is divided by its variance there, ``u (1 - u)``.

        Returns:
            ``None`` if there are no ties, or nothing but one.
        """
        if self.values.size < 3 or self.std == 0 or not np.any(self.values[1:] == self.values[:-1]):
            return None
        if self._later.gap_moments is None or self._later.gap_moments_in_noise is None:
            last_of_tie = np.flatnonzero(self.values[1:] > self.values[:-1]) + 1
            shares = np.clip(self.share_of_first(last_of_tie), SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
            weights = np.diff(shares, prepend=0.0)
            self._later.gap_moments = tied_moments(shares, weights)
            self._later.gap_moments_in_noise = tied_moments(shares, weights / (shares * (1.0 - shares)))
        return self._later.gap_moments_in_noise if in_noise else self._later.gap_moments

    def content_id(self) -> str:
        """SHA-256 (hex) of the content: equal for equal rows and missing count, whatever their order."""
        digest = hashlib.sha256(_CONTENT_FORM + b"\0numeric\0")
        digest.update(self.missing_count.to_bytes(8, "little"))
        digest.update(self.values.astype("<f8").tobytes())
        for name, column, form in ((b"strata", self.row_strata, "<i8"), (b"weights", self.weights, "<f8")):
            if column is not None:  # so that a reference with neither keeps the id it always had
                digest.update(b"\0" + name + b"\0" + column.astype(form).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoricalReference:
    """The categories of one feature and how often each occurred.

    Attributes:
        counts: rows per category, in the order of the category's text.
        missing_count: how many values were ``None``.
    """

    counts: dict[str, int]
    missing_count: int

    @classmethod
    def from_values(cls, values: Sequence[str | None]) -> Self:
        """Prepare a reference from raw values; ``None`` means missing. The order of the values does not matter."""
        counts, missing_count = count_categories(values)
        return cls(counts=dict(sorted(counts.items())), missing_count=missing_count)

    @property
    def row_count(self) -> int:
        """How many values are present."""
        return sum(self.counts.values())

    def content_id(self) -> str:
        """SHA-256 (hex) of the content: equal for equal counts and missing count, whatever the order of rows."""
        digest = hashlib.sha256(_CONTENT_FORM + b"\0categorical\0")
        digest.update(self.missing_count.to_bytes(8, "little"))
        for category, count in self.counts.items():
            text = category.encode("utf-8", "surrogatepass")  # a broken text is still a category
            digest.update(len(text).to_bytes(8, "little") + text + count.to_bytes(8, "little"))
        return digest.hexdigest()


def count_in_bins(ascending: Floats, edges: Floats) -> Counts:
    """How many of the ascending values lie in each bin of ``edges`` (right-closed, open-ended outside)."""
    positions = np.searchsorted(ascending, edges, side="right")
    return np.diff(positions, prepend=0, append=ascending.size)


def count_categories(values: Sequence[str | None]) -> tuple[dict[str, int], int]:
    """Rows per category, and how many values are missing."""
    counts: Counter[str | None] = Counter(values)
    missing_count = counts.pop(None, 0)
    return {category: count for category, count in counts.items() if category is not None}, missing_count


def _rows_in_bins(ascending: Floats, edges: Floats, weights: Floats | None, shares: Floats | None) -> Floats:
    if weights is None or shares is None:
        return count_in_bins(ascending, edges).astype(np.float64)
    at_edges = shares[np.searchsorted(ascending, edges, side="right")]
    return np.diff(at_edges, prepend=0.0, append=1.0) * _effective(weights)


def _effective(weights: Floats) -> float:
    return 1.0 / float(weights @ weights)
