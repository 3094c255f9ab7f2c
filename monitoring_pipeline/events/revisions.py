"""Marking the hours that a transaction changed, in that same transaction, so that no change goes unseen."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from monitoring_pipeline.windows import HOUR_MICROS

ModelHour = tuple[str, int]
"""A model's id and the start of an hour, microseconds UTC."""

# The revision grows by one for each transaction that touches the hour, however many rows it brought.
_TOUCH = text("""
    INSERT INTO hour_revision (model_id, hour, revision, prediction_revision, changed_at)
    VALUES (:model_id, :hour, 1, :predicted, :now)
    ON CONFLICT (model_id, hour) DO UPDATE SET
        revision = hour_revision.revision + 1,
        prediction_revision = CASE WHEN excluded.prediction_revision = 1
            THEN hour_revision.revision + 1 ELSE hour_revision.prediction_revision END,
        changed_at = excluded.changed_at
""")


def hour_of(model_id: str, predicted_at: int) -> ModelHour:
    """The model's hour that an instant lies in."""
    return model_id, predicted_at - predicted_at % HOUR_MICROS


def touch_hours(
    connection: Connection, *, predicted: Collection[ModelHour], labelled: Collection[ModelHour], now: int
) -> None:
    """Count one more revision of each hour.

    Args:
        connection: the open transaction that stored the rows.
        predicted: hours that gained predictions.
        labelled: hours that gained actuals.
        now: the transaction's knowledge time, microseconds UTC.
    """
    touched = sorted({*predicted, *labelled})
    if touched:
        rows = [
            {"model_id": model_id, "hour": hour, "predicted": int((model_id, hour) in predicted), "now": now}
            for model_id, hour in touched
        ]
        connection.execute(_TOUCH, rows)
