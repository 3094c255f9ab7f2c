"""Which group a row belongs to: window × version × environment × segment value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.stages.columns import SEGMENT_PREFIX

ALL = "all"
NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """What a row of results is about, beside its model."""

    window_start: int
    model_version: str
    environment: str
    segment: str

    @classmethod
    def of(cls, row: Any) -> Self:
        """The group that a result row with these columns is about."""
        return cls(
            window_start=row.window_start,
            model_version=row.model_version,
            environment=row.environment,
            segment=row.segment,
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


def group_rows(table: pa.Table, window_starts: npt.NDArray[np.int64], *, segment_column: str | None = None) -> Groups:
    """Number the rows by window, version, environment and, if given, the values of one segment column.

    Args:
        table: has ``model_version`` and ``environment`` and the segment column (``s.<name>``).
        window_starts: each row's window.
        segment_column: ``None`` for whole models (segment ``all``).
    """
    names = ["model_version", "environment", *([segment_column] if segment_column else [])]
    windows, combined = np.unique(window_starts, return_inverse=True)
    levels: list[list[str]] = []
    for name in names:
        values, codes = _factorize(table[name])
        levels.append(values)
        combined = combined * len(values) + codes
    present, codes = np.unique(combined, return_inverse=True)
    keys = [_key(int(code), windows, levels, segment_column) for code in present]
    return Groups(codes=codes.astype(np.int64), keys=keys)


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


def _key(
    code: int, windows: npt.NDArray[np.int64], levels: Sequence[list[str]], segment_column: str | None
) -> GroupKey:
    values: list[str] = []
    for level in reversed(levels):
        code, index = divmod(code, len(level))
        values.append(level[index])
    values.reverse()
    segment = f"{segment_column.removeprefix(SEGMENT_PREFIX)}={values[2]}" if segment_column else ALL
    return GroupKey(window_start=int(windows[code]), model_version=values[0], environment=values[1], segment=segment)
