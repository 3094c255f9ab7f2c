"""Events about hours that are past retention are refused or orphaned, and every one of them is counted."""

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.retention import remove_settled
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.config.models import MonitoringConfig, Retention
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.retention import leftovers
from monitoring_pipeline.events.retention.leftovers import remove_batches, remove_orphans, remove_quarantined
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import DECLARED, actual, adds_up, prediction, stored

HORIZON = NOON_MICROS - 90 * DAY_MICROS
LIMITED = DECLARED.model_copy(update={"retention": Retention(events_days=90)})


def land(
    engine: Engine, kind: Kind, *events: dict[str, object], now: int = NOON_MICROS, config: MonitoringConfig = LIMITED
) -> IngestReport:
    report = ingest_rows(engine, events, kind=kind, config=config, clock=FixedClock(now))
    assert adds_up(report)
    return report


def test_a_prediction_before_the_horizon_is_quarantined_with_the_setting_named(engine: Engine) -> None:
    report = land(
        engine,
        Kind.PREDICTIONS,
        prediction(prediction_id="old", timestamp=isoformat(HORIZON - 1), actual_value=3),
        prediction(prediction_id="edge", timestamp=isoformat(HORIZON)),
        prediction(prediction_id="young"),
    )

    assert (report.accepted, report.quarantined, report.reasons) == (2, 1, {"past_retention": 1})
    [row] = stored(engine, "quarantine")
    assert (row["line"], row["field"]) == (1, "timestamp")
    assert row["detail"] == (
        "timestamp 2025-12-02T11:59:59.999999Z is before 2025-12-02T12:00:00Z, "
        "since when retention.events_days keeps events; it was not taken"
    )
    assert stored(engine, "actuals") == []
    assert len(stored(engine, "hour_revision")) == 2


def test_the_horizon_is_a_whole_hour(engine: Engine) -> None:
    edge = prediction(timestamp=isoformat(HORIZON))

    within = land(engine, Kind.PREDICTIONS, edge, now=NOON_MICROS + HOUR_MICROS - 1)
    after = land(engine, Kind.PREDICTIONS, {**edge, "prediction_id": "p2"}, now=NOON_MICROS + HOUR_MICROS)

    assert (within.accepted, after.quarantined) == (1, 1)


def test_without_the_setting_events_of_any_age_are_accepted(engine: Engine) -> None:
    report = land(engine, Kind.PREDICTIONS, prediction(timestamp="1971-01-01T00:00:00Z"), config=DECLARED)

    assert report.accepted == 1


def test_an_old_actual_about_nobody_is_quarantined(engine: Engine) -> None:
    report = land(engine, Kind.ACTUALS, actual(timestamp=isoformat(HORIZON - 1)))

    assert (report.quarantined, report.orphans) == (1, 0)
    assert "its prediction is not known" in report.samples[0].detail
    assert stored(engine, "actuals") == []


@pytest.mark.parametrize("timestamp", [..., isoformat(HORIZON)])
def test_an_actual_about_nobody_that_is_not_old_by_its_own_word_waits_as_an_orphan(
    timestamp: object, engine: Engine
) -> None:
    report = land(engine, Kind.ACTUALS, actual(timestamp=timestamp))

    assert (report.accepted, report.orphans) == (1, 1)


def test_an_old_actual_about_a_stored_prediction_is_accepted(engine: Engine) -> None:
    land(engine, Kind.PREDICTIONS, prediction(timestamp=isoformat(HORIZON - HOUR_MICROS)), config=DECLARED)

    report = land(engine, Kind.ACTUALS, actual(timestamp=isoformat(HORIZON - 1)))

    assert (report.accepted, report.orphans, report.touched_hours) == (1, 0, 1)


def test_orphans_go_when_nothing_was_heard_of_them_since_the_horizon(engine: Engine) -> None:
    land(engine, Kind.ACTUALS, actual(prediction_id="old"), actual(prediction_id="old", actual_value=2), now=10)
    land(engine, Kind.ACTUALS, actual(prediction_id="revised"), now=10)
    land(engine, Kind.ACTUALS, actual(prediction_id="revised", actual_value=2), now=20)

    removed = remove_orphans(engine, before=20)
    next_one = land(engine, Kind.ACTUALS, actual(prediction_id="revised", actual_value=3))

    assert removed == 2
    assert (next_one.accepted, next_one.revised) == (1, 1)
    assert [(row["prediction_id"], row["revision"]) for row in stored(engine, "actuals")] == [
        ("revised", revision) for revision in (1, 2, 3)
    ]


def test_actuals_with_a_prediction_are_never_taken_for_orphans(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_ROWS_PER_TRANSACTION", 2)
    land(engine, Kind.ACTUALS, *(actual(prediction_id=f"o{number}") for number in range(5)), now=10)
    land(engine, Kind.PREDICTIONS, prediction(prediction_id="o3", timestamp="1970-01-01T00:00:00Z"), config=DECLARED)

    removed = remove_orphans(engine, before=NOON_MICROS)

    assert removed == 4
    assert [row["prediction_id"] for row in stored(engine, "actuals")] == ["o3"]


def test_the_record_of_a_batch_goes_a_day_after_the_last_row_that_it_brought(engine: Engine) -> None:
    noon = NOON_MICROS
    for number, received in enumerate((noon - DAY_MICROS - 2, noon - DAY_MICROS - 1, noon - DAY_MICROS, noon)):
        land(engine, Kind.ACTUALS, actual(prediction_id=f"a{number}"), now=received)
    land(engine, Kind.PREDICTIONS, prediction(prediction_id="a1", timestamp=isoformat(noon - HOUR_MICROS)), now=noon)
    land(engine, Kind.ACTUALS, {"model_id": "no id"}, now=noon - DAY_MICROS - 1)
    batches = {row["received_at"]: row["batch_id"] for row in stored(engine, "ingest_batches")}

    while_rows_are_there = remove_batches(engine, before=noon)
    remove_quarantined(engine, before=noon)
    remove_orphans(engine, before=noon)
    afterwards = remove_batches(engine, before=noon)

    assert (while_rows_are_there, afterwards) == (0, 2)
    left = {row["batch_id"] for row in stored(engine, "ingest_batches")}
    assert {row["batch_id"] for row in stored(engine, "actuals")} <= left
    assert batches[noon - DAY_MICROS] in left  # not yet looked at


def test_only_messages_that_were_delivered_long_ago_are_removed(engine: Engine) -> None:
    states = [
        (NotificationState.DELIVERED, 19),
        (NotificationState.DELIVERED, 18),
        (NotificationState.DELIVERED, 20),
        (NotificationState.PENDING, None),
        (NotificationState.FAILED, None),
    ]
    with writing(engine) as connection:
        for number, (state, delivered_at) in enumerate(states):
            connection.execute(notifications.insert().values(**_message(number, state, delivered_at)))

    removed = remove_settled(engine, before=20, batch=1)

    assert removed == 2
    assert [row["notification_id"] for row in stored(engine, "notifications")] == ["2", "3", "4"]


def _message(number: int, state: NotificationState, delivered_at: int | None) -> dict[str, object]:
    return {
        "notification_id": str(number),
        "alert_id": "a",
        "sequence": number,
        "channel": "file",
        "payload": "{}",
        "state": state,
        "attempts": 1,
        "next_attempt_at": 1,
        "created_at": 1,
        "delivered_at": delivered_at,
        "last_error": None,
    }
