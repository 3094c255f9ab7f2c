"""Rules that demand that a breach lasts, from real events to findings: the same end whatever came first."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.alerts_examples import rows
from tests.conftest import FixedClock
from tests.pipeline_examples import LONG_AFTER, START, ingest, open_home
from tests.stage_runs import declared, with_models

ROWS = 6
PERSIST = {"windows": 2, "of": 3}
MAE = {"id": "mae", "metric": "mae", "above": 6, "grain": "hour", "min_labelled": 3, "persist": PERSIST}
OFTEN = {**MAE, "id": "often", "persist": {"windows": 3, "of": 5}, "escalate": {"above": 20, "severity": "critical"}}
AT_ONCE = {**MAE, "id": "at-once", "persist": None}
COVERAGE = {"id": "truth", "metric": "coverage", "below": 0.9, "grain": "hour", "min_labelled": 0, "persist": PERSIST}
CHANGE = {
    "id": "change",
    "metric": "mae",
    "above": 0.5,
    "grain": "hour",
    "min_labelled": 3,
    "baseline": {"windows": 3, "every": "PT2H"},
    "persist": PERSIST,
}
MOVED = {"id": "moved", "metric": "drifted_features", "above": 0, "grain": "hour", "persist": PERSIST}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(LONG_AFTER)


@pytest.fixture
def installation(tmp_path: Path, clock: FixedClock) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=clock)
    yield installation
    installation.engine.dispose()


def pipeline_of(installation: Installation, *rules: dict[str, Any]) -> Pipeline:
    changes = {"rules": list(rules), "segments": [], "features": {"distance": {"type": "numeric"}}}
    return with_models(installation, declared(installation, "delay", **changes))


def predicted(hours: Sequence[int], *, distance: float | None = None, micros: int = HOUR_MICROS) -> list[Any]:
    return [
        {
            "model_id": "delay",
            "prediction_id": f"{hour}-{row}",
            "timestamp": isoformat(START + hour * micros + row * 60_000_000),
            "received_at": isoformat(START + hour * micros + row * 60_000_000),
            "predicted_value": 10.0,
            "features": {"distance": 350.0 * row if distance is None else distance},
        }
        for hour in hours
        for row in range(ROWS)
    ]


def truths(hour: int, *, error: float, count: int = ROWS, at: int | None = None) -> list[Any]:
    known = {} if at is None else {"received_at": isoformat(at), "timestamp": isoformat(at)}
    return [
        # The rows of an hour differ, so that a change against it has an interval.
        {
            "model_id": "delay",
            "prediction_id": f"{hour}-{row}",
            "actual_value": 10.0 - error - 0.1 * (row % 3),
            **known,
        }
        for row in range(count)
    ]


def bring_up_to_date(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = True) -> None:
    starts = [START + hour * HOUR_MICROS for hour in hours]
    log_predictions(pipeline, starts, only_due=only_due)
    join_predictions(pipeline, starts, only_due=only_due)
    measure_hours(pipeline, starts, only_due=only_due)
    measure_drift(pipeline, Grain.HOUR, starts, only_due=only_due)
    judge_windows(pipeline, Grain.HOUR, starts, only_due=only_due)


def standing(installation: Installation, *columns: str) -> list[tuple[Any, ...]]:
    found = rows(installation.engine, findings, "rule_id", "window_start", "model_version", "segment")
    return [tuple(row[column] for column in columns) for row in found if row["known_to"] is None]


def verdicts_of(installation: Installation, rule_id: str = "mae") -> list[str]:
    """What stands of a rule, window by window: the reason where there is one."""
    found = standing(installation, "rule_id", "verdict", "reason")
    return [reason or verdict for rule, verdict, reason in found if rule == rule_id]


def end_state(installation: Installation) -> list[Any]:
    kept = [column.name for column in findings.c if not column.name.startswith("known_")]
    active = [
        (row["alert_id"], row["state"], row["severity"], row["value"])
        for row in rows(installation.engine, alerts, "alert_id")
        if row["state"] not in ("retracted", "withdrawn")
    ]
    with reading(installation.engine) as connection:
        hours = range(START, START + 40 * DAY_MICROS, HOUR_MICROS)
        judged = ledger.entries(connection, "hourly_findings", hours)
    return [standing(installation, *kept), active, sorted((key, entry.checksum) for key, entry in judged.items())]


def test_one_bad_hour_is_ok_and_says_why_and_the_second_is_a_breach(installation: Installation) -> None:
    pipeline = pipeline_of(installation, MAE, AT_ONCE)
    errors = [1, 8, 1, 8, 8, 1]
    ingest(installation, predictions=predicted(range(6)))
    ingest(installation, actuals=[t for hour, error in enumerate(errors) for t in truths(hour, error=error)])

    bring_up_to_date(pipeline, range(6))

    assert verdicts_of(installation, "at-once") == ["ok", "breach", "ok", "breach", "breach", "ok"]
    assert verdicts_of(installation) == ["ok", "not_persistent", "ok", "breach", "breach", "ok"]
    value, threshold = next(
        (value, threshold)
        for rule, reason, value, threshold in standing(installation, "rule_id", "reason", "value", "threshold")
        if (rule, reason) == ("mae", "not_persistent")
    )
    assert (value, threshold) == (pytest.approx(8.1), 6.0)


def test_late_truth_of_an_earlier_hour_is_felt_in_the_later_ones_and_told_with_its_batch(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation, MAE)
    ingest(installation, predictions=predicted(range(3)), actuals=[*truths(0, error=1), *truths(1, error=8)])
    bring_up_to_date(pipeline, range(3))
    before = verdicts_of(installation)
    clock.advance(hours=1)
    ingest(installation, actuals=truths(0, error=9))  # a correction

    bring_up_to_date(pipeline, [0])

    assert before == ["ok", "not_persistent", "too_few_labels"]
    assert verdicts_of(installation) == ["not_persistent", "breach", "too_few_labels"]
    [event] = rows(installation.engine, alert_events, "known_at")
    assert (event["to_state"], event["known_at"]) == ("confirmed", clock())
    [batch] = json.loads(event["causes"])["batches"]
    assert (batch["kind"], batch["row_count"]) == ("actuals", ROWS)

    clock.advance(hours=1)
    ingest(installation, actuals=truths(0, error=2))
    bring_up_to_date(pipeline, [0])

    retracted = json.loads(rows(installation.engine, notifications, "sequence")[-1]["payload"])
    assert (retracted["to_state"], retracted["reason"]) == ("retracted", "not_persistent")
    assert "mae of delay" in retracted["text"]
    assert "is 8.1 in the hour 2025-03-03T01:00:00Z, beyond the bound, but not persistent (rule" in retracted["text"]
    assert "batch test" in retracted["text"]


@pytest.mark.parametrize("seed", range(3))
def test_the_end_does_not_depend_on_the_order_in_which_hours_were_judged(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    hours = [hour for hour in range(10) if rng.random() < 0.9]  # some are missing
    at = START + 3 * DAY_MICROS
    landed: dict[tuple[str | int, ...], list[Any]] = {
        ("predictions", hour): predicted([hour], distance=rng.choice([None, 1e6])) for hour in hours
    }
    for wave in range(2):  # the second wave corrects the first
        for hour in hours:
            landed["actuals", hour, wave] = truths(hour, error=rng.choice([1.0, 8.0, 25.0]), at=at + wave)
    once, often = (open_home(tmp_path / name, clock=FixedClock(LONG_AFTER)) for name in ("once", "often"))
    at_once, in_steps = (pipeline_of(home, MAE, OFTEN, CHANGE, MOVED) for home in (once, often))

    for kind in ("predictions", "actuals"):
        ingest(once, **{kind: [event for key, events in landed.items() if key[0] == kind for event in events]})
    bring_up_to_date(at_once, hours)
    steps = rng.sample(list(landed), k=len(landed))
    for i, step in enumerate(steps):
        ingest(often, **{str(step[0]): landed[step]})
        if i % 4 == 0:
            bring_up_to_date(in_steps, rng.sample(hours, k=3))
    for hour in rng.sample(hours, k=len(hours)):
        bring_up_to_date(in_steps, [hour])

    assert end_state(often) == end_state(once)
    said = set(standing(once, "verdict", "reason"))
    assert {("breach", None), ("ok", "not_persistent")} <= said
    for installation in (once, often):
        installation.engine.dispose()


def test_days_look_back_at_days_across_the_borders_of_a_run(installation: Installation) -> None:
    pipeline = pipeline_of(installation, {**MAE, "grain": "day"})
    days = [START + day * DAY_MICROS for day in range(3)]
    ingest(installation, predictions=predicted(range(3), micros=DAY_MICROS))
    ingest(installation, actuals=[t for day in (0, 2) for t in truths(day, error=8)])
    bring_up_to_date(pipeline, [0, 24, 48])
    for day in reversed(days):
        merge_days(pipeline, [day], only_due=True)
        measure_drift(pipeline, Grain.DAY, [day], only_due=True)
        judge_windows(pipeline, Grain.DAY, [day], only_due=True)

    assert verdicts_of(installation) == ["not_persistent", "too_few_labels", "breach"]


def test_drift_counts_when_it_lasts(installation: Installation) -> None:
    pipeline = pipeline_of(installation, MOVED)
    distances = {0: None, 1: 1e6, 2: None, 3: 1e6, 4: 1e6}
    for hour, distance in distances.items():
        ingest(installation, predictions=predicted([hour], distance=distance))
    for hour in (4, 3, 2, 1, 0):
        bring_up_to_date(pipeline, [hour])

    at_once = open_home(installation.home.root / "other", clock=installation.clock)
    for hour, distance in distances.items():
        ingest(at_once, predictions=predicted([hour], distance=distance))
    bring_up_to_date(pipeline_of(at_once, {**MOVED, "persist": None}), range(5))

    alone = verdicts_of(at_once, "moved")
    beyond = [verdict == "breach" for verdict in alone]
    expected = [
        verdict if not beyond[i] else "breach" if sum(beyond[max(0, i - 2) : i + 1]) >= 2 else "not_persistent"
        for i, verdict in enumerate(alone)
    ]
    assert verdicts_of(installation, "moved") == expected
    assert {"breach", "not_persistent"} <= set(expected)
    at_once.engine.dispose()


def test_missing_truth_is_confirmed_when_it_is_due_in_enough_hours(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation, COVERAGE)
    clock.now = START + 3 * HOUR_MICROS
    ingest(installation, predictions=predicted(range(3)))
    bring_up_to_date(pipeline, range(3))
    young = verdicts_of(installation, "truth")
    told = []
    for hours in (26, 27):  # maturity is a day
        clock.now = START + (hours - 1) * HOUR_MICROS
        mature_alerts(pipeline)
        told.append(verdicts_of(installation, "truth"))

    waiting = "labels_still_expected"
    assert young == [waiting] * 3
    assert told == [["not_persistent", waiting, waiting], ["not_persistent", "breach", waiting]]


def test_a_breach_stays_provisional_while_late_truth_of_an_earlier_hour_can_take_it_back(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation, MAE)
    clock.now = START + 3 * HOUR_MICROS
    ingest(installation, predictions=predicted(range(2)))
    ingest(installation, actuals=[*truths(0, error=8, count=4), *truths(1, error=8)])
    bring_up_to_date(pipeline, range(2))
    states = [row["state"] for row in rows(installation.engine, alerts, "alert_id")]
    clock.now = START + 4 * HOUR_MICROS
    ingest(installation, actuals=truths(0, error=8))
    bring_up_to_date(pipeline, [0])

    assert states == ["provisional"]
    assert [row["state"] for row in rows(installation.engine, alerts, "alert_id")] == ["confirmed"]


def test_judging_again_writes_nothing(installation: Installation) -> None:
    pipeline = pipeline_of(installation, MAE, OFTEN)
    ingest(installation, predictions=predicted(range(4)))
    ingest(installation, actuals=[t for hour in range(4) for t in truths(hour, error=8)])
    bring_up_to_date(pipeline, range(4))
    before = [rows(installation.engine, table) for table in (findings, alerts, alert_events, notifications)]

    bring_up_to_date(pipeline, [1, 0, 3], only_due=False)

    assert [rows(installation.engine, table) for table in (findings, alerts, alert_events, notifications)] == before
