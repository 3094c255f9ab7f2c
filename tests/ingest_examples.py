"""Events and readers of the store that the tests of ingest share."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, select

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import metadata, reading, writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.events.tables import actuals, hour_revision, ingest_batches, predictions, quarantine

NOTHING_DECLARED = MonitoringConfig()
DECLARED = MonitoringConfig(
    models=[
        Model(id="delay", task=Task.REGRESSION, segments=["carrier"]),
        Model(id="late", task=Task.BINARY),
        Model(id="reason", task=Task.MULTICLASS),
    ]
)


def prediction(**changes: object) -> dict[str, object]:
    """A good prediction event; a change to ``...`` removes the field."""
    event: dict[str, object] = {
        "timestamp": "2026-03-02T09:15:00Z",
        "model_id": "delay",
        "prediction_id": "p1",
        "features": {"distance": 300, "carrier": "UA"},
        "predicted_value": 12.5,
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def actual(**changes: object) -> dict[str, object]:
    """A good actual event; a change to ``...`` removes the field."""
    event: dict[str, object] = {"model_id": "delay", "prediction_id": "p1", "actual_value": 20.0}
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def write_ndjson(path: Path, events: Iterable[Mapping[str, object] | str]) -> Path:
    """One line per event; a text is written as it is."""
    lines = (event if isinstance(event, str) else json.dumps(event) for event in events)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def stored(engine: Engine, table: str) -> list[dict[str, Any]]:
    """All rows of a table of events in the order of its key."""
    found = metadata.tables[table]
    with reading(engine) as connection:
        query = select(found).order_by(*found.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def empty(engine: Engine) -> None:
    """Remove all events, for the next example of a property test."""
    with writing(engine) as connection:
        for table in (predictions, actuals, quarantine, hour_revision, ingest_batches):
            connection.execute(delete(table))


def adds_up(report: IngestReport) -> bool:
    """The law of accounting."""
    return report.received == report.accepted + report.duplicates + report.conflicts + report.quarantined


def regressions(*model_ids: str) -> MonitoringConfig:
    """A config that declares these models."""
    return MonitoringConfig(models=[Model(id=model_id, task=Task.REGRESSION) for model_id in model_ids])


def one_prediction_each(engine: Engine, clock: Clock, *model_ids: str) -> None:
    """Store a prediction of each model, so that it is known."""
    rows = [prediction(prediction_id="p", model_id=model_id) for model_id in model_ids]
    ingest_rows(engine, rows, kind="predictions", config=MonitoringConfig(), clock=clock)
