"""Parquet cells that Python cannot hold cost their row, not the file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.windows import to_micros
from tests.conftest import FixedClock
from tests.ingest_examples import NOTHING_DECLARED, adds_up, stored

AT = to_micros(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
YEAR_10000 = 253_402_300_800_000_000
IDS = {"model_id": ["m"] * 3, "prediction_id": ["a", "b", "c"], "predicted_value": [1.0, 2.0, 3.0]}
STAMPS = {"timestamp": pa.array([AT] * 3, pa.timestamp("us", "UTC"))}


def ingest(engine: Engine, clock: FixedClock, path: Path, columns: dict[str, Any]) -> IngestReport:
    pq.write_table(pa.table(columns), path)
    report = ingest_file(engine, path, config=NOTHING_DECLARED, clock=clock)
    assert adds_up(report)
    return report


def not_utf8(*cells: bytes) -> pa.Array:
    return pa.array(cells, pa.binary()).view(pa.string())


@pytest.mark.parametrize(
    ("columns", "field", "reason"),
    [
        ({"timestamp": pa.array([AT, YEAR_10000, AT], pa.timestamp("us", "UTC"))}, "timestamp", "out_of_range"),
        ({"timestamp": pa.array([AT, YEAR_10000, AT], pa.timestamp("us"))}, "timestamp", "out_of_range"),
        ({**STAMPS, "features.d": pa.array([1, 2**30, 2], pa.date32())}, "features.d", "out_of_range"),
        ({**STAMPS, "entity_id": not_utf8(b"x", b"\xff", b"y")}, "entity_id", "bad_text"),
        (
            {**STAMPS, "features": pa.array([[], [("a", 1.0), ("a", 2.0)], []], pa.map_(pa.string(), pa.float64()))},
            "features",
            "duplicate_key",
        ),
    ],
)
def test_a_cell_that_cannot_be_read_costs_its_row_only(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, columns: dict[str, Any], field: str, reason: str
) -> None:
    report = ingest(sqlite_engine, clock, tmp_path / "p.parquet", {**IDS, **columns})

    assert (report.accepted, report.quarantined) == (2, 1)
    assert [(sample.line, sample.field, sample.reason) for sample in report.samples] == [(2, field, reason)]
    assert [row["prediction_id"] for row in stored(sqlite_engine, "predictions")] == ["a", "c"]
    assert '"prediction_id":"b"' in stored(sqlite_engine, "quarantine")[0]["raw"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_zone_that_this_machine_does_not_know_does_not_matter_to_an_instant(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, unit: str
) -> None:
    stamps = pa.array([AT] * 3, pa.timestamp("us", "Mars/Olympus")).cast(pa.timestamp(unit, "Mars/Olympus"))

    report = ingest(sqlite_engine, clock, tmp_path / "p.parquet", {**IDS, "timestamp": stamps})

    assert report.accepted == 3
    assert {row["predicted_at"] for row in stored(sqlite_engine, "predictions")} == {AT}
