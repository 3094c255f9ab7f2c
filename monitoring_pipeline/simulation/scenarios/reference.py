"""The healthy stretch before monitoring starts: the reference for drift, and what the rules' bounds come from."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitoring_pipeline.config.models import FeatureType, Task
from monitoring_pipeline.simulation.scenarios.columns import Floats
from monitoring_pipeline.simulation.scenarios.events import SAYS_YES, instants
from monitoring_pipeline.simulation.scenarios.hour import HOURS_PER_DAY
from monitoring_pipeline.simulation.scenarios.rows import HourRows, World

OTHER_COLUMNS = frozenset({"predicted_at", "predicted_value", "prediction_proba", "confidence", "actual_value"})
"""What a reference holds beside the inputs: when, what the model said, and the truth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HealthyStretch:
    """The hours of the reference, the oldest first, and the numbers of the first of them."""

    first_hour: int
    hours: tuple[HourRows, ...]

    def column(self, name: str) -> Floats:
        """One of the numeric columns beside the features, over all hours."""
        return np.concatenate([getattr(rows, name) for rows in self.hours])

    @property
    def rows_per_day(self) -> float:
        """Mean predictions in a day."""
        return HOURS_PER_DAY * float(np.mean([rows.seconds.size for rows in self.hours]))

    @property
    def quietest_hour_rows(self) -> int:
        """Predictions in the hour that had the fewest."""
        return min(rows.seconds.size for rows in self.hours)

    def losses(self, task: Task) -> Floats:
        """What each row costs: its log loss, or its absolute error."""
        score, actual = self.column("score"), self.column("actual")
        if task is not Task.BINARY:
            return np.abs(score - actual)
        losses: Floats = -np.log(np.where(actual == 1.0, score, 1.0 - score))
        return losses


def healthy_stretch(world: World) -> HealthyStretch:
    """The days before hour 0."""
    first = -world.scenario.reference_days * HOURS_PER_DAY
    return HealthyStretch(first_hour=first, hours=tuple(world.rows(index) for index in range(first, 0)))


def write_reference(world: World, stretch: HealthyStretch, path: Path) -> None:
    """Write the features as Parquet, one column each, and beside them the :data:`OTHER_COLUMNS`."""
    features = {
        name: pa.array(
            _values(np.concatenate([rows.features[name] for rows in stretch.hours])), type=_arrow_type(profile.kind)
        )
        for name, profile in world.profiles.items()
    }
    made = np.concatenate([instants(rows, stretch.first_hour + i) for i, rows in enumerate(stretch.hours)])
    score, binary = stretch.column("score"), world.scenario.task is Task.BINARY
    other = {
        "predicted_at": pa.array(made, type=pa.timestamp("us", tz="UTC")),
        "predicted_value": pa.array((score >= SAYS_YES).astype(np.float64) if binary else score),
        **({"prediction_proba": pa.array(score)} if binary else {}),
        "confidence": pa.array(stretch.column("confidence")),
        "actual_value": pa.array(stretch.column("actual")),
    }
    pq.write_table(pa.table({**other, **features}), path)


def _values(column: NDArray[Any]) -> list[Any]:
    return [None if isinstance(value, float) and math.isnan(value) else value for value in column.tolist()]


def _arrow_type(kind: FeatureType) -> Any:
    return {FeatureType.NUMERIC: pa.float64(), FeatureType.BOOLEAN: pa.bool_()}.get(kind, pa.string())
