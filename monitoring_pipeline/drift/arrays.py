"""Array types, and the one way raw numbers become a sample."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Strata = NDArray[np.int64]
Booleans = NDArray[np.bool_]

# Half of the largest double: the difference of two values within it is always finite.
LARGEST_MAGNITUDE = float(np.finfo(np.float64).max) / 2


def finite(number: float) -> float:
    """The number, within ±``LARGEST_MAGNITUDE``."""
    return min(max(number, -LARGEST_MAGNITUDE), LARGEST_MAGNITUDE)


def present_sorted(values: Floats) -> Floats:
    """The values that are present (not NaN), ascending, within ±``LARGEST_MAGNITUDE``, with one zero."""
    present = np.sort(values)[: values.size - int(np.count_nonzero(np.isnan(values)))]  # NaN sorts last
    # Adding 0.0 turns -0.0 into 0.0: equal numbers must have equal bytes in a content id.
    return np.clip(present, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE) + 0.0


def present_sorted_with(values: Floats, strata: Strata) -> tuple[Floats, Strata]:
    """Like :func:`present_sorted`, with each value's stratum; equal values stand in the order of their strata.

    Raises:
        ValueError: if there is not one stratum per value.
    """
    if strata.shape != values.shape:
        raise ValueError(f"there are {strata.size} strata for {values.size} values; give one per value")
    cleaned = np.clip(values, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE) + 0.0
    order = np.lexsort((strata, cleaned))[: values.size - int(np.count_nonzero(np.isnan(values)))]
    return cleaned[order], strata[order].astype(np.int64)
