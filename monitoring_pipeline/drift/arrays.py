"""Array types, and the one way raw numbers become a sample."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Half of the largest double: the difference of two values within it is always finite.
LARGEST_MAGNITUDE = float(np.finfo(np.float64).max) / 2


def present_sorted(values: Floats) -> Floats:
    """The values that are present (not NaN), ascending, within ±``LARGEST_MAGNITUDE``, with one zero."""
    present = np.sort(values)[: values.size - int(np.count_nonzero(np.isnan(values)))]  # NaN sorts last
    # Adding 0.0 turns -0.0 into 0.0: equal numbers must have equal bytes in a content id.
    return np.clip(present, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE) + 0.0
