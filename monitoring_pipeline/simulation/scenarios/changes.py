"""Small changes of columns that several scenarios make."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile


def replaced(columns: Columns, name: str, column: NDArray[Any]) -> Columns:
    """The columns with one of them changed."""
    return {**columns, name: column}


def shifted(column: NDArray[Any], profile: FeatureProfile, *, size: float, rng: np.random.Generator) -> NDArray[Any]:
    """The column moved by ``size`` standard deviations.

    Where it is not numeric, a quarter of ``size`` is the share of rows that take the most seldom value instead.
    """
    if profile.kind is FeatureType.NUMERIC:
        with np.errstate(over="ignore"):  # what moves beyond the largest double is infinite, and logged as missing
            return column + size * profile.scale
    moved = rng.random(column.size) < min(abs(size) / 4, 1.0)
    result = column.copy()
    result[moved] = profile.values[-1]
    return result
