"""What an undeclared model's task is inferred from: the totals say what a look at every row would."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from monitoring_pipeline.config.models import MonitoringConfig, Task
from monitoring_pipeline.database import open_engine, reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.read import task_evidence
from monitoring_pipeline.events.seals import SEALED_EVENTS
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.windows import HOUR_MICROS
from tests import first_schema
from tests.conftest import FixedClock
from tests.ingest_examples import prediction
from tests.pipeline_examples import START

BEFORE_TOTALS = "0003"

# Of each model's predictions: predicted_value, predicted_class, prediction_proba.
SAID: dict[str, list[tuple[float | None, str | None, float | None]]] = {
    "numbers": [(1.5, None, None), (0.0, None, None)],
    "classes": [(None, "storm", None), (None, "crew", None)],
    "probabilities": [(0.0, None, None), (1.0, None, 0.0)],
    "both": [(1.0, None, 0.7), (None, "storm", None)],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Engine]:
    """An empty store of the schema before there were totals, on each database."""
    if request.param == "sqlite":
        store = open_engine(sqlite_url)
    else:
        store = open_engine(request.getfixturevalue("postgres_database_url"))
    first_schema.begin(store)
    first_schema.upgrade_to(store, BEFORE_TOTALS)
    yield store
    store.dispose()


def _seen_in_rows(connection: Connection, model_id: str) -> tuple[bool, bool]:
    """The oracle: every row of the model is looked at."""
    query = text("SELECT predicted_class, prediction_proba FROM predictions WHERE model_id = :model_id")
    rows = connection.execute(query, {"model_id": model_id}).all()
    return any(row[0] is not None for row in rows), any(row[1] is not None for row in rows)


def _stored_rows() -> list[first_schema.Row]:
    return [
        {
            "model_id": model_id,
            "prediction_id": f"p{number}",
            "predicted_at": START,
            "model_version": str(number),
            "environment": "production",
            "predicted_value": value,
            "predicted_class": name,
            "prediction_proba": probability,
            "features": "{}",
            "received_at": START,
            "batch_id": "b",
        }
        for model_id, said in SAID.items()
        for number, (value, name, probability) in enumerate(said)
    ]


def _sealed(model_id: str, hour: int, evidence: str) -> first_schema.Row:
    return {
        "dataset": SEALED_EVENTS,
        "model_id": model_id,
        "window_start": START + hour * HOUR_MICROS,
        "revision": 1,
        "checksum": evidence,
        "row_count": 9,
        "byte_count": 0,
        "published_at": START,
    }


def test_a_store_of_before_the_totals_knows_each_task_from_the_rows_that_it_has(before: Engine) -> None:
    first_schema.fill(before, {"predictions": _stored_rows()})

    upgrade(before)

    with reading(before) as connection:
        found = {model_id: task_evidence(connection, model_id) for model_id in SAID}
        assert found == {model_id: _seen_in_rows(connection, model_id) for model_id in SAID}
        tasks = {model_id: declaration(connection, MonitoringConfig(), model_id).task for model_id in SAID}
    assert set(found.values()) == {(False, False), (True, False), (False, True), (True, True)}
    assert tasks == {
        "numbers": Task.REGRESSION,
        "classes": Task.MULTICLASS,
        "probabilities": Task.BINARY,
        "both": Task.MULTICLASS,
    }


def test_what_was_removed_before_there_were_totals_still_counts(before: Engine) -> None:
    seals = [
        _sealed("numbers", 0, "numbers"),
        _sealed("numbers", 1, "probabilities"),
        _sealed("gone", 0, "numbers"),
        _sealed("gone", 1, "classes and probabilities"),
        _sealed("gone, too", 0, "numbers"),
    ]
    first_schema.fill(before, {"predictions": _stored_rows(), "partition_ledger": seals})

    upgrade(before)

    with reading(before) as connection:
        found = [task_evidence(connection, model_id) for model_id in ("numbers", "gone", "gone, too", "never heard of")]
    assert found == [(False, True), (True, True), (False, False), (False, False)]


@pytest.mark.parametrize("batch_rows", [1, 100])
def test_one_class_name_or_probability_among_many_predictions_is_enough(
    engine: Engine, clock: FixedClock, batch_rows: int
) -> None:
    rows = [prediction(prediction_id=f"p{n}", model_id=model_id) for n in range(20) for model_id in SAID]
    at = {row["model_id"]: place for place, row in enumerate(rows) if row["prediction_id"] == "p11"}
    for model_id in ("classes", "both"):
        rows[at[model_id]]["predicted_value"] = "storm"
    for model_id in ("probabilities", "both"):
        rows[at[model_id] + len(SAID)]["prediction_proba"] = 0.5

    ingest_rows(engine, rows, kind="predictions", config=MonitoringConfig(), clock=clock, batch_rows=batch_rows)

    with reading(engine) as connection:
        found = {model_id: task_evidence(connection, model_id) for model_id in SAID}
        assert found == {model_id: _seen_in_rows(connection, model_id) for model_id in SAID}
    assert list(found.values()) == [(False, False), (True, False), (False, True), (True, True)]
