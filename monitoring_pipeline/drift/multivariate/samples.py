"""Two tables as one matrix that trees can read, with the rows dealt into folds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.content import distinct_keys
from monitoring_pipeline.drift.multivariate.encode import frequent_categories
from monitoring_pipeline.drift.multivariate.table import (
    Table,
    bounded,
    category_codes,
    content_id,
    row_count,
    row_keys,
    take,
)

SEED = 20130203
MOST_ROWS = 5_000  # of either sample: a second's work, and an area of 0.52 is seen
MOST_REFERENCE_ROWS_PER_WINDOW_ROW = 5  # more make the noise hardly smaller
MOST_CATEGORIES = 50  # of one feature; trees take 255 at most, and rarer ones hold too few rows to learn from


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainReference:
    """What windows are told apart from: some rows of a reference, chosen by content.

    Attributes:
        table: at most 5,000 rows, in the order of their keys: the first of them are a random choice too.
        row_count: how many rows the reference has.
        seed: of the choice of rows, the folds and the shuffling.
    """

    table: Table
    row_count: int
    seed: int
    _content_id: str

    @classmethod
    def fit(cls, table: Table, seed: int = SEED) -> Self:
        """Prepare a reference. The order of its rows does not matter.

        Raises:
            ValueError: if the columns are of different lengths.
        """
        return cls(
            table=_some_rows(table, MOST_ROWS, seed),
            row_count=row_count(table),
            seed=seed,
            _content_id=content_id(table, seed),
        )

    def content_id(self) -> str:
        """SHA-256 (hex) of the whole table and the seed: equal for equal rows, whatever their order."""
        return self._content_id


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The chosen rows of both samples: those of the reference, then those of the window.

    Attributes:
        names: the features that vary, by name.
        categorical: which of them hold codes of categories; the others hold ranks.
        matrix: rows × features, NaN where missing.
        is_window: which rows are the window's.
        folds: the fold of each row; each fold holds the same share of either sample, as near as can be.
    """

    names: tuple[str, ...]
    categorical: tuple[bool, ...]
    matrix: Floats
    is_window: NDArray[np.bool_]
    folds: NDArray[np.intp]

    @classmethod
    def choose(cls, reference: DomainReference, window: Table, *, fold_count: int) -> Self:
        """Choose rows by content, so that their order does not matter; the window has the reference's features."""
        n_window = min(row_count(window), MOST_ROWS)
        n_reference = min(row_count(reference.table), MOST_REFERENCE_ROWS_PER_WINDOW_ROW * n_window)
        # Another seed for either sample: else rows that both hold would be chosen together.
        chosen = take(reference.table, np.arange(n_reference)), _some_rows(window, n_window, reference.seed + 1)
        columns = {name: _tree_column(chosen[0], chosen[1], name) for name in sorted(reference.table)}
        names = [name for name, (_, column) in columns.items() if np.unique(column).size > 1]
        matrix = np.empty((n_reference + n_window, len(names)))
        for position, name in enumerate(names):
            matrix[:, position] = columns[name][1]
        return cls(
            names=tuple(names),
            categorical=tuple(columns[name][0] for name in names),
            matrix=matrix,
            is_window=np.arange(n_reference + n_window) >= n_reference,
            folds=np.concatenate([np.arange(n_reference) % fold_count, np.arange(n_window) % fold_count]),
        )

    @property
    def n_window(self) -> int:
        """How many of the window's rows were chosen."""
        return int(np.count_nonzero(self.is_window))

    @property
    def n_reference(self) -> int:
        """How many of the reference's rows were chosen."""
        return self.is_window.size - self.n_window


def _some_rows(table: Table, count: int, seed: int) -> Table:
    return take(table, np.argsort(distinct_keys(row_keys(table), seed), kind="stable")[:count])


def _tree_column(reference: Table, window: Table, name: str) -> tuple[bool, Floats]:
    """Whether the column is categorical, and its codes or ranks over both samples together."""
    first, second = reference[name], window[name]
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return False, _ranks(np.concatenate([bounded(first), bounded(second)]))
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        raise ValueError(f"feature {name!r} holds numbers in one sample and categories in the other")
    return True, _codes([*first, *second])


def _ranks(values: Floats) -> Floats:
    """Trees see the order alone; ranks have no huge distances to split in half."""
    present = ~np.isnan(values)
    ranks = np.full(values.size, np.nan)
    ranks[present] = np.unique(values[present], return_inverse=True)[1]
    return ranks


def _codes(categories: Sequence[str | None]) -> Floats:
    frequent = frequent_categories(Counter(categories), MOST_CATEGORIES)
    codes = category_codes(categories, frequent).astype(np.float64)
    return np.where(codes > len(frequent), np.nan, codes)
