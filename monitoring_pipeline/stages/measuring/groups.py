"""Which group a row belongs to: window × version × environment × segment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.stages.rows.columns import SEGMENT_PREFIX

ALL = "all"
NO_VALUE = "(none)"

PERFORMANCE = "performance"
"""The family of the sums that judge predictions by their truth; see :mod:`.families` for the others."""

# Group codes have 64 bits; before they run out, the combinations that do not occur are numbered away.
_MOST_CODES = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """What a row of results is about, beside its model."""

    window_start: int
    model_version: str
    environment: str
    segment: str
    family: str = PERFORMANCE

    @classmethod
    def of(cls, row: Any) -> Self:
        """The group that a result row with these columns is about."""
        return cls(
            window_start=row.window_start,
            model_version=row.model_version,
            environment=row.environment,
            segment=row.segment,
            family=getattr(row, "family", PERFORMANCE),
        )

    def within(self, window_start: int) -> Self:
        """The same group in another window."""
        return replace(self, window_start=window_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Rows numbered by group.

    Args:
        codes: the group of each row, 0 … len(keys) − 1.
        keys: what each group is, sorted.
    """

    codes: npt.NDArray[np.int64]
    keys: list[GroupKey]


def group_rows(table: pa.Table, window_starts: npt.NDArray[np.int64], *, segment_columns: Sequence[str] = ()) -> Groups:
    """Number the rows by window, version, environment and, if given, the combined values of segment columns.

    Args:
        table: has ``model_version`` and ``environment`` and the segment columns (``s.<name>``).
        window_starts: each row's window.
        segment_columns: the fields of one split; none for whole models (segment ``all``).
    """
    windows, combined = np.unique(window_starts, return_inverse=True)
    columns = [_factorize(table[name]) for name in ("model_version", "environment", *segment_columns)]
    span = len(windows)
    for values, codes in columns:
        if span * len(values) > _MOST_CODES:
            present, combined = np.unique(combined, return_inverse=True)
            span = len(present)
        combined = combined * len(values) + codes
        span *= len(values)
    _, first_rows, numbers = np.unique(combined, return_index=True, return_inverse=True)
    fields = [name.removeprefix(SEGMENT_PREFIX) for name in segment_columns]
    keys = []
    for row in first_rows.tolist():
        version, environment, *found = (values[codes[row]] for values, codes in columns)
        keys.append(
            GroupKey(
                window_start=int(window_starts[row]),
                model_version=version,
                environment=environment,
                segment=segment_name(fields, found),
            )
        )
    return Groups(codes=numbers.astype(np.int64), keys=keys)


def segment_name(fields: Sequence[str], values: Sequence[str]) -> str:
    """What results call a segment: ``carrier=UA``, or ``carrier & origin=UA & JFK`` for a combination.

    The fields come first and cannot hold an equals sign or an ampersand between spaces, so what is before the first
    equals sign tells by what a segment splits, whatever its values are, and a rule for ``carrier=*`` does not speak
    of combinations. An ampersand in a value of a combination is doubled, so that no two segments have one name.

    >>> segment_name(["carrier", "origin"], ["UA", "J&K"])
    'carrier & origin=UA & J&&K'
    """
    if not fields:
        return ALL
    written = values if len(values) == 1 else [value.replace("&", "&&") for value in values]
    return f"{split_name(fields)}={' & '.join(written)}"


def split_name(fields: Sequence[str]) -> str:
    """What a split by these fields is called; the names of its segments begin with this and an equals sign."""
    return " & ".join(fields)


def split_of(segment: str) -> str:
    """The name of the split that a segment belongs to; ``all`` for whole models.

    >>> split_of("carrier & origin=UA & a=b")
    'carrier & origin'
    """
    return segment.split("=", 1)[0]


def _factorize(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Sorted distinct values and each row's index into them; a missing value counts as ``(none)``."""
    encoded = column.combine_chunks().dictionary_encode()
    names = [*encoded.dictionary.to_pylist(), NO_VALUE]
    # A value may itself be written "(none)": it is then the same group, not one that hides the other.
    distinct = sorted(set(names))
    position = {name: index for index, name in enumerate(distinct)}
    rank = np.array([position[name] for name in names], dtype=np.int64)
    indices = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    return distinct, rank[indices]
