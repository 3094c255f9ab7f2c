"""The columns of many rows, and what is known of a feature before anything happens to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.config.models import FeatureType

Floats = NDArray[np.float64]
Objects = NDArray[np.object_]

Columns = Mapping[str, NDArray[Any]]
"""By feature: float64 with NaN for missing where it is numeric, else objects (text or bool) with ``None``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProfile:
    """One feature in healthy rows.

    Attributes:
        kind: numeric, categorical or boolean.
        center: the median; 0 where not numeric.
        scale: the standard deviation, 1 where the values do not vary or are not numeric.
        low: the smallest value; 0 where not numeric.
        high: the largest value; 0 where not numeric.
        values: the distinct values from the commonest to the most seldom; empty where numeric.
        has_missing: whether some rows have no value.
    """

    kind: FeatureType
    center: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    values: tuple[Any, ...] = ()
    has_missing: bool = False


def profiles_of(columns: Columns) -> dict[str, FeatureProfile]:
    """The profile of every column; infinite values count as missing.

    >>> profiles_of({"plan": np.array(["b", "a", "b", None], dtype=object)})["plan"].values
    ('b', 'a')
    """
    return {name: _numeric(c) if c.dtype.kind == "f" else _discrete(c) for name, c in columns.items()}


def _numeric(column: Floats) -> FeatureProfile:
    present = column[np.isfinite(column)]
    if not present.size:
        return FeatureProfile(kind=FeatureType.NUMERIC, has_missing=True)
    # Sums and squares of 1e308 overflow: median and deviation are taken of shares of the largest.
    largest = float(np.abs(present).max()) or 1.0
    shares = present / largest
    scale = float(shares.std()) * largest
    return FeatureProfile(
        kind=FeatureType.NUMERIC,
        center=float(np.median(shares)) * largest,
        scale=scale if scale > 0 else 1.0,
        low=float(present.min()),
        high=float(present.max()),
        has_missing=present.size < column.size,
    )


def _discrete(column: Objects) -> FeatureProfile:
    present = [value for value in column.tolist() if value is not None]
    counts: dict[Any, int] = {}
    for value in present:
        counts[value] = counts.get(value, 0) + 1
    boolean = bool(present) and all(isinstance(value, bool) for value in counts)
    return FeatureProfile(
        kind=FeatureType.BOOLEAN if boolean else FeatureType.CATEGORICAL,
        values=tuple(sorted(counts, key=lambda value: (-counts[value], value))),
        has_missing=len(present) < column.size,
    )
