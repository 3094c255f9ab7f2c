"""From columns of features to the matrix that a loss is learned from.

Numbers stay as they are, without infinities. Categories become their rank in the history, by frequency; a rare or
new one counts as missing, since nothing was learned of it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.performance.rows.columns import floats
from monitoring_pipeline.performance.rows.grouping import Floats

MOST_CATEGORIES = 200  # scikit-learn's trees take up to 255
LARGEST = 1e100  # the trees halve sums of neighbours, which must not overflow

Column = Floats | Sequence[str | None]
"""Numbers with NaN where missing, or category names with None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """The columns in order, and each category's code; ``None`` for a column of numbers."""

    codes: Mapping[str, Mapping[str, int] | None]

    @classmethod
    def learn(cls, columns: Mapping[str, Column]) -> Self:
        """From the history's columns."""
        return cls(
            codes={name: None if isinstance(column, np.ndarray) else _codes(column) for name, column in columns.items()}
        )

    @property
    def categorical(self) -> list[bool]:
        """Which columns of the matrix hold codes."""
        return [codes is not None for codes in self.codes.values()]

    def matrix(self, columns: Mapping[str, Column], row_count: int) -> Floats:
        """Rows × columns, NaN where missing; a column that is not there is missing in all rows.

        >>> encoding = Encoding.learn({"carrier": ["UA", "DL", "UA"]})
        >>> encoding.matrix({"carrier": ["DL", "XX"]}, 2).tolist()
        [[1.0], [nan]]
        """
        encoded = np.full((row_count, len(self.codes)), np.nan)
        for index, (name, codes) in enumerate(self.codes.items()):
            if name in columns:
                encoded[:, index] = _encoded(columns[name], codes)
        return encoded


def _codes(column: Sequence[str | None]) -> Mapping[str, int]:
    counted = Counter(value for value in column if value is not None)
    frequent = sorted(counted, key=lambda value: (-counted[value], value))[:MOST_CATEGORIES]
    return {value: code for code, value in enumerate(frequent)}


def _encoded(column: Column, codes: Mapping[str, int] | None) -> Floats:
    if codes is not None:
        names = column.tolist() if isinstance(column, np.ndarray) else column
        return floats([math.nan if name is None else codes.get(str(name), math.nan) for name in names])
    if not isinstance(column, np.ndarray):
        return np.full(len(column), np.nan)
    return np.where(np.isfinite(column), np.clip(column, -LARGEST, LARGEST), np.nan)
