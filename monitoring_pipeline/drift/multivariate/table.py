"""A table of inputs: named columns of numbers and categories, one value per row."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats
from monitoring_pipeline.drift.derived.content import Keys, Rows, joined_keys, number_keys, text_hashes, text_keys

Column = NDArray[np.float64] | Sequence[str | None]
"""An array of numbers, NaN where missing; or categories, ``None`` where missing."""

Table = Mapping[str, Column]


def row_count(table: Table) -> int:
    """How many rows the table has.

    Raises:
        ValueError: if its columns are of different lengths.
    """
    counts = {name: len(column) for name, column in table.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the columns of a table need one value per row; these have {counts}")
    return next(iter(counts.values()), 0)


def bounded(numbers: Floats) -> Floats:
    """The numbers with ±infinity counted as ±9e307, and one zero."""
    clipped: Floats = np.clip(numbers.astype(np.float64), -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE) + 0.0
    return clipped


def take(table: Table, rows: Rows) -> dict[str, Column]:
    """These rows, in this order."""
    return {
        name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
        for name, column in table.items()
    }


def row_keys(table: Table) -> Keys:
    """A hash per row: equal for equal rows, whatever the order of rows and columns."""
    return joined_keys((_column_keys(table[name]) for name in sorted(table)), row_count(table))


def content_id(table: Table, seed: int) -> str:
    """SHA-256 (hex) of the table and the seed: equal for equal rows, whatever their order."""
    ordered = take(table, np.argsort(row_keys(table), kind="stable"))
    digest = hashlib.sha256(f"drift-reference-1\0table\0{seed}\0{row_count(table)}\0".encode())
    for name in sorted(ordered):
        digest.update(b"".join(text_hashes([name])) + _column_bytes(ordered[name]))
    return digest.hexdigest()


def category_codes(categories: Sequence[str | None], known: Sequence[str]) -> NDArray[np.intp]:
    """The position of each category in ``known``; behind it first all others, then the missing ones."""
    codes: dict[str | None, int] = {category: code for code, category in enumerate(known)}
    codes[None] = len(known) + 1
    other = len(known)
    return np.array([codes.get(category, other) for category in categories], dtype=np.intp)


def _column_keys(column: Column) -> Keys:
    if isinstance(column, np.ndarray):
        return number_keys(bounded(column))
    categories = sorted({category for category in column if category is not None})
    keys = text_keys(text_hashes([*categories, "", None]))
    return keys[category_codes(column, categories)]


def _column_bytes(column: Column) -> bytes:
    if not isinstance(column, np.ndarray):
        return b"category" + b"".join(text_hashes(column))
    values = bounded(column)
    return b"number" + np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
