"""An hour's rows as the events that a producer would send."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.simulation.scenarios.rows import HourRows
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS, isoformat, to_micros

MONITORING_START = to_micros(datetime(2025, 3, 3, tzinfo=UTC))  # a Monday in the past: the future has no partitions
MODEL_ID = "simulated"
MODEL_VERSION = "1"

PREDICTION_LATENESS_MICROS = SECOND_MICROS  # from the prediction until the monitor knows it
SAYS_YES = 0.5  # the default threshold of a model

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualEvent:
    """A truth, and when it is known (microseconds UTC)."""

    known_at: int
    event: Event


def hour_start(index: int) -> int:
    """The start of the hour of that number, microseconds UTC."""
    return MONITORING_START + index * HOUR_MICROS


def instants(rows: HourRows, index: int) -> NDArray[np.int64]:
    """When each row was predicted, microseconds UTC, ascending."""
    made: NDArray[np.int64] = hour_start(index) + (rows.seconds * SECOND_MICROS).astype(np.int64)
    return made


def prediction_events(rows: HourRows, index: int, task: Task) -> Iterator[Event]:
    """The predictions of an hour in their order."""
    binary = task is Task.BINARY
    features = {name: _plain(column) for name, column in rows.features.items()}
    made = instants(rows, index).tolist()
    for i, (at, score, confidence, latency) in enumerate(
        zip(made, rows.score.tolist(), rows.confidence.tolist(), rows.latency_ms.tolist(), strict=True)
    ):
        said = {"predicted_value": int(score >= SAYS_YES), "prediction_proba": score} if binary else {}
        yield {
            "timestamp": isoformat(at),
            "model_id": MODEL_ID,
            "prediction_id": _prediction_id(index, i),
            "model_version": MODEL_VERSION,
            "features": {name: column[i] for name, column in features.items()},
            "predicted_value": score,
            **said,
            "confidence": confidence,
            "latency_ms": round(latency, 1),
            "received_at": isoformat(at + PREDICTION_LATENESS_MICROS),
        }


def actual_events(rows: HourRows, index: int, task: Task) -> Iterator[ActualEvent]:
    """The truth of an hour's predictions, where it ever comes, in the order of the predictions."""
    made, delays = instants(rows, index).tolist(), rows.label_delay_hours.tolist()
    for i, (at, delay, actual) in enumerate(zip(made, delays, rows.actual.tolist(), strict=True)):
        if not math.isnan(delay):
            known_at = at + PREDICTION_LATENESS_MICROS + round(delay * HOUR_MICROS)
            event = {
                "timestamp": isoformat(known_at),
                "model_id": MODEL_ID,
                "prediction_id": _prediction_id(index, i),
                "actual_value": int(actual) if task is Task.BINARY else actual,
                "received_at": isoformat(known_at),
            }
            yield ActualEvent(known_at=known_at, event=event)


def _prediction_id(index: int, row: int) -> str:
    return f"{index:05}-{row:05}"


def _plain(column: NDArray[Any]) -> list[Any]:
    """As JSON takes it: a missing number is null."""
    if column.dtype.kind != "f":
        return list(column.tolist())
    return [value if np.isfinite(value) else None for value in column.tolist()]
