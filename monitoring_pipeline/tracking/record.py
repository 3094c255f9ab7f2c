"""Remembering what MLflow was shown, in the store beside the results."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from monitoring_pipeline.database import insert_of, writing
from monitoring_pipeline.tracking.content import DayContent
from monitoring_pipeline.tracking.report import DayOutcome, ProjectionState
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.tracking.tables import mlflow_projection

_SETTLED = (ProjectionState.LOGGED, ProjectionState.UNCHANGED, ProjectionState.EMPTY)


def record(
    engine: Engine, tracking: Tracking, contents: Mapping[int, DayContent], done: Sequence[DayOutcome], *, now: int
) -> None:
    """Record the days that MLflow shows; another day keeps its old row, and so stays due.

    Args:
        engine: the store.
        tracking: where the days are shown.
        contents: what was to be shown, by day.
        done: what became of it, all of one model.
        now: microseconds UTC; kept only where something changed.
    """
    settled = [outcome for outcome in done if outcome.state in _SETTLED]
    if not settled:
        return
    with writing(engine) as connection:
        known = _known(connection, settled[0].model_id, [outcome.day for outcome in settled])
        for outcome in settled:
            row = _row(tracking, contents[outcome.day], outcome)
            if row is None:
                _forget(connection, outcome)
            elif known.get(outcome.day) != row:
                _upsert(connection, {**row, "logged_at": now})


def _row(tracking: Tracking, content: DayContent, outcome: DayOutcome) -> dict[str, Any] | None:
    # Results without a single number (too little data) are recorded too, or the day would be due for ever.
    if outcome.state is ProjectionState.EMPTY and not content.mark.row_count:
        return None
    return {
        "model_id": outcome.model_id,
        "day": outcome.day,
        "tracking_url_hash": tracking.url_hash,
        "run_id": outcome.run_id or "",
        "content_hash": content.content_hash,
        "known_from": content.mark.known_from,
        "row_count": content.mark.row_count,
    }


def _known(connection: Connection, model_id: str, days: Sequence[int]) -> dict[int, dict[str, Any]]:
    columns = [column for column in mlflow_projection.c if column.name != "logged_at"]
    query = select(*columns).where(mlflow_projection.c.model_id == model_id, mlflow_projection.c.day.in_(days))
    return {row["day"]: dict(row) for row in connection.execute(query).mappings()}


def _forget(connection: Connection, outcome: DayOutcome) -> None:
    c = mlflow_projection.c
    connection.execute(delete(mlflow_projection).where(c.model_id == outcome.model_id, c.day == outcome.day))


def _upsert(connection: Connection, row: Mapping[str, Any]) -> None:
    statement = insert_of(connection)(mlflow_projection).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["model_id", "day"], set_=row))
