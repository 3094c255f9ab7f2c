"""What every prepared reference does: measure the rows of a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.verdict import DriftCriteria
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowRows:
    """The rows of one look at one group.

    Attributes:
        table: the rows, in the columns of hour files.
        hours: the hour of each row.
        grain: of the windows that references are prepared for.
        window_count: how many such windows they come from.
    """

    table: pa.Table
    hours: Counts
    grain: Grain
    window_count: int

    @property
    def windows(self) -> Counts:
        """The number of each row's window."""
        return self.hours // self.grain.micros


class PreparedReference(Protocol):
    """One subject's reference."""

    @property
    def names(self) -> Sequence[str]:
        """What results call each thing that is compared: one, or several that are derived from one feature."""
        ...

    @property
    def reference_id(self) -> str:
        """The hash of the reference's content."""
        ...

    @property
    def row_count(self) -> int:
        """How many values are present."""
        ...

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window, by name.

        Args:
            rows: the window's rows, at least one.
            criteria: what is measured, and from when on it counts.
            alpha: false-alarm probability of each name, in (0, 1).
        """
        ...
