"""A table as a matrix in which every feature weighs about the same."""

from collections import Counter
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.scaling import Scaling
from monitoring_pipeline.drift.multivariate.table import Column, Table, bounded, category_codes, row_count

MOST_CATEGORIES = 20
"""Of one feature; the rest are counted together as others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoding:
    """How each feature becomes columns, learned from a reference.

    A number becomes its deviation from the median in robust standard deviations, within ±5, and, where the reference
    has both, whether it is missing. A category becomes one column per frequent category, one for all others and one
    for missing: whether the row has it, less its share in the reference; together they have a variance of 1.

    It cannot see: which of the rare categories a row has; how far beyond five deviations a number lies.

    Attributes:
        features: the encoded features, by name.
    """

    features: "dict[str, _Number | _Category]"

    @classmethod
    def fit(cls, table: Table) -> Self:
        """Learn from a table with at least one row.

        >>> encoding = Encoding.fit({"delay": np.array([1.0, 2.0, 3.0]), "carrier": ["AA", "UA", None]})
        >>> encoding.encode({"delay": np.array([np.nan, 9e9]), "carrier": ["AA", "new"]}).round(2).tolist()
        [[0.82, -0.41, 0.0, -0.41, 0.0], [-0.41, -0.41, 1.22, -0.41, 5.0]]
        """
        return cls(features={name: _learn(table[name]) for name in sorted(table)})

    def encode(self, table: Table) -> Floats:
        """Rows × columns, finite.

        Raises:
            ValueError: if the table lacks a feature of the reference, or holds it in the other kind.
        """
        if lacking := sorted(self.features.keys() - table.keys()):
            raise ValueError(f"the table lacks the features {lacking}; give a column of missing values instead")
        columns = [feature.encode(name, table[name]) for name, feature in self.features.items()]
        return np.concatenate([np.empty((row_count(table), 0)), *columns], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Number:
    scaling: Scaling
    missing_share: float

    def encode(self, name: str, column: Column) -> Floats:
        if not isinstance(column, np.ndarray):
            raise ValueError(f"feature {name!r} holds numbers in the reference, but categories here")
        scaled = self.scaling.apply(bounded(column)[:, None])
        if not 0 < self.missing_share < 1:
            return scaled
        spread = (self.missing_share * (1.0 - self.missing_share)) ** 0.5
        return np.concatenate([scaled, (np.isnan(column)[:, None] - self.missing_share) / spread], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Category:
    frequent: tuple[str, ...]
    shares: Floats

    def encode(self, name: str, column: Column) -> Floats:
        if isinstance(column, np.ndarray):
            raise ValueError(f"feature {name!r} holds categories in the reference, but numbers here")
        has = category_codes(column, self.frequent)[:, None] == np.arange(self.shares.size)
        spread = float(np.sum(self.shares * (1.0 - self.shares))) ** 0.5
        encoded: Floats = (has - self.shares) / (spread or 1.0)
        return encoded


def _learn(column: Column) -> _Number | _Category:
    if isinstance(column, np.ndarray):
        values = bounded(column)
        return _Number(scaling=Scaling.fit(values[:, None]), missing_share=float(np.isnan(values).mean()))
    frequent = frequent_categories(Counter(column), MOST_CATEGORIES)
    codes = category_codes(column, frequent)
    return _Category(frequent=frequent, shares=np.bincount(codes, minlength=len(frequent) + 2) / codes.size)


def frequent_categories(counts: Counter[str | None], most: int) -> tuple[str, ...]:
    """The most frequent categories, of equally frequent ones the first by name."""
    present = [category for category in counts if category is not None]
    return tuple(sorted(present, key=lambda category: (-counts[category], category))[:most])
