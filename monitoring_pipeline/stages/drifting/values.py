"""From a column of hour files or a reference file to the values that are compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.events.quarantine import Rejected
from monitoring_pipeline.events.validation.instants import parse_instant
from monitoring_pipeline.stages.rows.columns import texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A column of categories.

    Attributes:
        codes: the category of each row as an index of ``names``; -1 is missing.
        names: the categories that occur, ascending.
    """

    codes: Counts
    names: tuple[str, ...]


def column_of(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column; all missing where the hours were logged before anybody declared it."""
    return table[name] if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column's values as numbers, NaN where missing.

    Hours that were logged while the feature was declared as something else hold text; what does not parse as a
    number is missing there, as it would be in an hour that is logged now.
    """
    if not _holds_texts(column.type):
        return np.asarray(as_numbers(column).to_numpy(), dtype=np.float64)
    return np.array([_number(text) for text in column.to_pylist()], dtype=np.float64)


def as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as doubles, integers beyond 2^53 as the nearest one, as events are read.

    Raises:
        pa.ArrowException: if it holds anything but numbers.
    """
    return column.cast(pa.float64(), safe=False)


def categories(column: pa.ChunkedArray, *, boolean: bool = False) -> Categories:
    """A column's categories by name, the same whatever type a file gave them."""
    dictionary = column.combine_chunks().dictionary_encode()
    found = texts(pa.chunked_array([dictionary.dictionary]), boolean=boolean)
    indices = dictionary.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
    occurring = {found[index] for index in np.unique(indices[indices < len(found)]).tolist()}
    names = tuple(sorted(name for name in occurring if name is not None))
    place = {name: index for index, name in enumerate(names)}
    # Values that are written differently may be one category: 1 and true.
    code_of = np.array([*(-1 if name is None else place.get(name, -1) for name in found), -1], dtype=np.int64)
    return Categories(codes=code_of[indices], names=names)


def encoded(values: Sequence[str | None]) -> tuple[Counts, tuple[str, ...]]:
    """Categories by number, and their names."""
    found = categories(pa.chunked_array([pa.array(values, type=pa.string())]))
    return found.codes, found.names


def instants(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column's instants in microseconds since 1970 UTC, NaN where missing or not an instant."""
    if pa.types.is_timestamp(column.type):
        return np.asarray(as_numbers(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())).to_numpy())
    if not _holds_texts(column.type):
        return numbers(column)
    return np.array([_instant(text) for text in column.to_pylist()], dtype=np.float64)


def vectors(column: pa.ChunkedArray) -> list[object]:
    """A column's vectors: lists, or the JSON texts of lists; what is neither is missing."""
    if not holds_vectors(column.type):
        return [None] * len(column)
    return [_vector(value) if isinstance(value, str) else value for value in column.to_pylist()]


def holds_vectors(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold vectors, or nothing but missing ones."""
    of_lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(of_lists or _holds_texts(kind) or pa.types.is_null(kind))


def _holds_texts(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))  # pandas writes the latter


def _vector(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _instant(text: str | None) -> float:
    try:
        return math.nan if text is None else float(parse_instant(text, field="feature"))
    except Rejected:
        return math.nan


def _number(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan
