"""Reading how a model served, a group of rows at a time.

A row costs little to read, but while the database looks for the next one other threads have the interpreter, and a
busy one gives it back after milliseconds: where thousands of rows were read one by one, an answer of 0.2 seconds of
work took eight. So the database packs what it finds, and each group comes in one piece.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Column, ColumnElement, Connection, case, func, select

from monitoring_pipeline.events.tables import predictions

_NOTHING = "nan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Some predictions of one version in one environment, each at the same place of both arrays.

    Attributes:
        model_version: of the model.
        environment: where it ran.
        confidence: 0 … 1; NaN where not logged.
        latency_ms: milliseconds; NaN where not logged.
    """

    model_version: str
    environment: str
    confidence: npt.NDArray[np.float64]
    latency_ms: npt.NDArray[np.float64]


def served_between(connection: Connection, model_id: str, start: int, end: int) -> list[Served]:
    """How a model's predictions of ``[start, end)`` were served, by version and environment."""
    table = predictions.c
    pack = _as_text if connection.dialect.name == "sqlite" else func.array_agg
    query = (
        select(table.model_version, table.environment, pack(table.confidence), pack(table.latency_ms))
        .where(table.model_id == model_id, table.predicted_at >= start, table.predicted_at < end)
        .group_by(table.model_version, table.environment)
    )
    return [
        Served(model_version=version, environment=environment, confidence=_read(sure), latency_ms=_read(took))
        for version, environment, sure, took in connection.execute(query)
    ]


def _as_text(column: Column[Any]) -> ColumnElement[str]:
    """Numbers between commas, of as many digits as they have; of a very small or large one the last bit may differ."""
    return func.group_concat(case((column.is_(None), _NOTHING), else_=func.quote(column)))


def _read(packed: str | list[float | None]) -> npt.NDArray[np.float64]:
    if isinstance(packed, str):
        return np.fromstring(packed, dtype=np.float64, sep=",")
    return np.array(packed, dtype=np.float64)  # None becomes NaN
