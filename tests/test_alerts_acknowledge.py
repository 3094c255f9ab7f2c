"""Acknowledgements: of what happened so far, never of what happens next."""

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.handling.acknowledge import AlertMovedError, acknowledge, acknowledgements_of
from monitoring_pipeline.alerts.history import NoSuchAlertError
from monitoring_pipeline.alerts.read import find_alert, list_alerts, page_of_alerts
from monitoring_pipeline.alerts.selection import AlertSelection
from monitoring_pipeline.errors import MonitorError
from tests.alerts_examples import finding, recorded
from tests.conftest import NOON_MICROS, FixedClock


def opened(engine: Engine) -> str:
    recorded(engine, finding(12.0), now=NOON_MICROS)
    [alert] = list_alerts(engine)
    return str(alert["alert_id"])


def acknowledged_by(engine: Engine) -> list[str | None]:
    return [alert["acknowledged_by"] for alert in list_alerts(engine)]


def test_an_acknowledged_alert_says_by_whom_when_and_why(engine: Engine, clock: FixedClock) -> None:
    alert_id = opened(engine)

    told = acknowledge(engine, alert_id[:8], by="ana", note="the storm", clock=clock)

    assert told == {
        "alert_id": alert_id,
        "sequence": 1,
        "acknowledged_at": "2026-03-02T12:00:00Z",
        "acknowledged_by": "ana",
        "note": "the storm",
    }
    alert = find_alert(engine, alert_id)
    assert (alert["acknowledged_by"], alert["acknowledgement_note"]) == ("ana", "the storm")


def test_what_happens_afterwards_is_news_again(engine: Engine, clock: FixedClock) -> None:
    alert_id = opened(engine)
    acknowledge(engine, alert_id, by="ana", clock=clock)

    recorded(engine, finding(12.0, mature=True), now=NOON_MICROS + 1)

    assert acknowledged_by(engine) == [None]
    assert [note["sequence"] for note in acknowledgements_of(engine, alert_id)] == [1]


def test_numbers_that_change_without_a_transition_keep_the_acknowledgement(engine: Engine, clock: FixedClock) -> None:
    alert_id = opened(engine)
    acknowledge(engine, alert_id, by="ana", clock=clock)

    recorded(engine, finding(13.0), now=NOON_MICROS + 1)

    assert acknowledged_by(engine) == ["ana"]


def test_who_took_note_first_stays_on_record(engine: Engine, clock: FixedClock) -> None:
    alert_id = opened(engine)
    acknowledge(engine, alert_id, by="ana", clock=clock)

    again = acknowledge(engine, alert_id, by="ben", clock=clock)

    assert again["acknowledged_by"] == "ana"


def test_an_alert_that_moved_since_it_was_looked_at_is_not_acknowledged(engine: Engine, clock: FixedClock) -> None:
    alert_id = opened(engine)
    recorded(engine, finding(12.0, mature=True), now=NOON_MICROS + 1)

    with pytest.raises(AlertMovedError, match="last event is 2, not 1"):
        acknowledge(engine, alert_id, by="ana", sequence=1, clock=clock)

    assert acknowledged_by(engine) == [None]


def test_what_is_not_there_cannot_be_acknowledged(engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(NoSuchAlertError, match="there is no alert abcdef"):
        acknowledge(engine, "abcdef", by="ana", clock=clock)


def test_a_note_has_an_end(sqlite_engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(MonitorError, match="allowed are 1000"):
        acknowledge(sqlite_engine, opened(sqlite_engine), by="ana", note="x" * 1001, clock=clock)


def test_alerts_that_nobody_took_note_of_can_be_asked_for(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.0), finding(12.0, day=1), now=NOON_MICROS)
    first, second = (str(alert["alert_id"]) for alert in list_alerts(engine))
    acknowledge(engine, first, by="ana", clock=clock)

    noted, _ = page_of_alerts(engine, AlertSelection(is_acknowledged=True), limit=10)
    waiting, _ = page_of_alerts(engine, AlertSelection(is_acknowledged=False), limit=10)

    assert [[alert["alert_id"] for alert in found] for found in (noted, waiting)] == [[first], [second]]
