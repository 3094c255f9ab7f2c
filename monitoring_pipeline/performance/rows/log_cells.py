"""Logarithmic histograms of many groups at once."""

import numpy as np

from monitoring_pipeline.performance.mergeable.log_histogram import (
    CELLS_PER_OCTAVE,
    INFINITE_CELL,
    OCTAVE_EDGES,
    LogHistogram,
)
from monitoring_pipeline.performance.rows.grouping import Floats, Grouping, Integers

_EDGES = np.array(OCTAVE_EDGES)


def log_histograms(grouping: Grouping, values: Floats) -> list[LogHistogram]:
    """Each group's histogram.

    Args:
        grouping: of the rows.
        values: each row's value, in the order of the grouping: at least 0; +inf stands for what is beyond the doubles.

    Raises:
        ValueError: if a value is negative or NaN.
    """
    if not np.all(values >= 0):
        raise ValueError("a logarithmic histogram counts values of at least 0")
    above = values > 0
    zeros, cells = grouping.only(~above).counts(), grouping.only(above).cells(log_cells(values[above]))
    return [LogHistogram(zero_count=zero, cells=found) for zero, found in zip(zeros, cells, strict=True)]


def log_cells(values: Floats) -> Integers:
    """Each value's cell.

    Args:
        values: above 0; +inf stands for what is beyond the doubles.
    """
    mantissa, exponent = np.frexp(values)  # exact, also for subnormal values
    step = np.searchsorted(_EDGES, mantissa, side="right") - 1
    cells: Integers = np.where(np.isinf(values), INFINITE_CELL, exponent * np.int64(CELLS_PER_OCTAVE) + step)
    return cells
