"""Retractions at the door: the same in every format, and refused where nobody can tell what is meant."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.events.ingest import ingest_file, ingest_rows
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.storing.report import IngestReport
from tests.conftest import FixedClock
from tests.ingest_examples import DECLARED, actual, adds_up, prediction, stored, write_ndjson

RETRACTION = {"model_id": "delay", "prediction_id": "p1", "retracted": True}


def written(folder: Path, ending: str) -> Path:
    """A file with the retraction, and an actual that says in so many words that it is none."""
    path = folder / f"actuals.{ending}"
    if ending == "ndjson":
        return write_ndjson(path, [RETRACTION, {**actual(prediction_id="p2"), "retracted": False}])
    if ending == "csv":
        path.write_text("model_id,prediction_id,actual_value,retracted\ndelay,p1,,true\ndelay,p2,20,False\n")
        return path
    columns = {
        "model_id": ["delay"] * 2,
        "prediction_id": ["p1", "p2"],
        "actual_value": [None, 20.0],
        "retracted": [True, False],
    }
    pq.write_table(pa.table(columns), path)
    return path


def truths(engine: Engine) -> list[tuple[object, ...]]:
    rows = stored(engine, "actuals")
    return [(row["prediction_id"], row["actual_value"], row["actual_class"]) for row in rows]


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_retraction_is_the_same_in_every_kind_of_file(
    engine: Engine, clock: FixedClock, tmp_path: Path, ending: str
) -> None:
    report = ingest_file(engine, written(tmp_path, ending), config=DECLARED, clock=clock)

    assert (report.accepted, report.retracted, report.rejected) == (2, 1, 0)
    assert truths(engine) == [("p1", None, None), ("p2", 20.0, None)]


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_file_of_retractions_alone_is_one_of_actuals(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"taken back.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({name: [value] for name, value in RETRACTION.items()}), path)
    else:
        text = json.dumps(RETRACTION) if ending == "ndjson" else "model_id,prediction_id,retracted\ndelay,p1,TRUE"
        path.write_text(f"{text}\n")

    report = ingest_file(sqlite_engine, path, config=DECLARED, clock=clock)

    assert (report.kind, report.retracted) == ("actuals", 1)


def land(engine: Engine, clock: FixedClock, row: dict[str, object]) -> IngestReport:
    report = ingest_rows(engine, [row], kind="actuals", config=DECLARED, clock=clock)
    assert adds_up(report)
    return report


@pytest.mark.parametrize(
    "row",
    [
        RETRACTION,
        {**RETRACTION, "actual_value": None},
        {**RETRACTION, "retracted": np.True_},
        {**RETRACTION, "timestamp": "2026-03-02T10:00:00Z", "received_at": "2026-03-02T10:01:00Z"},
    ],
)
def test_a_retraction_needs_no_more_than_its_word(
    sqlite_engine: Engine, clock: FixedClock, row: dict[str, object]
) -> None:
    report = land(sqlite_engine, clock, row)

    assert report.retracted == 1
    assert truths(sqlite_engine) == [("p1", None, None)]


@pytest.mark.parametrize("word", [False, None, np.False_])
def test_an_actual_that_is_not_retracted_says_so_or_nothing(
    sqlite_engine: Engine, clock: FixedClock, word: object
) -> None:
    land(sqlite_engine, clock, actual())

    report = land(sqlite_engine, clock, actual(retracted=word))

    assert (report.duplicates, report.retracted) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"actual_value": 20.0}, QuarantineReason.CONTRADICTION, "write the new value alone, or retracted without one"),
        ({"actual_value": "nan"}, QuarantineReason.CONTRADICTION, "the row has an actual_value and retracted true"),
        ({"retracted": 1}, QuarantineReason.WRONG_TYPE, "retracted is a number; it must be true or false"),
        ({"retracted": "true"}, QuarantineReason.WRONG_TYPE, "retracted is a text; it must be true or false"),
        ({"retracted": []}, QuarantineReason.WRONG_TYPE, "retracted is a list; it must be true or false"),
        ({"retracted": False}, QuarantineReason.MISSING_FIELD, "the row has no actual_value"),
        ({"retracted": False, "actual_value": None}, QuarantineReason.MISSING_VALUE, "actual_value is null"),
        ({"carrier": "UA"}, QuarantineReason.UNKNOWN_FIELD, "'carrier' is not a known field"),
    ],
)
def test_what_may_or_may_not_be_a_retraction_is_refused(
    sqlite_engine: Engine, clock: FixedClock, changes: dict[str, object], reason: QuarantineReason, detail: str
) -> None:
    report = land(sqlite_engine, clock, {**RETRACTION, **changes})

    [sample] = report.samples
    assert (report.quarantined, sample.reason) == (1, reason)
    assert detail in sample.detail


def test_the_command_counts_retractions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    file = write_ndjson(tmp_path / "a.ndjson", [actual(), RETRACTION])

    result = CliRunner().invoke(app, ["ingest", str(file)])

    assert result.exit_code == 0
    header, *_, row = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert dict(zip(header, row, strict=False))["retracted"] == "1"


def test_numeric_fields_of_a_csv_file_are_numbers_and_its_segments_stay_text(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    delay = DECLARED.models[0].model_copy(update={"resources": ["cpu", "memory_mb"]})
    config = DECLARED.model_copy(update={"models": [delay]})
    header = "timestamp,model_id,prediction_id,predicted_value,carrier,cpu,features.memory_mb"
    file = tmp_path / "p.csv"
    file.write_text(f"{header}\n2026-03-02T09:15:00Z,delay,p1,1,007,007,1e3\n2026-03-02T09:15:00Z,delay,p2,1,8,nan,\n")

    report = ingest_file(sqlite_engine, file, config=config, clock=clock)

    [row] = stored(sqlite_engine, "predictions")
    assert (row["extras"], row["features"]) == ('{"carrier":"007","cpu":7.0}', '{"memory_mb":1000.0}')
    assert [(sample.field, sample.reason) for sample in report.samples] == [("cpu", "not_finite")]


def test_a_refused_row_is_kept_as_its_line_or_as_its_record(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    line = json.dumps(prediction(predicted_value="much")).replace(" ", "  ")
    ndjson, csv = tmp_path / "p.ndjson", tmp_path / "p.csv"
    ndjson.write_text(f"{line}\n")
    csv.write_text("timestamp,model_id,prediction_id,predicted_value\n2026-03-02T09:15:00Z,delay,p1,much\n")

    for file in (ndjson, csv):
        ingest_file(sqlite_engine, file, config=DECLARED, clock=clock)

    kept = {row["source"]: row["raw"] for row in stored(sqlite_engine, "quarantine")}
    assert kept["p.ndjson"] == line
    assert json.loads(kept["p.csv"]) == prediction(predicted_value="much", features=...)
