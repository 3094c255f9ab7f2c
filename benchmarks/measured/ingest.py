"""Landing the events of one file."""

import csv
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measured import workload
from benchmarks.measured.stores import open_store
from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.events.ingest import ingest_file

MODELS = 2
CONFIG = MonitoringConfig(
    models=[
        Model(id="model-1", task=Task.REGRESSION, segments=["carrier"]),
        Model(id="model-2", task=Task.BINARY, segments=["carrier"]),
    ]
)


def write_files(folder: str, events: int, hours: int) -> dict[str, Any]:
    """The same predictions as NDJSON, CSV and Parquet, and their actuals as NDJSON."""
    root = Path(folder)
    rows_per_hour = events // (MODELS * hours)
    predictions = list(workload.predictions(models=MODELS, hours=hours, rows_per_hour=rows_per_hour))
    workload.write_ndjson(root / "predictions.ndjson", iter(predictions))
    workload.write_ndjson(root / "actuals.ndjson", map(workload.actual, predictions))
    flat = [_flat(prediction) for prediction in predictions]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    _write_csv(root / "predictions.csv", columns, iter(flat))
    stamps = [datetime.fromisoformat(row["timestamp"]).astimezone(UTC) for row in flat]
    arrays = {name: pa.array([row.get(name) for row in flat]) for name in columns}
    arrays["timestamp"] = pa.array(stamps, type=pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table(arrays), root / "predictions.parquet")
    sizes = {path.suffix[1:]: path.stat().st_size for path in root.glob("predictions.*")}
    return {"events": len(predictions), "bytes_per_event": {n: round(b / len(predictions)) for n, b in sizes.items()}}


def _flat(event: workload.Event) -> workload.Event:
    features = {f"features.{name}": value for name, value in event["features"].items()}
    return {**{name: value for name, value in event.items() if name != "features"}, **features}


def _write_csv(path: Path, columns: list[str], rows: Iterator[workload.Event]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def land(database: str, store: str, file: str, events: int) -> dict[str, Any]:
    """Seconds to land a file in a store that may hold earlier ones."""
    with open_store(database, store) as engine:
        started = time.perf_counter()
        report = ingest_file(engine, Path(file), config=CONFIG)
        seconds = time.perf_counter() - started
    assert (report.accepted, report.quarantined, report.orphans) == (events, 0, 0), report
    return {"seconds": seconds}
