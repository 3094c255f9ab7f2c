"""Both distribution functions at every row of a reference and a window together, without sorting them together."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.reference import NumericReference


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledFunctions:
    """F and G, right-continuous, at the reference's values followed by the window's.

    Attributes:
        difference: window's share at or below the value, less the reference's.
        both: share at or below the value of both samples together, H; above 0.
        weights: share of the value itself in both together; 1 in total.
    """

    difference: Floats
    both: Floats
    weights: Floats

    @classmethod
    def of(cls, reference: NumericReference, window: Floats) -> Self:
        """Evaluate them for an ascending window; neither side may be empty. Time is linear in the rows of both."""
        n, m = window.size, reference.values.size
        part = n / (n + m)
        # The window's function at the reference's values: a step up at the first value not below each row.
        steps = np.searchsorted(reference.values, window, side="left")
        window_at_reference = np.repeat(np.arange(n + 1) / n, np.diff(steps, prepend=0, append=m))
        reference_at_window = reference.share_of_first(np.searchsorted(reference.values, window, side="right"))
        window_at_window = np.searchsorted(window, window, side="right") / n
        of_window = np.concatenate((window_at_reference, window_at_window))
        of_reference = np.concatenate((reference.shares_up_to, reference_at_window))
        each = np.full(m, 1.0 / m) if reference.weights is None else reference.weights
        return cls(
            difference=of_window - of_reference,
            both=part * of_window + (1.0 - part) * of_reference,
            weights=np.concatenate(((1.0 - part) * each, np.full(n, part / n))),
        )
