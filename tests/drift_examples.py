"""A model with inputs of any kind, its reference, and its windows: shared by the tests of drift."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.pipeline_examples import LONG_AFTER, START, Event, ingest, open_home, table_rows

Features = Callable[[np.random.Generator, int], Event]
"""The features of one prediction, made at an instant."""

BEFORE = 40  # days between the reference's first row and START
DAY_BEFORE = {"start": isoformat(START - DAY_MICROS), "end": isoformat(START)}


@contextmanager
def opened(
    folder: Path,
    features: Mapping[str, Any],
    *,
    reference: Mapping[str, Any] | pa.Table | None = None,
    clock: Clock = lambda: LONG_AFTER,
    drift: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Iterator[Installation]:
    """An installation that monitors one model, ``m``, against a file of these rows, or against ``DAY_BEFORE``."""
    folder.mkdir(exist_ok=True)
    installation = open_home(folder, clock=clock)
    declared = {"id": "m", "task": "regression", "features": features, "drift": {"alpha": 0.01, **(drift or {})}}
    if reference is DAY_BEFORE:
        declared["reference"] = reference
    elif reference is not None:
        table = reference if isinstance(reference, pa.Table) else pa.table(dict(reference))
        pq.write_table(table, folder / "reference.parquet")
        declared["reference"] = {"file": "reference.parquet"}
    model = Model.model_validate({**declared, **changes})
    yield replace(installation, config=installation.config.model_copy(update={"models": [model]}))
    installation.engine.dispose()


def reference_of(features: Features, *, days: int = BEFORE, per_day: int = 40, seed: int = 1) -> dict[str, list[Any]]:
    """Rows of the days that end at START, with the instants of their predictions."""
    rng = np.random.default_rng(seed)
    first = START - days * DAY_MICROS
    instants = [first + day * DAY_MICROS + row * DAY_MICROS // per_day for day in range(days) for row in range(per_day)]
    rows = [features(rng, at) for at in instants]
    stamps = [datetime.fromtimestamp(at / 1e6, tz=UTC) for at in instants]
    return {"predicted_at": stamps, **{name: [row[name] for row in rows] for name in rows[0]}}


def events_of(
    features: Features, *, hours: Sequence[int] = range(24), per_hour: int = 15, seed: int = 2, **fields: Any
) -> list[Event]:
    """Predictions of the hours, numbered from START."""
    rng = np.random.default_rng(seed)
    events = []
    for hour in hours:
        for row in range(per_hour):
            at = START + hour * HOUR_MICROS + row * HOUR_MICROS // per_hour
            events.append(
                {
                    "model_id": "m",
                    "prediction_id": f"{fields.get('model_version', '')}{hour}-{row}",
                    "timestamp": isoformat(at),
                    "received_at": isoformat(at + 1),
                    "predicted_value": float(rng.normal()),
                    "features": features(rng, at),
                    **fields,
                }
            )
    return events


def measured(
    installation: Installation, events: Sequence[Event], *, grain: Grain = Grain.DAY
) -> dict[tuple[str, str], dict[str, Any]]:
    """The drift results of the first window of the grain, by feature and measure, of the whole model."""
    ingest(installation, predictions=events)
    log_predictions(installation.pipeline, range(START, START + DAY_MICROS, HOUR_MICROS))
    report = measure_drift(installation.pipeline, grain, [START])
    assert [failure.sentence for failure in report.failures] == []
    rows = table_rows(installation, "drift")
    standing = [r for r in rows if r["grain"] == grain.value and r["known_to"] is None]
    return {(r["feature"], r["measure"]): r for r in standing if r["segment"] == "all"}


def verdicts(results: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, str]:
    """The verdict on each feature."""
    return {feature: row["verdict"] for (feature, measure), row in results.items() if measure == "overall"}
