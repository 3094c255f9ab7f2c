"""What a feature is compared with: prepared once, then used for every window.

A reference is immutable and carries an id made from its content, so a result can say for ever what it was
measured against, and a new reference never rewrites the results of an old one.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Counts, Floats, present_sorted

BIN_COUNT = 10  # deciles: the binning PSI is traditionally read on

# Part of every content id: a change of the canonical form must not pass for the same reference.
_CONTENT_FORM = b"drift-reference-1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumericReference:
    """The values of one numeric feature, with everything derived from them that does not depend on a window.

    Attributes:
        values: present values, ascending; beyond ±9e307 they are counted as ±9e307 so that differences stay finite.
        missing_count: how many values were NaN.
        std: population standard deviation, in the feature's unit; 0 if and only if no two values differ.
        edges: inner bin edges, ascending and distinct; bin i holds ``edges[i-1] < x <= edges[i]``. They are the
            reference's deciles without repetition, so ties make fewer bins, and no bin is empty in the reference.
        bin_counts: reference values per bin, ``len(edges) + 1`` of them.
        scaled_sums: prefix sums of the scaled values ``(x - median) / std``, starting with 0; just that for a constant.
        scaled_moments: means of the scaled values, their squares and their cubes; zeros for a constant.
        noise_width: the integral of ``sqrt(F (1 - F))`` over x, in standard deviations (see :mod:`.wasserstein`).
    """

    values: Floats
    missing_count: int
    std: float
    edges: Floats
    bin_counts: Counts
    scaled_sums: Floats
    scaled_moments: tuple[float, float, float]
    noise_width: float

    @classmethod
    def from_values(cls, values: NDArray[np.float64]) -> Self:
        """Prepare a reference from raw values; NaN means missing. The order of the values does not matter."""
        present = present_sorted(values)
        edges = _decile_edges(present)
        std = _standard_deviation(present)
        scaled = (present - present[present.size // 2]) / std if std > 0 else np.empty(0)
        return cls(
            values=present,
            missing_count=values.size - present.size,
            std=std,
            edges=edges,
            bin_counts=count_in_bins(present, edges),
            scaled_sums=np.concatenate(([0.0], np.cumsum(scaled))),
            scaled_moments=_raw_moments(scaled),
            noise_width=_noise_width(scaled),
        )

    @property
    def median(self) -> float:
        """The upper median of the present values: a value that occurs, never a mean of two."""
        return float(self.values[self.values.size // 2])

    def content_id(self) -> str:
        """SHA-256 (hex) of the content: equal for equal values and missing count, whatever their order."""
        digest = hashlib.sha256(_CONTENT_FORM + b"\0numeric\0")
        digest.update(self.missing_count.to_bytes(8, "little"))
        digest.update(self.values.astype("<f8").tobytes())
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


def _decile_edges(ascending: Floats) -> Floats:
    if ascending.size == 0:
        return np.empty(0)
    steps = np.arange(1, BIN_COUNT)
    deciles: Floats = np.unique(ascending[-(-steps * ascending.size // BIN_COUNT) - 1])
    # An edge at the maximum would leave nothing above it: a bin the reference never fills.
    return deciles[: np.searchsorted(deciles, ascending[-1])]


def _standard_deviation(ascending: Floats) -> float:
    """Zero only for a constant, which is recognised by its values and not by a rounded deviation."""
    if ascending.size == 0 or ascending[0] == ascending[-1]:
        return 0.0
    centred = ascending - ascending[ascending.size // 2]
    spread = float(np.max(np.abs(centred)))  # dividing by it keeps the squares finite
    return max(float(np.std(centred / spread)) * spread, float(np.finfo(np.float64).smallest_subnormal))


def _raw_moments(scaled: Floats) -> tuple[float, float, float]:
    if scaled.size == 0:
        return 0.0, 0.0, 0.0
    return float(np.mean(scaled)), float(np.mean(scaled**2)), float(np.mean(scaled**3))


def _noise_width(scaled: Floats) -> float:
    if scaled.size == 0:
        return 0.0
    below = np.arange(1, scaled.size) / scaled.size
    return float(np.sum(np.sqrt(below * (1.0 - below)) * np.diff(scaled)))
