"""A lake that lost or damaged a file: who notices, what still works, and that the remedy of the error is true."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.files import STALE_AFTER_SECONDS, Lake
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS
from tests.pipeline_examples import (
    HOUR_JOB,
    LONG_AFTER,
    START,
    actual_of,
    final_state,
    history,
    ingest,
    ledger_rows,
    open_home,
    run_job,
)
from tests.stage_runs import run_hours


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0, 1])
    ingest(installation, predictions=predictions, actuals=actuals)
    run_hours(installation.pipeline, [0, 1])
    yield installation
    installation.engine.dispose()


def file_of(installation: Installation, dataset: str, model_id: str = "delay", hour: int = 0) -> Path:
    path = ledger_rows(installation)[dataset, model_id, START + hour * HOUR_MICROS]["path"]
    return installation.home.lake / str(path)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def touch_hour(installation: Installation, number: int) -> None:
    truth = actual_of("delay", "000-0", float(number), at=START + HOUR_MICROS)
    ingest(installation, actuals=[{**truth, "received_at": "2025-03-10T00:00:00Z"}])


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize("dataset", ["logged_predictions", "joined_predictions"])
def test_following_the_remedy_of_a_damaged_file_heals_it(dataset: str, installation: Installation) -> None:
    whole = final_state(installation)
    damage(file_of(installation, dataset))
    with pytest.raises(MonitorError, match=r"damaged.*materialize `logged_predictions` and what follows it"):
        read_standing(installation, dataset)

    with dg.DagsterInstance.ephemeral() as instance:
        run_job(installation, instance, HOUR_JOB, partition_key="2025-03-03-00:00")

    read_standing(installation, dataset)
    assert final_state(installation) == whole


def read_standing(installation: Installation, dataset: str) -> None:
    entry = ledger_rows(installation)[dataset, "delay", START]
    installation.pipeline.lake.read(str(entry["path"]), checksum=str(entry["checksum"]))


def test_a_damaged_file_stops_the_hours_of_its_own_model_alone(installation: Installation) -> None:
    damage(file_of(installation, "logged_predictions"))

    touch_hour(installation, 5)
    late = [{**actual_of("late", "000-1", 1, at=START), "received_at": "2025-03-10T00:00:00Z"}]
    ingest(installation, actuals=late)
    reports = run_hours(installation.pipeline, [0, 1])

    assert [failure.model_id for failure in reports["joined_predictions"].failures] == ["delay"]
    computed = {o.model_id for o in reports["hourly_findings"].outcomes if o.state == "computed"}
    assert computed == {"late"}


def test_a_lost_file_is_written_again_when_its_hour_is_looked_at(installation: Installation) -> None:
    for dataset in ("logged_predictions", "joined_predictions"):
        file_of(installation, dataset).unlink()

    touch_hour(installation, 5)
    reports = run_hours(installation.pipeline, [0, 1])

    assert all(not report.failures for report in reports.values())
    assert file_of(installation, "logged_predictions").exists()
    computed = {(o.model_id, o.window_start) for o in reports["logged_predictions"].outcomes if o.state == "computed"}
    assert computed == {("delay", START)}


def test_a_stage_that_just_found_a_file_in_the_ledger_can_still_read_it_after_the_next_sweep(
    installation: Installation,
) -> None:
    found = file_of(installation, "joined_predictions")
    long_ago = found.stat().st_mtime - 2 * STALE_AFTER_SECONDS
    os.utime(found, (long_ago, long_ago))

    touch_hour(installation, 5)
    run_hours(installation.pipeline, [0])
    named = {str(row["path"]) for row in ledger_rows(installation).values() if row["path"]}
    removed = installation.pipeline.lake.sweep(named)

    assert removed == []
    assert file_of(installation, "joined_predictions") != found
    assert found.exists()


def test_rows_whose_standing_file_is_damaged_are_written_again(tmp_path: Path) -> None:
    lake = Lake(root=tmp_path)
    table = _table()
    stored = lake.store("logged_predictions", "m", START, table)
    damage(tmp_path / stored.path)

    again = lake.store("logged_predictions", "m", START, table)

    assert again == stored
    assert lake.read(stored.path, checksum=stored.checksum).equals(table)


def test_a_sweep_that_finds_a_file_already_removed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(root=tmp_path)
    for hour in range(3):
        lake.store("logged_predictions", "m", START + hour * HOUR_MICROS, _table())
    files = sorted(tmp_path.rglob("*.parquet"))
    later = files[0].stat().st_mtime + 2 * STALE_AFTER_SECONDS
    listed = [*files, tmp_path / "gone.parquet"]
    monkeypatch.setattr(Path, "rglob", lambda _self, _pattern: iter(listed))
    files[1].unlink()  # by another sweep, after this one has listed the folder

    removed = lake.sweep([], now_seconds=later)

    assert [tmp_path / path for path in removed] == [files[0], files[2]]


def _table() -> pa.Table:
    return pa.table({"prediction_id": ["a", "b"], "predicted_value": [1.0, 2.0]})


def test_an_hour_that_could_not_be_validated_is_not_measured_until_it_is(tmp_path: Path) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0])
    ingest(installation, predictions=predictions, actuals=actuals)
    pipeline = installation.pipeline
    log_predictions(pipeline, [START])
    join_predictions(pipeline, [START])
    damage(file_of(installation, "logged_predictions"))

    reports = run_hours(pipeline, [0])

    assert [failure.model_id for failure in reports["data_quality"].failures] == ["delay"]
    assert {o.model_id for o in reports["hourly_performance"].outcomes} == {"late"}
    log_predictions(pipeline, [START])
    reports = run_hours(pipeline, [0])
    assert {o.model_id for o in reports["hourly_findings"].outcomes if o.state == "computed"} == {"delay"}
    installation.engine.dispose()
