"""What the cells of a CSV file become: as declared, or a guess that loses no digit."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.config.models import Feature, FeatureType, Model, MonitoringConfig, Task
from monitoring_pipeline.events.formats.cells import Cells
from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.storing.report import IngestReport
from tests.conftest import FixedClock
from tests.ingest_examples import adds_up, stored

STAMP = "2026-03-02T09:15:00Z"
TYPED = MonitoringConfig(
    models=[
        Model(
            id="delay",
            task=Task.REGRESSION,
            segments=["store", "plan"],
            features={
                "code": Feature(type=FeatureType.CATEGORICAL),
                "speed": Feature(type=FeatureType.NUMERIC),
                "night": Feature(type=FeatureType.BOOLEAN),
            },
        ),
        Model(id="reason", task=Task.MULTICLASS),
        Model(id="late", task=Task.BINARY),
    ]
)


def ingest(engine: Engine, clock: FixedClock, path: Path, *lines: str) -> IngestReport:
    path.write_text("\n".join(lines) + "\n")
    report = ingest_file(engine, path, config=TYPED, clock=clock)
    assert adds_up(report)
    return report


def undeclared(cell: str) -> object:
    return Cells(["x"], TYPED).record([cell])["x"]


@pytest.mark.parametrize("written", ["007", "1E5", "12345678901234567890", "true", "nan", "1.50"])
def test_declared_segments_and_categories_stay_as_written(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, written: str
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,store,features.plan,features.code"

    ingest(sqlite_engine, clock, tmp_path / "p.csv", header, f"{STAMP},delay,p1,1,{written},{written},{written}")

    [row] = stored(sqlite_engine, "predictions")
    assert orjson.loads(row["extras"]) == {"store": written}
    assert orjson.loads(row["features"]) == {"plan": written, "code": written}


def test_classes_of_a_declared_multiclass_model_stay_as_written(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,actual_value"
    lines = [f"{STAMP},reason,p{n},{name},{name}" for n, name in enumerate(("1D4", "1E5", "007", "true"))]

    ingest(sqlite_engine, clock, tmp_path / "p.csv", header, *lines)

    assert [row["predicted_class"] for row in stored(sqlite_engine, "predictions")] == ["1D4", "1E5", "007", "true"]
    assert [row["actual_class"] for row in stored(sqlite_engine, "actuals")] == ["1D4", "1E5", "007", "true"]


@pytest.mark.parametrize("written", ["True", "TRUE", "true", "1", "1.0"])
def test_a_declared_boolean_is_read_however_it_is_written(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, written: str
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,features.night"
    late = f"{STAMP},late,p2,{written},{written}"

    report = ingest(sqlite_engine, clock, tmp_path / "p.csv", header, f"{STAMP},delay,p1,1,{written}", late)

    assert report.accepted == 2
    delay, late_row = stored(sqlite_engine, "predictions")
    assert orjson.loads(delay["features"]) == {"night": True}
    assert late_row["predicted_value"] == 1.0


def test_a_declared_number_that_is_none_is_quarantined_by_its_name(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,features.speed"

    report = ingest(
        sqlite_engine, clock, tmp_path / "p.csv", header, f"{STAMP},delay,p1,1,fast", f"{STAMP},delay,p2,1,17"
    )

    assert (report.accepted, report.reasons, report.samples[0].field) == (1, {"wrong_type": 1}, "features.speed")
    assert orjson.loads(stored(sqlite_engine, "predictions")[0]["features"]) == {"speed": 17}


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("17", 17),
        ("-0.25", -0.25),
        ("1E5", 100_000.0),
        ("9007199254740992", 2**53),
        ("0.10000000000000001", 0.1),  # as many programs write it
        ("1.000000000000000056e-01", 0.1),  # as numpy writes it
        ("True", True),
        ("FALSE", False),
        ("007", "007"),
        ("9007199254740993", "9007199254740993"),
        ("12345678901234567891", "12345678901234567891"),
        ("9007199254740993.0", "9007199254740993.0"),
        ("1234567890.1234567891", "1234567890.1234567891"),
        ("1e-400", "1e-400"),
        ("0e5", 0.0),
    ],
)
def test_a_cell_of_which_nobody_said_what_it_is_becomes_a_number_if_no_digit_is_lost(cell: str, read: object) -> None:
    found = undeclared(cell)

    assert (found, type(found)) == (read, type(read))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_is_read_back_bit_equal(number: float) -> None:
    assert undeclared(repr(number).replace("e+", "e").replace("e0", "e")) == number


@given(st.integers(16, 25).flatmap(lambda n: st.tuples(*2 * [st.integers(10 ** (n - 1), 10**n - 1)])))
def test_two_long_ids_are_never_merged(ids: tuple[int, int]) -> None:
    first, second = ids

    assert (undeclared(str(first)) == undeclared(str(second))) == (first == second)
