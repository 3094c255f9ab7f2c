"""Rules with a trend, from real events to alerts: late events of an earlier day are felt in the later ones."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.database import open_engine
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts, review_due
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import Grain
from tests.alerts_examples import count, rows
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour

FALLING = {
    "id": "losing-confidence",
    "metric": "average_confidence",
    "trend": {"direction": "falling", "windows": 4, "by": 0.02},
}
WORSE = {"id": "worse", "metric": "mae", "trend": {"direction": "rising", "by": 0.5}, "min_labelled": 10}
ROWS = 40
HOURS = (12, 13, 18, 19)  # those of a day that have rows
LATER = hour(20)  # every label has come of age


def world_of(engine: Engine, folder: Path, clock: FixedClock, *rules: dict[str, Any]) -> LateTruth:
    clock.now = hour(0)
    return LateTruth(engine, folder, clock, rules=list(rules), channels=["log"])


@pytest.fixture
def sure(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> LateTruth:
    """A model whose confidence is watched."""
    return world_of(sqlite_engine, tmp_path, clock, FALLING)


def predict(world: LateTruth, day: int, confidence: float, *, at: int = 12, count: int = ROWS) -> None:
    """Rows of one day, half of them a little surer than the rest."""
    for half, shift in enumerate((-0.01, 0.01)):
        world.predict(hour(day, at + half), *([10.0] * (count // 2)), confidence=confidence + shift)


def tell(world: LateTruth, day: int, error: float, *, at: int, count: int = ROWS) -> None:
    """Truth of the rows of a day, each half a little apart, so that the error has an interval."""
    for half in range(2):
        actuals: dict[int, float | None] = {row: 10.0 + error + 0.1 * (row % 3) for row in range(count // 2)}
        world.tell(hour(day, 12 + half), actuals, at=at)


def judge(world: LateTruth, *days: int, at: int = LATER) -> None:
    """Bring days up to date, and judge them."""
    world.clock.now = at
    hours = [hour(day, of_day) for day in days for of_day in HOURS]
    starts = [hour(day) for day in days]
    log_predictions(world.pipeline, hours, only_due=True)
    join_predictions(world.pipeline, hours, only_due=True)
    measure_hours(world.pipeline, hours, only_due=True)
    merge_days(world.pipeline, starts, only_due=True)
    measure_drift(world.pipeline, Grain.DAY, starts, only_due=True)
    judge_windows(world.pipeline, Grain.DAY, starts, only_due=True)


def standing(world: LateTruth) -> list[dict[str, Any]]:
    found = rows(world.engine, findings, "rule_id", "window_start")
    return [row for row in found if row["known_to"] is None]


def said(world: LateTruth) -> list[str]:
    """What stands, day by day: the reason where there is one."""
    return [row["reason"] or row["verdict"] for row in standing(world)]


def states(world: LateTruth) -> list[str]:
    return [row["state"] for row in rows(world.engine, alerts, "window_start")]


def test_confidence_that_falls_for_four_days_is_an_alert(sure: LateTruth) -> None:
    for day, confidence in enumerate((0.90, 0.87, 0.84, 0.81, 0.81)):
        predict(sure, day, confidence)

    judge(sure, *range(5))

    assert said(sure) == ["windows_missing"] * 3 + ["breach"] + ["trend_uncertain"]
    assert states(sure) == ["confirmed"]
    alert = rows(sure.engine, alerts)[0]
    assert (alert["metric"], alert["window_start"]) == ("average_confidence_trend", hour(3))
    assert (alert["value"], alert["threshold"]) == (pytest.approx(-0.09), -0.02)
    assert alert["upper"] < -0.02
    text = json.loads(rows(sure.engine, notifications)[0]["payload"])["text"]
    assert "average_confidence_trend of m" in text
    assert "is -0.09 in 2013-06-20 (rule losing-confidence: alert below -0.02; 40 predictions, 0% labelled)" in text


def test_confidence_that_stays_or_rises_is_ok(sure: LateTruth) -> None:
    for day, confidence in enumerate((0.90, 0.90, 0.90, 0.90, 0.91, 0.92, 0.93)):
        predict(sure, day, confidence)

    judge(sure, *range(7))

    assert said(sure) == ["windows_missing"] * 3 + ["ok"] * 4
    assert count(sure.engine, alerts) == 0


def test_late_rows_of_earlier_days_take_the_evidence_away_and_those_of_the_last_retract_the_alert(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    world = world_of(engine, tmp_path, clock, FALLING)
    for day, confidence in enumerate((0.90, 0.87, 0.84, 0.81)):
        predict(world, day, confidence)
    judge(world, *range(4))
    told = [(said(world)[3], states(world))]
    world.clock.now = LATER + 1
    for day, confidence in enumerate((0.80, 0.83, 0.86)):  # what comes late makes the days alike
        predict(world, day, confidence, at=18)
    judge(world, *range(3), at=LATER + 2)
    told.append((said(world)[3], states(world)))
    world.clock.now = LATER + 3
    predict(world, 3, 0.89, at=18)

    judge(world, 3, at=LATER + 4)

    told.append((said(world)[3], states(world)))
    # What is uncertain opens no alert, and takes none back.
    assert told == [("breach", ["confirmed"]), ("trend_uncertain", ["confirmed"]), ("ok", ["retracted"])]
    retracted = rows(world.engine, alert_events, "sequence")[-1]
    assert (retracted["old_value"], retracted["new_value"]) == pytest.approx((-0.036, 0.0))
    causes = json.loads(retracted["causes"])["batches"]
    assert [(batch["kind"], batch["row_count"]) for batch in causes] == [("predictions", ROWS // 2)] * 2


def test_a_day_that_comes_late_completes_the_trends_that_lacked_it(sure: LateTruth) -> None:
    confidences = (0.90, 0.87, 0.84, 0.81, 0.78)
    for day in (0, 2, 3, 4):
        predict(sure, day, confidences[day])
    judge(sure, 0, 2, 3, 4)
    before = said(sure)
    sure.clock.now = LATER + 1
    predict(sure, 1, confidences[1])

    judge(sure, 1, at=LATER + 2)

    assert before == ["windows_missing"] * 4
    assert said(sure) == ["windows_missing"] * 3 + ["breach"] * 2
    causes = json.loads(rows(sure.engine, alert_events)[0]["causes"])
    assert [batch["row_count"] for batch in causes["batches"]] == [ROWS // 2] * 2


def test_the_end_does_not_depend_on_the_order_in_which_days_were_judged(tmp_path: Path, clock: FixedClock) -> None:
    rng = random.Random(1)
    confidences = (0.90, 0.86, 0.82, 0.78, 0.78, 0.90)
    errors = [1.0 + rng.choice([0.0, 0.1]) for _ in confidences]
    days = range(len(confidences))
    ends = []
    for name, order in (("once", [list(days)]), ("often", [[day] for day in rng.sample(days, k=len(days))])):
        store = open_engine(f"sqlite:///{tmp_path / name}.db")
        upgrade(store)
        world = world_of(store, tmp_path / name, clock, FALLING, WORSE)
        for arrived in order:
            for day in arrived:
                predict(world, day, confidences[day])
                tell(world, day, errors[day], at=hour(day, 20))
            judge(world, *arrived)
        ends.append([{key: row[key] for key in row if not key.startswith("known")} for row in standing(world)])
        store.dispose()

    assert ends[0] == ends[1]
    found = {row["reason"] or row["verdict"] for row in ends[0]}
    assert found == {"windows_missing", "trend_uncertain", "breach", "ok"}


def test_a_trend_of_errors_waits_for_the_labels_of_its_newest_day_and_late_truth_takes_it_back(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    world = world_of(engine, tmp_path, clock, WORSE)
    for day, error in enumerate((1.0, 2.0, 3.0, 4.0)):
        predict(world, day, 0.9)
        tell(world, day, error, at=hour(day, 20), count=ROWS // 4)  # the labels that come first
    judge(world, *range(4), at=hour(4, 1))
    young, asked = said(world), review_due(world.pipeline)

    world.clock.now = hour(6)  # maturity is two days: those of the fourth are due
    due = review_due(world.pipeline)
    mature_alerts(world.pipeline)
    matured, told = said(world), states(world)
    tell(world, 0, 4.0, at=hour(6, 1))
    tell(world, 1, 4.0, at=hour(6, 1))
    judge(world, 0, 1, at=hour(6, 2))

    assert young == ["windows_missing"] * 3 + ["labels_still_expected"]
    assert (asked, bool(due), review_due(world.pipeline)) == ((), True, ())
    assert (matured[3], told) == ("breach", ["confirmed"])
    assert states(world) == ["confirmed"]  # 4, 4, 3, 4: an error that still may rise by 0.5 is not taken back
    assert said(world)[3] == "trend_uncertain"

    tell(world, 2, 4.0, at=hour(6, 3))
    judge(world, 2, at=hour(6, 4))

    assert (said(world)[3], states(world)) == ("ok", ["retracted"])


def test_a_trend_of_errors_is_told_at_once_where_every_day_has_its_labels(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    world = world_of(sqlite_engine, tmp_path, clock, WORSE)
    for day, error in enumerate((1.0, 2.0, 3.0, 4.0)):
        predict(world, day, 0.9)
        tell(world, day, error, at=hour(day, 20), count=ROWS // 4 if day == 1 else ROWS)
    judge(world, *range(4), at=hour(4, 1))
    waiting = said(world)
    tell(world, 1, 2.0, at=hour(4, 2))

    judge(world, 1, at=hour(4, 3))

    assert (waiting[3], said(world)[3], states(world)) == ("labels_still_expected", "breach", ["confirmed"])


def test_a_new_version_starts_from_nothing(sure: LateTruth) -> None:
    for day, confidence in enumerate((0.90, 0.87, 0.84, 0.81)):
        sure.predict(hour(day, 12), *([10.0] * ROWS), confidence=confidence, model_version=str(day // 3))

    judge(sure, *range(4))

    assert said(sure) == ["windows_missing"] * 4


def test_judging_again_writes_nothing(sure: LateTruth) -> None:
    for day, confidence in enumerate((0.90, 0.87, 0.84, 0.81)):
        predict(sure, day, confidence)
    judge(sure, *range(4))
    before = [rows(sure.engine, table) for table in (findings, alerts, alert_events, notifications)]

    judge_windows(sure.pipeline, Grain.DAY, [hour(day) for day in (2, 0, 3, 1)])

    assert [rows(sure.engine, table) for table in (findings, alerts, alert_events, notifications)] == before
