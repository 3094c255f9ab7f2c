"""Whatever a feature holds in place of a vector, as rows of numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats


def numbers_of(vector: object) -> Floats | None:
    """The vector as an array; ``None`` if it is none or holds anything but finite numbers."""
    if isinstance(vector, np.ndarray):
        if vector.ndim != 1 or vector.dtype.kind not in "fiu":
            return None
    elif not isinstance(vector, list | tuple) or not all(map(_is_number, set(map(type, vector)))):
        return None
    try:
        numbers = np.asarray(vector, dtype=np.float64)
    except OverflowError:  # an integer beyond all doubles
        return None
    if not np.isfinite(numbers).all():
        return None
    return np.clip(numbers, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE) + 0.0


def _is_number(kind: type) -> bool:
    return issubclass(kind, int | float | np.integer | np.floating) and kind is not bool


def commonest_length(vectors: Iterable[Floats | None]) -> int:
    """The length that most vectors have, of equally common ones the shortest; 0 without a vector."""
    lengths = Counter(vector.size for vector in vectors if vector is not None)
    return min(lengths, key=lambda length: (-lengths[length], length), default=0)


def as_matrix(vectors: Sequence[Floats | None], dimension: int) -> Floats:
    """One row per vector, of NaN where it is missing or of another length."""
    missing = np.full(dimension, np.nan)
    rows = [missing if vector is None or vector.size != dimension else vector for vector in vectors]
    return np.array(rows, dtype=np.float64).reshape(len(vectors), dimension)
