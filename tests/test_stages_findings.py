"""Findings follow the truth, from real ingest to the event of the alert: what flipped it, and nothing twice."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.tables import actuals, ingest_batches
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts, review_due
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, Grain, isoformat
from tests.alerts_examples import rows
from tests.conftest import FixedClock
from tests.pipeline_examples import LONG_AFTER, START, open_home
from tests.stage_runs import declared, run_hours, with_models

END_OF_HOUR = START + HOUR_MICROS
RULE = {"id": "mae-of-the-hour", "metric": "mae", "above": 6, "grain": "hour", "min_labelled": 5}
ESCALATING = {**RULE, "escalate": {"above": 20, "severity": "critical"}}
ROW_COUNT = 36
TABLES = (findings, alerts, alert_events, notifications)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(END_OF_HOUR)


@pytest.fixture
def installation(tmp_path: Path, clock: FixedClock) -> Iterator[Installation]:
    """One hour of predictions, each of which says ten; no truth yet."""
    installation = open_home(tmp_path, clock=clock)
    land(installation, "predictions.ndjson", predictions_of(0))
    yield installation
    installation.engine.dispose()


def predictions_of(hour: int, *, count: int = ROW_COUNT) -> list[dict[str, Any]]:
    return [
        {
            "model_id": "delay",
            "prediction_id": f"{hour}-{row}",
            "timestamp": isoformat(START + hour * HOUR_MICROS + row * 60_000_000),
            "predicted_value": 10.0,
            "latency_ms": 5.0,
            "features": {"distance": 500.0, "carrier": "AA"},
        }
        for row in range(count)
    ]


def truths(numbers: Sequence[int], *, error: float, hour: int = 0) -> list[dict[str, Any]]:
    """Actuals that make the predictions wrong by ``error``."""
    return [{"model_id": "delay", "prediction_id": f"{hour}-{row}", "actual_value": 10.0 - error} for row in numbers]


def land(installation: Installation, name: str, events: Sequence[dict[str, Any]], **options: Any) -> None:
    """Ingest a file of this name; none of it may be refused."""
    path = installation.home.root / name
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    report = ingest_file(installation.engine, path, config=installation.config, clock=installation.clock, **options)
    assert report.rejected == 0, report.reasons


def pipeline_of(installation: Installation, *rules: dict[str, Any]) -> Pipeline:
    return with_models(installation, declared(installation, "delay", rules=list(rules or (RULE,)), segments=[]))


def events_of(installation: Installation) -> list[dict[str, Any]]:
    events = rows(installation.engine, alert_events, "known_at", "sequence")
    return [{**event, "causes": json.loads(event["causes"])} for event in events]


def story(installation: Installation) -> list[tuple[str, str]]:
    return [(event["to_state"], event["severity"]) for event in events_of(installation)]


def sources_of(event: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(batch["source"], batch["kind"], batch["row_count"]) for batch in event["causes"]["batches"]]


def everything(installation: Installation) -> list[list[dict[str, Any]]]:
    return [rows(installation.engine, table) for table in TABLES]


def flipped(installation: Installation, clock: FixedClock) -> Pipeline:
    """A breach from the labels that came first, and a batch of late ones that ends it."""
    pipeline = pipeline_of(installation)
    land(installation, "first.ndjson", truths(range(22), error=8))
    run_hours(pipeline, [0])
    clock.advance(hours=2)
    land(installation, "late.ndjson", truths(range(22, 35), error=0))
    clock.advance(seconds=60)
    run_hours(pipeline, [0])
    return pipeline


def test_one_flipped_batch_of_labels_gives_exactly_one_retracted_event_with_its_evidence(
    installation: Installation, clock: FixedClock
) -> None:
    flipped(installation, clock)

    opened, retracted = events_of(installation)
    assert (opened["from_state"], opened["to_state"], opened["new_value"]) == (None, "provisional", 8.0)
    assert (retracted["from_state"], retracted["to_state"]) == ("provisional", "retracted")
    assert (retracted["old_value"], retracted["new_value"]) == (8.0, pytest.approx(8 * 22 / 35))
    assert (retracted["old_coverage"], retracted["new_coverage"]) == (22 / 36, 35 / 36)
    assert (retracted["known_at"], retracted["severity"]) == (clock(), "warning")
    assert sources_of(retracted) == [("late.ndjson", "actuals", 13)]
    assert retracted["causes"]["batches"][0]["received_at"] == isoformat(clock() - 60_000_000)
    assert (retracted["causes"]["further_batch_count"], retracted["causes"]["by_age_alone"]) == (0, False)


def test_the_message_of_the_retraction_says_what_happened_and_which_batch_it_was(
    installation: Installation, clock: FixedClock
) -> None:
    flipped(installation, clock)

    _, told = (json.loads(row["payload"]) for row in rows(installation.engine, notifications, "sequence"))

    assert told["text"] == (
        "WARNING retracted: late labels moved mae of delay unversioned (production, all) from 8 to 5.02857 in the hour "
        "2025-03-03T00:00:00Z, coverage 61% to 97% (rule mae-of-the-hour: alert above 6; 36 predictions, 97% "
        "labelled); batch late.ndjson (13 rows)"
    )
    assert told["causes"] == events_of(installation)[1]["causes"]


def test_rerun_replay_restart_and_review_add_nothing(installation: Installation, clock: FixedClock) -> None:
    pipeline = flipped(installation, clock)
    before = everything(installation)

    run_hours(pipeline, [0], only_due=False)
    for name, events in (("first.ndjson", truths(range(22), error=8)), ("again.ndjson", predictions_of(0))):
        clock.advance(hours=1)
        land(installation, name, events)
        run_hours(pipeline, [0])
    restarted = open_home(installation.home.root, clock=clock)
    run_hours(pipeline_of(restarted), [0], only_due=False)
    clock.now = LONG_AFTER
    mature_alerts(pipeline)
    run_hours(pipeline, [0], only_due=False)
    restarted.engine.dispose()

    assert everything(installation) == before
    assert review_due(pipeline) == ()


def test_truth_corrected_after_maturity_retracts_a_confirmed_alert_and_can_raise_it_again(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation)
    land(installation, "all.ndjson", truths(range(36), error=8))
    run_hours(pipeline, [0])
    for day, error in enumerate((1.0, 9.0)):
        clock.now = LONG_AFTER + day * 24 * HOUR_MICROS
        land(installation, f"corrected-{day}.ndjson", truths(range(36), error=error))
        clock.advance(seconds=1)
        run_hours(pipeline, [0])

    assert [(event["to_state"], event["old_value"], event["new_value"]) for event in events_of(installation)] == [
        ("confirmed", None, 8.0),
        ("retracted", 8.0, 1.0),
        ("confirmed", 1.0, 9.0),
    ]
    assert [sources_of(event) for event in events_of(installation)[1:]] == [
        [("corrected-0.ndjson", "actuals", 36)],
        [("corrected-1.ndjson", "actuals", 36)],
    ]


def test_late_truth_beyond_the_second_bound_escalates_and_better_truth_lowers_it_again(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation, ESCALATING)
    for step, (numbers, error) in enumerate([(range(10), 8), (range(10, 20), 50), (range(20, 36), 2)]):
        land(installation, f"labels-{step}.ndjson", truths(numbers, error=error))
        clock.advance(seconds=1)
        run_hours(pipeline, [0])
        clock.advance(hours=1)

    assert story(installation) == [("provisional", "warning"), ("escalated", "critical"), ("confirmed", "warning")]
    assert [sources_of(event) for event in events_of(installation)[1:]] == [
        [("labels-1.ndjson", "actuals", 10)],
        [("labels-2.ndjson", "actuals", 16)],
    ]
    assert [row["state"] for row in rows(installation.engine, alerts)] == ["confirmed"]


def test_an_alert_confirmed_by_age_alone_says_so(installation: Installation, clock: FixedClock) -> None:
    pipeline = pipeline_of(installation)
    land(installation, "first.ndjson", truths(range(22), error=8))
    run_hours(pipeline, [0])
    clock.now = LONG_AFTER

    mature_alerts(pipeline)

    confirmed = events_of(installation)[-1]
    assert (confirmed["to_state"], confirmed["old_value"], confirmed["new_value"]) == ("confirmed", 8.0, 8.0)
    assert confirmed["causes"] == {"batches": [], "further_batch_count": 0, "by_age_alone": True}


def test_an_ok_window_judged_young_and_judged_again_when_it_is_old_is_the_same_row(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation)
    land(installation, "good.ndjson", truths(range(22), error=1))
    run_hours(pipeline, [0])
    before = everything(installation)
    clock.now = LONG_AFTER

    judge_windows(pipeline, Grain.HOUR, [START])

    assert [row["verdict"] for row in before[0]] == ["ok"]
    assert everything(installation) == before


def test_at_most_ten_batches_are_named_the_newest_first_and_the_rest_is_counted(
    installation: Installation, clock: FixedClock
) -> None:
    for number in range(14):
        clock.advance(seconds=1)
        land(installation, f"part-{number:02}.ndjson", truths([number], error=8))
    clock.advance(seconds=1)

    run_hours(pipeline_of(installation), [0])

    [opened] = events_of(installation)
    assert [source for source, _, _ in sources_of(opened)] == [
        f"part-{number:02}.ndjson" for number in range(13, 3, -1)
    ]
    assert opened["causes"]["further_batch_count"] == 5  # four more of labels, and the predictions


def test_a_batch_that_went_on_after_the_finding_before_is_a_cause_though_it_began_earlier(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = pipeline_of(installation)
    land(installation, "long.ndjson", truths(range(22), error=8))
    run_hours(pipeline, [0])
    clock.advance(hours=1)
    land(installation, "long.ndjson", truths(range(22, 36), error=0))
    with writing(installation.engine) as connection:  # as if it were one call of ingest with two transactions
        [first, second] = [
            row["batch_id"]
            for row in rows(installation.engine, ingest_batches, "received_at")
            if "long" in row["source"]
        ]
        connection.execute(update(actuals).where(actuals.c.batch_id == second).values(batch_id=first))
        connection.execute(delete(ingest_batches).where(ingest_batches.c.batch_id == second))
    clock.advance(seconds=1)

    run_hours(pipeline, [0])

    assert sources_of(events_of(installation)[-1]) == [("long.ndjson", "actuals", 36)]


def test_causes_whose_rows_are_gone_are_left_out(installation: Installation, clock: FixedClock) -> None:
    pipeline = pipeline_of(installation)
    land(installation, "first.ndjson", truths(range(22), error=8))
    run_hours(pipeline, [0])
    with writing(installation.engine) as connection:
        connection.execute(delete(actuals))
    looser = {**RULE, "above": 100}

    judge_windows(pipeline_of(installation, looser), Grain.HOUR, [START])

    retracted = events_of(installation)[-1]
    assert (retracted["to_state"], sources_of(retracted)) == ("retracted", [])
    assert not retracted["causes"]["by_age_alone"]


# --- rules whose judgement moves with the age of the window -----------------------------------------------------------

CHANGE = {
    "id": "mae-rose",
    "metric": "mae",
    "above": 0.5,
    "grain": "hour",
    "min_labelled": 5,
    "baseline": {"windows": 3, "every": "PT1H"},
}


def three_hours_and_a_bad_one(installation: Installation, clock: FixedClock) -> Pipeline:
    """Four hours, the truth of each known half an hour after it ended; all are judged at once."""
    pipeline = pipeline_of(installation, CHANGE)
    for hour, error in enumerate((2.0, 2.1, 1.9, 8.0)):
        clock.now = START + (hour + 1) * HOUR_MICROS
        if hour:
            land(installation, f"predictions-{hour}.ndjson", predictions_of(hour))
        clock.advance(seconds=1800)
        land(installation, f"labels-{hour}.ndjson", truths(range(24), error=error, hour=hour))
    run_hours(pipeline, range(4))
    return pipeline


def test_a_window_is_compared_with_past_ones_again_when_it_reaches_another_age(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = three_hours_and_a_bad_one(installation, clock)
    assert story(installation) == []
    clock.now = START + 5 * HOUR_MICROS

    assert review_due(pipeline) != ()
    mature_alerts(pipeline)

    [opened] = events_of(installation)
    [bad] = [row for row in rows(installation.engine, findings) if row["verdict"] == "breach"]
    assert (bad["metric"], bad["value"], bad["window_start"]) == (
        "mae_change",
        pytest.approx(3.0),
        START + 3 * HOUR_MICROS,
    )
    assert opened["causes"]["by_age_alone"]
    assert review_due(pipeline) == ()


def test_an_ageing_window_is_judged_a_bounded_number_of_times_and_not_at_all_once_mature(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = three_hours_and_a_bad_one(installation, clock)
    asked = set()
    last_end = START + 4 * HOUR_MICROS
    for quarter in range(4 * 30):  # maturity is after 24 hours
        clock.now = last_end + quarter * HOUR_MICROS // 4
        if due := review_due(pipeline):
            asked.add(due)
            mature_alerts(pipeline)

    assert len(asked) <= 4 * 11  # four windows, eleven ages of the ladder up to a day
    assert story(installation) == [("provisional", "warning"), ("confirmed", "warning")]
    assert review_due(pipeline) == ()


SHORTFALL = {"id": "labels-lack", "metric": "coverage_shortfall", "above": 0.3, "grain": "hour", "min_labelled": 5}
HISTORY = [day * 24 + hour for day in range(8) for hour in range(4)]
SILENT = 8 * 24


def labelled_for_eight_days_and_then_not_at_all(installation: Installation, clock: FixedClock) -> Pipeline:
    """Four hours a day, nearly all labelled forty minutes after the hour; those of the ninth day are not."""
    pipeline = pipeline_of(installation, SHORTFALL)
    for hour in HISTORY:
        at = START + hour * HOUR_MICROS + 100 * 60_000_000
        labels = [{**truth, "received_at": isoformat(at)} for truth in truths(range(35), error=1, hour=hour)]
        clock.now = at
        land(installation, f"predictions-{hour}.ndjson", predictions_of(hour) if hour else [])
        land(installation, f"labels-{hour}.ndjson", labels)
    clock.now = START + (SILENT + 1) * HOUR_MICROS
    land(installation, "silent.ndjson", predictions_of(SILENT))
    run_hours(pipeline, [*HISTORY, SILENT])
    return pipeline


def test_a_window_that_lacks_the_labels_which_others_had_at_its_age_is_alerted_until_they_come(
    installation: Installation, clock: FixedClock
) -> None:
    pipeline = labelled_for_eight_days_and_then_not_at_all(installation, clock)
    assert story(installation) == []  # at its end, no window had a label
    clock.advance(hours=1)
    mature_alerts(pipeline)
    before = everything(installation)
    clock.advance(seconds=60)
    run_hours(pipeline, [SILENT], only_due=False)
    assert everything(installation) == before

    land(installation, "at-last.ndjson", truths(range(35), error=1, hour=SILENT))
    clock.advance(seconds=60)
    run_hours(pipeline, [SILENT])

    opened, ended = events_of(installation)
    assert (opened["to_state"], opened["old_value"], opened["new_coverage"]) == ("provisional", 0.0, 0.0)
    assert 0.3 < opened["new_value"] < 35 / 36  # the later half of the hour is not old enough yet
    assert opened["causes"]["by_age_alone"]
    assert (ended["to_state"], sources_of(ended)) == ("retracted", [("at-last.ndjson", "actuals", 35)])


# --- metrics that need no labels --------------------------------------------------------------------------------------


def test_a_rule_on_latency_judges_at_once_and_needs_no_label(installation: Installation, clock: FixedClock) -> None:
    slow = {"id": "slow", "metric": "latency_p95_ms", "above": 4, "grain": "hour", "min_labelled": 30}

    run_hours(pipeline_of(installation, slow), [0])

    [opened] = events_of(installation)
    assert (opened["to_state"], opened["new_value"]) == ("confirmed", pytest.approx(5.0, rel=0.02))


def test_a_rule_on_coverage_counts_the_labels_of_the_task(installation: Installation, clock: FixedClock) -> None:
    low = {"id": "labels-missing", "metric": "coverage", "below": 0.9, "grain": "hour", "min_labelled": 0}
    land(installation, "some.ndjson", truths(range(18), error=1))
    clock.now = LONG_AFTER

    run_hours(pipeline_of(installation, low), [0])

    assert [(event["to_state"], event["new_value"]) for event in events_of(installation)] == [("confirmed", 0.5)]
