"""Columns that a program hands in (arrays, lists, a pandas frame) as a table."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pyarrow as pa

from monitoring_pipeline.errors import MonitorError


class Columns(Protocol):
    """Columns by name: a dict, or a pandas frame."""

    def keys(self) -> Iterable[Any]:
        """The names."""
        ...

    def __getitem__(self, name: Any, /) -> Any:
        """One column."""
        ...


def table_of(columns: Columns) -> pa.Table:
    """The columns as an Arrow table; a matrix (rows × dimensions) is a column of vectors.

    Raises:
        MonitorError: if a column cannot be read, or they are of different lengths. No value is quoted.

    >>> table_of({"distance": [1.0, 2.0], "carrier": ["AA", None]}).num_rows
    2
    """
    arrays = {str(name): _array(str(name), columns[name]) for name in columns.keys()}  # noqa: SIM118  (a protocol)
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise MonitorError(f"the columns of the reference need one value per row; their lengths are {found}")
    return pa.table(arrays)


def _rows(values: Any) -> Sequence[Any]:
    if getattr(values, "ndim", 1) > 1:
        return list(values)
    if getattr(getattr(values, "dtype", None), "tz", None) is not None and hasattr(values, "dt"):
        # UTC, as instants without a zone are read: pyarrow asks pandas for them in a way that it warns of.
        return values.dt.tz_convert(None)  # type: ignore[no-any-return]  # pandas is not imported for a type
    return values  # type: ignore[no-any-return]  # whatever it is, pyarrow says whether it is a sequence


def _array(name: str, values: Any) -> pa.Array:
    try:
        return pa.array(_rows(values))
    except (pa.ArrowException, TypeError, ValueError):
        # The exception would quote a value.
        raise MonitorError(
            f"column {name} of the reference cannot be read: it must be a sequence of values of one type"
        ) from None
