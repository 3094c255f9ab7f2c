"""What errors are like while nothing has changed: the level that detectors read a day's rows against."""

from dataclasses import dataclass
from functools import lru_cache

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.stages.drifting.truth.outcomes import outcomes_of
from monitoring_pipeline.stages.drifting.truth.reference import LabelledReference

_WARM_UP_ROWS = 1000
"""The last rows of the reference that detectors without a memory of it read first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedStream:
    """What errors were like in the reference.

    Attributes:
        baseline: their level and spread; ``None`` without labelled rows.
        last: the reference's last errors, in the order of time.
        row_count: labelled rows of the reference.
        reference_id: hash of its errors.
    """

    baseline: Baseline | None
    last: Floats
    row_count: int
    reference_id: str


@lru_cache(maxsize=16)
def prepared_stream(reference: LabelledReference, task: Task, threshold: float) -> PreparedStream | None:
    """Learn the level of a reference's errors once; ``None`` for a task whose rows have no error of their own."""
    outcomes = outcomes_of(task)
    if outcomes.errors is None:
        return None
    misses = outcomes.misses(reference.rows.table, threshold)
    return PreparedStream(
        baseline=Baseline.from_values(misses, binary=outcomes.binary) if misses.size else None,
        last=misses[-_WARM_UP_ROWS:],
        row_count=misses.size,
        reference_id=NumericReference.from_values(misses).content_id(),
    )
