"""Drift of the truth, through the real stages: which labels count, when, and that only the rows decide it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.tables import alerts, findings
from monitoring_pipeline.database import reading
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import DATASET, measure_truth_drift
from monitoring_pipeline.stages.due import due_days
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour
from tests.pipeline_examples import ingest
from tests.truth_drift_world import (
    ACTUAL,
    CONCEPT,
    FEATURES,
    LONG_AFTER,
    ROWS,
    STREAM,
    Row,
    World,
    flipped,
    maker_of,
    usual,
    worse,
)


@pytest.fixture
def make(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Callable[..., World]:
    return maker_of(sqlite_engine, tmp_path, clock)


def test_a_moved_truth_is_label_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.day(1, worse)

    world.compute(0, 1)

    assert [world.verdict(day, ACTUAL)["verdict"] for day in (0, 1)] == ["no_drift", "drift"]
    measured = {row["measure"] for row in world.rows(1) if row["feature"] == ACTUAL}
    assert {"overall", "ks", "wasserstein", "psi"} <= measured
    assert {row["drift_type"] for row in world.rows(1) if row["feature"] == ACTUAL} == {"label_drift"}


def test_late_truth_measures_its_day_again_and_those_that_replay_it(make: Callable[..., World]) -> None:
    world = make()
    late = world.events(2)[1][100:]
    world.day(2, told=100)
    for day in (1, 3, 9, 10):
        world.day(day)
    world.compute(1, 2, 3, 9, 10)
    before = {row["window_start"]: row for row in _entries(world)}
    ingest(world.late.installation, actuals=late)

    world.compute(1, 2, 3, 9, 10, at=LONG_AFTER + HOUR_MICROS)

    after = {row["window_start"]: row for row in _entries(world)}
    again = {start for start, row in after.items() if row["published_at"] != before[start]["published_at"]}
    assert again == {hour(2), hour(3), hour(9)}
    assert {start for start, row in after.items() if row["revision"] != before[start]["revision"]} == {hour(2)}
    assert world.verdict(2, ACTUAL)["n_window"] == ROWS
    # Of the days that replay it only what its rows changed was written anew.
    assert {r["feature"] for r in world.rows(3) if r["known_from"] > LONG_AFTER} <= {STREAM}


def _entries(world: World) -> list[Row]:
    return [row for row in world.table(partition_ledger) if row["dataset"] == DATASET]


def test_alerts_on_it_are_provisional_until_labels_are_due_and_retracted_by_late_truth(
    make: Callable[..., World],
) -> None:
    world = make()
    young, due = hour(2), hour(1) + 49 * HOUR_MICROS
    truths = world.events(0, worse)[1]
    world.day(0, worse, told=120)
    world.day(1, worse)
    world.compute(0, 1, at=young)
    states = _states(world)
    assert states[0, "relation"] == states[1, "truth"] == "provisional"

    # The rest of the first day's truths make most of it as usual.
    usually = [{**late, "actual_value": u["actual_value"]} for late, u in zip(truths, world.events(0)[1], strict=True)]
    corrected = [{**event, "received_at": isoformat(young + HOUR_MICROS)} for event in usually]
    world.late.clock.now = young + HOUR_MICROS
    ingest(world.late.installation, actuals=corrected)
    world.compute(0, 1, at=young + 2 * HOUR_MICROS)
    retracted = _states(world)
    world.late.clock.now = due + DAY_MICROS
    mature_alerts(world.late.pipeline)

    assert (retracted[0, "relation"], retracted[0, "truth"]) == ("retracted", "retracted")
    assert (retracted[1, "relation"], _states(world)[1, "relation"]) == ("provisional", "confirmed")


def _states(world: World) -> dict[tuple[int, str], str]:
    found = [row for row in world.table(alerts) if row["grain"] == "day"]
    return {((row["window_start"] - hour(0)) // DAY_MICROS, row["rule_id"]): row["state"] for row in found}


def test_rows_do_not_depend_on_the_order_of_arrival_or_of_computation(
    make: Callable[..., World], tmp_path: Path, postgres_engine: Engine, clock: FixedClock
) -> None:
    world = make()
    for day in (0, 1, 2):
        world.day(day, worse if day == 1 else usual)
    world.compute(0, 1, 2)
    first = world.rows()
    closed = [row for row in world.table(drift_results) if row["known_to"] is not None]
    other = World(late=LateTruth(postgres_engine, tmp_path / "other", clock, **world.late.model.model_dump()))
    for day in (2, 0, 1):
        other.day(day, worse if day == 1 else usual, reverse=True)
        other.compute(day)

    world.compute(0, 1, 2, only_due=False)

    assert world.rows() == first
    assert [row for row in world.table(drift_results) if row["known_to"] is not None] == closed == []
    assert _without_knowledge(other.rows()) == _without_knowledge(first)


def _without_knowledge(rows: Sequence[Row]) -> list[list[tuple[str, Any]]]:
    return sorted(([item for item in row.items() if not item[0].startswith("known_")] for row in rows), key=repr)


def test_neither_stage_closes_the_rows_of_the_other(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.compute(0)
    rows = world.rows()

    measure_drift(world.late.pipeline, Grain.DAY, [hour(0)])
    measure_truth_drift(world.late.pipeline, [hour(0)])

    assert world.rows() == rows
    assert {row["drift_type"] for row in rows} == {"data_drift", "prediction_drift", "label_drift", "concept_drift"}


def test_a_day_without_labels_says_so_and_opens_no_alert(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, told=0)

    world.compute(0)

    truths = [row for row in world.rows(0) if row["feature"] in (CONCEPT, ACTUAL, STREAM)]
    assert {(row["verdict"], row["reason"]) for row in truths} == {("not_enough_data", "too_few_window_rows")}
    assert {row["n_window"] for row in truths} == {0}
    judged = {row["rule_id"]: row["verdict"] for row in world.table(findings)}
    assert judged == {"relation": "not_enough_data", "truth": "not_enough_data"}


@pytest.mark.parametrize(
    ("reference", "state"),
    [(None, "none declared"), ("features-only", "declared, but without a column of truth")],
)
def test_without_a_labelled_reference_there_are_no_rows_and_the_outcome_says_why(
    reference: str | None, state: str, sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    file = tmp_path / "features.parquet"
    pq.write_table(pa.table({"x": [1.0, 2.0], "kind": ["a", "b"]}), file)
    declared = {} if reference is None else {"reference": {"file": str(file)}}
    world = World(late=LateTruth(sqlite_engine, tmp_path, clock, features=FEATURES, **declared))
    world.day(0)

    report = world.compute(0)

    assert [outcome.details["reference"] for outcome in report.outcomes] == [state]
    assert not [row for row in world.rows(0) if row["drift_type"] in ("label_drift", "concept_drift")]
    assert [row["row_count"] for row in _entries(world)] == [0]


def test_a_window_reference_without_truth_is_not_enough_and_one_with_truth_is(make: Callable[..., World]) -> None:
    days = {"start": isoformat(hour(0)), "end": isoformat(hour(9))}
    world = make(reference=days)
    for day in range(9):
        world.day(day, told=0, rows=80)
    world.day(9, flipped)
    world.compute(*range(10))
    without = world.verdict(9, CONCEPT), world.verdict(9, ACTUAL), world.verdict(9, STREAM, "cusum")

    for day in range(9):
        ingest(world.late.installation, actuals=world.events(day, rows=80)[1])
    world.compute(*range(9))
    world.compute(9, only_due=False)

    assert {row["reason"] for row in without} == {"too_few_reference_rows"}
    assert world.verdict(9, CONCEPT)["n_reference"] == 9 * 80
    assert world.verdict(9, CONCEPT)["verdict"] == "drift"
    assert world.verdict(9, STREAM, "cusum")["verdict"] == "drift"


def test_what_could_not_be_measured_stops_no_other_rule_and_is_judged_once_it_can_be(
    make: Callable[..., World], tmp_path: Path
) -> None:
    world = make()
    world.day(0, flipped)
    file, kept = tmp_path / "reference.parquet", tmp_path / "kept.parquet"
    file.rename(kept)
    world.hours([0])
    p = world.late.pipeline
    merge_days(p, [hour(0)])

    [failure] = measure_truth_drift(p, [hour(0)]).failures

    assert "cannot be read" in failure.sentence
    assert "m" in failure.sentence
    judge_windows(p, Grain.DAY, [hour(0)])
    assert world.table(findings) == []
    kept.rename(file)
    world.compute(0)
    assert {row["rule_id"]: row["verdict"] for row in world.table(findings)}["relation"] == "breach"


def test_a_day_is_due_while_its_truth_drift_is_behind(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.compute(0)
    with reading(world.late.engine) as connection:
        behind = due_days(connection, now=LONG_AFTER)
    # This world estimates nothing; with an estimate the day would be up to date.
    assert [due.window_start for due in behind] == [hour(0)]
