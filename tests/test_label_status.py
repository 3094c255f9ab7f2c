"""The status of a model's labels from what the results tables hold."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, update

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.tables import actuals, hour_revision
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.labels.status import LabelStatus, label_status
from monitoring_pipeline.windows import DAY_MICROS, Grain
from tests.label_examples import MONDAY, World, instant, one_by_one, store

CONFIG = MonitoringConfig.model_validate({"models": [{"id": "eta", "task": "regression"}]})
NOW_HOURS = 30 * 24
WORLD = World.of(one_by_one(2, coverage=0.9), days=32)
STOPPED = WORLD.stopped_at(NOW_HOURS - 24)


def status(engine: Engine, *, hours: float = NOW_HOURS, config: MonitoringConfig = CONFIG) -> LabelStatus:
    with reading(engine) as connection:
        return label_status(connection, config, "eta", now=instant(hours))


def fill(engine: Engine, world: World, *, hours: float = NOW_HOURS, **changes: object) -> None:
    store(engine, world.sums_at(hours, days=60).items(), known_from=MONDAY, **changes)


def test_a_healthy_model_is_told_with_its_delays(engine: Engine) -> None:
    fill(engine, WORLD)

    found = status(engine)

    [labels] = found.environments
    assert labels.verdict is LabelVerdict.HEALTHY
    assert labels.delays is not None
    assert labels.delays.median_seconds == pytest.approx(2 * 3600 * 0.693, rel=0.05)
    assert labels.delays.eventual_coverage == pytest.approx(0.9, abs=0.01)
    assert labels.prediction_count == sum(value.prediction_count for value in WORLD.sums_at(NOW_HOURS).values())
    assert labels.judged_at == instant(NOW_HOURS)


def test_environments_are_judged_apart_and_versions_together(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, WORLD)
    fill(sqlite_engine, WORLD, model_version="2")
    fill(sqlite_engine, STOPPED, environment="test")

    production, test = status(sqlite_engine).environments

    assert (production.environment, production.verdict) == ("production", LabelVerdict.HEALTHY)
    assert (test.environment, test.verdict) == ("test", LabelVerdict.LABELS_STOPPED)
    assert production.prediction_count == 2 * test.prediction_count


def test_a_stop_that_is_months_old_is_still_a_stop(sqlite_engine: Engine) -> None:
    world = World.of(one_by_one(2), days=130, per_hour=5).stopped_at(NOW_HOURS)
    store(sqlite_engine, world.sums_at(120 * 24, days=130).items(), known_from=MONDAY)

    [labels] = status(sqlite_engine, hours=120 * 24).environments

    assert labels.verdict is LabelVerdict.LABELS_STOPPED
    assert instant(NOW_HOURS) < labels.judged_at < instant(NOW_HOURS + 12 * 24)


def test_hours_whose_labels_are_stored_but_not_counted_yet_are_no_stop(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, STOPPED)
    looked_at = instant(NOW_HOURS - 24)
    with writing(sqlite_engine) as connection:
        hours = STOPPED.sums_at(NOW_HOURS)
        due = {"model_id": "eta", "prediction_revision": 1, "changed_at": 0, "revision": 2}
        done = {"dataset": "hourly_performance", "model_id": "eta", "revision": 1, "checksum": "", "row_count": 1}
        connection.execute(insert(hour_revision), [{**due, "hour": hour} for hour in hours])
        entries = [{**done, "byte_count": 0, "window_start": hour, "published_at": looked_at} for hour in hours]
        connection.execute(insert(partition_ledger), entries)

    while_due = status(sqlite_engine).environments[0]
    with writing(sqlite_engine) as connection:
        connection.execute(update(partition_ledger).values(revision=2))
    computed = status(sqlite_engine).environments[0]

    assert (while_due.verdict, while_due.uncounted_hours) == (LabelVerdict.HEALTHY, len(hours))
    assert (computed.verdict, computed.uncounted_hours) == (LabelVerdict.LABELS_STOPPED, 0)


def test_the_past_is_told_as_it_was_known(sqlite_engine: Engine) -> None:
    then, now = instant(NOW_HOURS), instant(NOW_HOURS + 30)
    fill(sqlite_engine, STOPPED)
    before = status(sqlite_engine)
    with writing(sqlite_engine) as connection:
        connection.execute(update(performance_sums).values(known_to=then + 1))
    store(sqlite_engine, WORLD.sums_at(NOW_HOURS + 30, days=60).items(), known_from=then + 1)

    again, later = status(sqlite_engine), status(sqlite_engine, hours=NOW_HOURS + 30)

    assert again == before
    assert before.environments[0].verdict is LabelVerdict.LABELS_STOPPED
    assert later.environments[0].verdict is LabelVerdict.HEALTHY
    assert later.environments[0].judged_at == now


def test_corrections_and_retractions_are_counted_over_the_look_back(sqlite_engine: Engine) -> None:
    sums = WORLD.sums_at(NOW_HOURS)
    first = min(sums)
    sums[first] = replace(sums[first], corrected_count=3, retracted_count=2)
    store(sqlite_engine, sums.items(), known_from=MONDAY)

    [labels] = status(sqlite_engine).environments

    assert (labels.corrected_count, labels.retracted_count) == (3, 2)
    assert labels.arrived_count == sum(value.delay_seconds.count for value in sums.values())


def test_orphans_are_counted_once_each_with_the_age_of_the_oldest(engine: Engine) -> None:
    fill(engine, WORLD)
    orphan = {"model_id": "eta", "predicted_at": None, "actual_value": 1.0, "batch_id": "b"}
    rows = [("a", 1, 3), ("a", 2, 9), ("b", 1, 5), ("future", 1, NOW_HOURS + 1)]
    with writing(engine) as connection:
        connection.execute(
            insert(actuals),
            [
                {**orphan, "prediction_id": i, "revision": r, "received_at": instant(hours)} for i, r, hours in rows
            ]
            + [{**orphan, "prediction_id": "known", "revision": 1, "predicted_at": 1, "received_at": 1}],
        )  # fmt: skip

    orphans = status(engine).orphans

    assert (orphans.count, orphans.oldest_at) == (2, instant(3))


def test_coverage_by_age_ends_where_the_labels_do(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, WORLD)

    [labels] = status(sqlite_engine).environments

    ages = [age.age_seconds / 3600 for age in labels.ages]
    assert ages == [0.25, 1, 2, 4, 8, 12]
    for age in labels.ages:
        assert age.lower is not None
        assert age.upper is not None
        assert age.lower < age.expected < age.upper
        assert age.seen == pytest.approx(age.expected, abs=0.07)


def test_recent_windows_say_how_mature_they_are(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, WORLD)

    windows = status(sqlite_engine).environments[0].windows

    hours = [window for window in windows if window.window.grain is Grain.HOUR]
    days = [window for window in windows if window.window.grain is Grain.DAY]
    assert [window.window.start for window in hours] == [instant(NOW_HOURS - back) for back in range(24, 0, -1)]
    assert [window.window.start for window in days] == [
        instant(NOW_HOURS) - back * DAY_MICROS for back in range(6, 0, -1)
    ]
    assert hours[-1].maturity is not None
    assert hours[-1].expected_coverage is not None
    assert hours[-1].maturity < 0.5
    assert hours[-1].labelled_count / hours[-1].prediction_count == pytest.approx(hours[-1].expected_coverage, abs=0.2)
    assert days[0].maturity == pytest.approx(1, abs=0.05)
    assert (days[0].mature_by_rule, hours[-1].mature_by_rule) == (True, False)


def test_a_longer_maturity_reads_a_longer_history(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, WORLD)
    patient = {"id": "eta", "task": "regression", "labels": {"maturity": "P20D"}}

    found = status(sqlite_engine, config=MonitoringConfig.model_validate({"models": [patient]}))

    assert found.look_back_seconds == 60 * 86_400


def test_a_status_is_json(sqlite_engine: Engine) -> None:
    fill(sqlite_engine, STOPPED)

    [row] = status(sqlite_engine).to_dict()

    text = json.dumps(row, allow_nan=False)
    assert json.loads(text)["verdict"] == "labels_stopped"
    assert row["judged_at"] == "2026-04-01T00:00:00Z"
    assert row["windows"][0]["grain"] == "hour"


def test_a_model_without_sums_has_no_environments(sqlite_engine: Engine) -> None:
    found = status(sqlite_engine)

    assert (found.environments, found.to_dict()) == ((), [])
