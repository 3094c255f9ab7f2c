"""Reading the event store by model and hour, for the stages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from monitoring_pipeline.events.seals import sealed_evidence
from monitoring_pipeline.events.tables import actuals, hour_revision, predictions
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.windows import Grain, spans

PREDICTION_COLUMNS = (
    "prediction_id",
    "predicted_at",
    "model_version",
    "environment",
    "entity_id",
    "predicted_value",
    "predicted_class",
    "prediction_proba",
    "probabilities",
    "confidence",
    "latency_ms",
    "received_at",
    "features",
    "extras",
)
ACTUAL_COLUMNS = ("prediction_id", "received_at", "observed_at", "actual_value", "actual_class")


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRevision:
    """How often a model's hour has changed, and at which change a prediction last did."""

    model_id: str
    hour: int
    revision: int
    prediction_revision: int


def hour_revisions(connection: Connection, hours: Collection[int]) -> list[HourRevision]:
    """The revisions of all models' hours among ``hours``, by model and hour."""
    if not hours:
        return []
    wanted = set(hours)
    columns = (hour_revision.c[name] for name in HourRevision.__dataclass_fields__)
    query = (
        select(*columns)
        .where(hour_revision.c.hour.between(min(hours), max(hours)))
        .order_by(hour_revision.c.model_id, hour_revision.c.hour)
    )
    rows = connection.execute(query).mappings()
    return [HourRevision(**row) for row in rows if row["hour"] in wanted]


def predictions_of_hours(connection: Connection, model_id: str, hours: Collection[int]) -> list[tuple[Any, ...]]:
    """Rows of ``PREDICTION_COLUMNS`` of one model, predicted in the hours that start at ``hours``."""
    return _rows_of_hours(connection, predictions, PREDICTION_COLUMNS, model_id, hours)


def predictions_between(connection: Connection, model_id: str, start: int, end: int) -> list[tuple[Any, ...]]:
    """Rows of ``PREDICTION_COLUMNS`` of one model, predicted in ``[start, end)``."""
    return _rows_between(connection, predictions, PREDICTION_COLUMNS, model_id, start, end)


def actuals_between(connection: Connection, model_id: str, start: int, end: int) -> list[tuple[Any, ...]]:
    """Rows of ``ACTUAL_COLUMNS``: every revision of the truth about predictions made in ``[start, end)``."""
    return _rows_between(connection, actuals, ACTUAL_COLUMNS, model_id, start, end)


def count_between(connection: Connection, model_id: str, start: int, end: int) -> int:
    """How many predictions a model made in ``[start, end)``, of those that the event store holds."""
    made_at = predictions.c.predicted_at
    query = select(func.count()).where(predictions.c.model_id == model_id, made_at >= start, made_at < end)
    return connection.scalar(query) or 0


def revisions_between(
    connection: Connection, model_id: str, start: int, end: int, *, predictions_only: bool = False
) -> dict[int, int]:
    """The revision of each hour of ``[start, end)`` that an event of a model touched, or a prediction, by its start."""
    table = hour_revision.c
    counted = table.prediction_revision if predictions_only else table.revision
    query = select(table.hour, counted).where(table.model_id == model_id, table.hour >= start, table.hour < end)
    return {int(hour): int(revision) for hour, revision in connection.execute(query)}


def count_by_part(connection: Connection, model_id: str, start: int, end: int, *, part_micros: int) -> dict[int, int]:
    """How many predictions a model made in each part of ``[start, end)``, by the part's start; empty ones are absent.

    An index alone answers it.
    """
    made_at = predictions.c.predicted_at
    number = ((made_at - start) // part_micros).label("number")
    query = (
        select(number, func.count())
        .where(predictions.c.model_id == model_id, made_at >= start, made_at < end)
        .group_by(number)
        .order_by(number)
    )
    return {start + int(found) * part_micros: int(count) for found, count in connection.execute(query)}


def actuals_of_hours(connection: Connection, model_id: str, hours: Collection[int]) -> list[tuple[Any, ...]]:
    """Rows of ``ACTUAL_COLUMNS``: every revision of the truth about predictions made in the hours."""
    return _rows_of_hours(connection, actuals, ACTUAL_COLUMNS, model_id, hours)


def _rows_of_hours(
    connection: Connection, table: Table, columns: Sequence[str], model_id: str, hours: Collection[int]
) -> list[tuple[Any, ...]]:
    """One index range for each run of hours without a gap, so that what lies between scattered hours is not read."""
    rows: list[tuple[Any, ...]] = []
    for start, end in spans(hours, Grain.HOUR):
        rows += _rows_between(connection, table, columns, model_id, start, end)
    return rows


def _rows_between(
    connection: Connection, table: Table, columns: Sequence[str], model_id: str, start: int, end: int
) -> list[tuple[Any, ...]]:
    made_at = table.c.predicted_at
    query = select(*(table.c[name] for name in columns)).where(
        table.c.model_id == model_id, made_at >= start, made_at < end
    )
    return [tuple(row) for row in connection.execute(query)]


def known_models(connection: Connection) -> list[str]:
    """Every model that ever logged a prediction, in order of its name."""
    return list(connection.scalars(select(hour_revision.c.model_id).distinct().order_by(hour_revision.c.model_id)))


def task_evidence(connection: Connection, model_id: str) -> tuple[bool, bool]:
    """Whether a model's predictions carry class names, and whether they carry a probability.

    Predictions that retention has removed count as well: a model must not change its task by growing old.
    An undeclared model's task is inferred from these (see :mod:`monitoring_pipeline.stages.models`).
    The totals tell it however many predictions there are; of those that were removed before there were totals, the
    seals do.
    """
    counted = version_totals.c
    query = select(func.max(counted.class_count), func.max(counted.probability_count))
    class_count, probability_count = connection.execute(query.where(counted.model_id == model_id)).one()
    sealed_class, sealed_probability = sealed_evidence(connection, model_id)
    return sealed_class or bool(class_count), sealed_probability or bool(probability_count)
