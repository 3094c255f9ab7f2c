"""Sealing old hours: their events go, all that was computed of them stays, to the last byte."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.database import open_engine, reading, writing
from monitoring_pipeline.events.retention.removal import remove_sealed
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.tables import hour_revision, quarantine
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.due import due_hours
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.retention import DATASETS, remove_past_retention
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.ingest_examples import stored
from tests.pipeline_examples import START, actual_of, files_of, history, ingest, open_home
from tests.retention_examples import (
    HOURS,
    STARTS,
    PowerCutError,
    compute,
    days_after_start,
    event_counts,
    filled,
    keeping,
    land,
    power_cut_at_statement,
    sealed,
    sealed_after,
    state_of,
)

MODELS = ("delay", "late", "shadow")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """A fresh store: a SQLite file under the home, and a real PostgreSQL."""
    if request.param == "sqlite":
        return None
    address: str = request.getfixturevalue("postgres_database_url")
    return address


def due(installation: Any) -> set[tuple[str, int]]:
    with reading(installation.engine) as connection:
        return {(d.model_id, d.window_start) for d in due_hours(connection, now=installation.clock())}


def test_a_sealed_hour_recomputed_by_hand_keeps_its_bytes(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation, with_quality=True)
    before, rows = state_of(installation), stored(installation.engine, "hour_revision")
    clock.now = sealed_after(3).now

    removed = remove_past_retention(installation.pipeline)
    files = set(files_of(installation))
    logged, joined, *later = compute(installation, with_quality=True)

    assert removed is not None
    assert removed.warning() is None
    assert sealed(installation) == {(model_id, hour) for model_id in MODELS for hour in STARTS[:3]}
    assert {row["predicted_at"] // HOUR_MICROS * HOUR_MICROS for row in stored(installation.engine, "predictions")} == {
        STARTS[3]
    }
    assert {row["predicted_at"] >= STARTS[3] for row in stored(installation.engine, "actuals")} == {True}
    for report in (logged, joined):
        assert {o.state for o in report.outcomes if o.window_start < STARTS[3]} == {"sealed"}
        assert {o.state for o in report.of(STARTS[3])} == {"computed"}
        assert {o.row_count for o in report.outcomes} == {4}
    assert {outcome.state for report in later for outcome in report.outcomes} <= {"computed", "blocked"}
    assert state_of(installation) == before
    assert set(files_of(installation)) == files
    assert stored(installation.engine, "hour_revision") == rows
    assert due(installation) == set()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_of_landing_computing_and_sealing_the_results_are_those_without_retention(
    seed: int, store_url: str | None, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    clock = days_after_start(3)
    predictions, actuals = history(HOURS, rows=3)
    kept, pruned = (
        open_home(tmp_path / name, clock=clock, store_url=store_url if name == "pruned" else None)
        for name in ("kept", "pruned")
    )
    pruned = keeping(pruned)
    for installation in (kept, pruned):
        ingest(installation, predictions=predictions)
    rng.shuffle(actuals)
    for step in range(4):
        some = actuals[step::4]
        clock.now = sealed_after(step).now
        for installation in (kept, pruned):
            # Whatever pruned refuses or orphans, kept must not have learned of either.
            pairs = {(row["model_id"], row["prediction_id"]) for row in stored(pruned.engine, "predictions")}
            ingest(installation, actuals=[a for a in some if (a["model_id"], a["prediction_id"]) in pairs])
            if rng.random() < 0.7 or step == 3:
                compute(installation)
        remove_past_retention(pruned.pipeline)
    compute(kept)

    compute(pruned)

    assert sealed(pruned)
    assert state_of(pruned) == state_of(kept)


def test_taking_the_setting_out_again_leaves_sealed_hours_sealed(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock, hours=HOURS)
    compute(installation)
    before = state_of(installation)
    clock.now = sealed_after(2).now
    remove_past_retention(installation.pipeline)
    installation = keeping(installation, None)
    predictions, _ = history(HOURS, rows=4)

    report = land(installation, Kind.PREDICTIONS, predictions)
    compute(installation)

    assert report.reasons == {"past_retention": 16}
    assert report.duplicates == 16
    assert "retention.events_days" in report.samples[0].detail
    assert state_of(installation) == before
    assert due(installation) == set()


def test_an_undeclared_model_keeps_its_task_when_all_its_events_are_gone(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation)
    clock.now = sealed_after(len(HOURS)).now

    remove_past_retention(installation.pipeline)

    assert event_counts(installation.engine) == (0, 0)
    with reading(installation.engine) as connection:
        assert declaration(connection, installation.config, "shadow").task is Task.MULTICLASS


def test_an_hour_that_was_never_computed_keeps_its_events_and_stays_due(store_url: str | None, tmp_path: Path) -> None:
    clock = sealed_after(2)
    installation = filled(tmp_path, store_url, clock)
    counts = event_counts(installation.engine)

    first = remove_past_retention(installation.pipeline)

    assert first is not None
    assert (first.events.sealed_hours, first.events.behind) == (0, 2 * len(MODELS))
    assert "6 model hours are past retention.events_days and keep their events" in str(first.warning())
    assert "delay 2025-03-03T00:00:00Z: not computed up to its last event" in str(first.warning())
    assert event_counts(installation.engine) == counts
    assert len(due(installation)) == len(MODELS) * len(HOURS)

    compute(installation)
    second = remove_past_retention(installation.pipeline)

    assert second is not None
    assert (second.events.sealed_hours, second.events.behind) == (2 * len(MODELS), 0)


def test_late_truth_about_a_stored_prediction_reopens_the_old_hour_before_it_is_sealed(
    store_url: str | None, tmp_path: Path
) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation)
    clock.now = sealed_after(1).now

    report = land(installation, Kind.ACTUALS, [actual_of("delay", "000-1", 99.0, at=START + 60 * DAY_MICROS)])
    kept = remove_past_retention(installation.pipeline)
    still_due = due(installation)
    compute(installation)
    removed = remove_past_retention(installation.pipeline)

    assert (report.accepted, report.revised) == (1, 1)
    assert kept is not None
    assert (kept.events.sealed_hours, kept.events.behind) == (2, 1)
    assert still_due == {("delay", START)}
    assert removed is not None
    assert removed.events.sealed_hours == 1
    with reading(installation.engine) as connection:
        entry = ledger.entries(connection, "joined_predictions", [START])["delay", START]
    joined = installation.pipeline.lake.read(str(entry.path), checksum=entry.checksum)
    assert 99.0 in joined["actual_value"].to_pylist()


def test_truth_that_lands_while_the_hour_is_looked_at_is_not_removed(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation)
    clock.now = sealed_after(1).now
    counts = event_counts(installation.engine)
    other = open_engine(installation.engine.url.render_as_string(hide_password=False))
    landed: list[int] = []

    def land_first(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.startswith("SELECT") and "joined_predictions" in str(parameters) and not landed:
            landed.append(1)
            truth = actual_of("delay", "000-1", 99.0, at=START + 60 * DAY_MICROS)
            land(replace(installation, engine=other), Kind.ACTUALS, [truth])

    event.listen(installation.engine, "before_cursor_execute", land_first)
    removed = remove_past_retention(installation.pipeline)
    event.remove(installation.engine, "before_cursor_execute", land_first)
    other.dispose()

    assert landed
    assert removed is not None
    assert removed.events.sealed_hours == 2
    assert sealed(installation) == {("late", START), ("shadow", START)}
    assert sum(counts) + 1 - removed.events.predictions - removed.events.actuals == sum(
        event_counts(installation.engine)
    )
    assert due(installation) == {("delay", START)}


def test_a_sealed_hour_is_never_due_whatever_its_revision_says(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation)
    clock.now = sealed_after(1).now
    remove_past_retention(installation.pipeline)

    with writing(installation.engine) as connection:
        connection.execute(update(hour_revision).values(revision=hour_revision.c.revision + 1, changed_at=0))

    assert due(installation) == {(model_id, hour) for model_id in MODELS for hour in STARTS[1:]}


def test_a_crash_at_any_statement_leaves_each_hour_whole_or_sealed(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock, hours=[0, 1])
    hours = STARTS[:2]
    compute(installation, hours)
    before = state_of(installation)
    whole = {
        (model_id, hour): sum(
            row["model_id"] == model_id and row["predicted_at"] // HOUR_MICROS * HOUR_MICROS == hour
            for table in ("predictions", "actuals")
            for row in stored(installation.engine, table)
        )
        for model_id in MODELS
        for hour in hours
    }
    statement, crashes, removed = 0, 0, None
    while removed is None:
        statement += 1
        try:
            with power_cut_at_statement(installation.engine, statement):
                removed = remove_sealed(
                    installation.engine,
                    lake=installation.pipeline.lake,
                    datasets=DATASETS,
                    horizon=STARTS[2],
                    now=installation.clock(),
                    batch=2,
                )
        except PowerCutError:
            crashes += 1

        left = dict.fromkeys(whole, 0)
        for table in ("predictions", "actuals"):
            for row in stored(installation.engine, table):
                left[row["model_id"], row["predicted_at"] // HOUR_MICROS * HOUR_MICROS] += 1
        assert left == {key: 0 if key in sealed(installation) else count for key, count in whole.items()}

    compute(installation, hours)
    assert crashes > 10
    assert sealed(installation) == set(whole)
    assert state_of(installation) == before


@pytest.mark.parametrize("stage", ["logged", "joined"])
def test_an_hour_sealed_while_a_stage_reads_it_is_not_written_from_nothing(
    stage: str, store_url: str | None, tmp_path: Path
) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock)
    compute(installation)
    before = state_of(installation)
    clock.now = sealed_after(4).now
    pipeline = installation.pipeline
    other = open_engine(installation.engine.url.render_as_string(hide_password=False))
    table = "predictions" if stage == "logged" else "actuals"
    happened: list[str] = []

    def seal_first(_conn: Any, _cursor: Any, statement: str, *_arguments: object) -> None:
        if f"FROM {table}" in statement and statement.startswith("SELECT") and not happened:
            happened.append(statement)
            remove_sealed(other, lake=pipeline.lake, datasets=DATASETS, horizon=STARTS[-1] + HOUR_MICROS, now=0)

    event.listen(installation.engine, "before_cursor_execute", seal_first)
    report = (log_predictions if stage == "logged" else join_predictions)(pipeline, STARTS)
    event.remove(installation.engine, "before_cursor_execute", seal_first)
    other.dispose()

    assert happened
    assert {outcome.state for outcome in report.outcomes} == {"sealed"}
    assert {outcome.row_count for outcome in report.outcomes} == {4}
    assert state_of(installation) == before


def test_an_hour_whose_file_is_damaged_keeps_its_events(tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, None, clock)
    compute(installation)
    counts = event_counts(installation.engine)
    clock.now = sealed_after(1).now
    for file in (installation.home.lake / "joined_predictions").rglob("00.*.parquet"):
        file.write_bytes(b"")

    removed = remove_past_retention(installation.pipeline)

    assert removed is not None
    assert (removed.events.sealed_hours, removed.events.damaged) == (0, 3)
    assert "is damaged" in str(removed.warning())
    assert event_counts(installation.engine) == counts


def test_without_the_setting_nothing_is_ever_removed(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = keeping(filled(tmp_path, store_url, clock), None)
    land(installation, Kind.ACTUALS, [{"model_id": "delay", "prediction_id": "nobody", "actual_value": 1}])
    land(installation, Kind.ACTUALS, [{"model_id": "delay"}])
    compute(installation)
    counts = event_counts(installation.engine)
    clock.now = START + 10 * 365 * DAY_MICROS

    removed = remove_past_retention(installation.pipeline)

    assert removed is None
    assert event_counts(installation.engine) == counts
    assert len(stored(installation.engine, "quarantine")) == 1


def test_old_quarantined_rows_go_and_young_ones_stay(store_url: str | None, tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, store_url, clock, hours=[])
    for number in range(3):
        land(installation, Kind.ACTUALS, [{"model_id": "delay", "nonsense": number}])
    clock.now = sealed_after(100).now
    horizon = START + 100 * HOUR_MICROS
    instants = [horizon - 1, horizon, horizon + 1]
    ids = [row["quarantine_id"] for row in stored(installation.engine, "quarantine")]
    with writing(installation.engine) as connection:
        for quarantine_id, received_at in zip(ids, instants, strict=True):
            row = update(quarantine).where(quarantine.c.quarantine_id == quarantine_id)
            connection.execute(row.values(received_at=received_at))

    removed = remove_past_retention(installation.pipeline)

    assert removed is not None
    assert removed.events.quarantined == 1
    assert sorted(row["received_at"] for row in stored(installation.engine, "quarantine")) == instants[1:]


def test_hours_after_the_horizon_are_not_looked_at(tmp_path: Path) -> None:
    clock = days_after_start(3)
    installation = filled(tmp_path, None, clock)

    report = remove_sealed(
        installation.engine, lake=Lake(root=tmp_path / "none"), datasets=DATASETS, horizon=START, now=0
    )

    assert (report.sealed_hours, report.kept_hours) == (0, 0)
