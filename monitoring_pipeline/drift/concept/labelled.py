"""Labelled rows: the inputs of each, and by how much the model missed."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats

# The trees hold inputs as 32-bit numbers, and add them up: sums must stay below 3e38.
LARGEST_INPUT = 1e30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledRows:
    """Rows whose truth is known.

    Attributes:
        inputs: rows × columns: features as numbers or codes, NaN where missing, and the model's own prediction.
        errors: one per row, finite: signed error, absolute or squared error, log-loss, or 1 for a wrong class.
    """

    inputs: Floats
    errors: Floats

    @classmethod
    def from_arrays(cls, inputs: Floats, errors: Floats) -> Self:
        """Leave out rows without an error (NaN); infinite ones count as ±9e307, inputs beyond ±1e30 as that.

        Signed errors tell most: a model that overshoots where it used to undershoot has the same absolute error.

        Raises:
            ValueError: if the inputs are not one row of columns per error.

        >>> LabelledRows.from_arrays(np.ones((2, 1)), np.array([0.5, np.nan])).errors.tolist()
        [0.5]
        """
        if inputs.ndim != 2 or inputs.shape[0] != errors.size:
            raise ValueError(f"inputs have shape {inputs.shape}; they need one row of columns per error: {errors.size}")
        present = ~np.isnan(errors)
        return cls(
            inputs=np.clip(inputs[present], -LARGEST_INPUT, LARGEST_INPUT),
            errors=np.clip(errors[present], -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE),
        )

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return int(self.errors.size)
