from itertools import product

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.alerts.notification import Notification
from monitoring_pipeline.alerts.read import list_alerts, worst_active_severity
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.config.models import Rule, Severity
from tests.alerts_examples import DAY, finding, recorded
from tests.conftest import FixedClock

WARNING = Rule(id="mae-raised", metric="mae", above=5)


class Accepting:
    def deliver(self, notification: Notification) -> None:
        pass


def test_an_alert_is_listed_with_stable_keys_and_its_deliveries(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.5), now=clock(), channels=("ops", "pager"))
    deliver_due(engine, {"ops": Accepting()}, clock=clock)
    clock.advance(hours=1)
    recorded(engine, finding(13.5, labelled=95, mature=True), now=clock(), channels=("ops",))

    [alert] = list_alerts(engine)

    assert alert == {
        "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
        "model_id": "flight_delay",
        "model_version": "3",
        "environment": "production",
        "segment": "all",
        "grain": "day",
        "window_start": "2024-10-04T00:00:00Z",
        "window_end": "2024-10-05T00:00:00Z",
        "rule_id": "mae-high",
        "metric": "mae",
        "severity": "critical",
        "state": "confirmed",
        "value": 13.5,
        "lower": None,
        "upper": None,
        "threshold": 10.0,
        "direction": "above",
        "prediction_count": 100,
        "labelled_count": 95,
        "coverage": 0.95,
        "opened_at": "2026-03-02T12:00:00Z",
        "changed_at": "2026-03-02T13:00:00Z",
        "sequence": 2,
        "deliveries": {"pending": 2, "delivered": 1, "failed": 0, "silenced": 0},
        "acknowledged_at": None,
        "acknowledged_by": None,
        "acknowledgement_note": None,
    }


def test_alerts_are_listed_in_the_order_of_their_windows(engine: Engine, clock: FixedClock) -> None:
    days = [3, 1, 2]
    recorded(engine, *(finding(day=day, segment=s) for day, s in product(days, "ba")), now=clock())

    listed = [(alert["window_start"][:10], alert["segment"]) for alert in list_alerts(engine)]

    assert listed == sorted(listed)
    assert len(listed) == 6


def test_alerts_are_chosen_by_model_state_and_window(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, *(finding(day=day, mature=day == 1) for day in range(3)), now=clock())
    recorded(engine, finding(9.0, day=2), now=clock() + 1)

    def days(**wanted: object) -> list[str]:
        return [alert["window_start"][8:10] for alert in list_alerts(engine, **wanted)]  # type: ignore[arg-type]  # any mix of options

    assert days(model_id="flight_delay") == ["04", "05", "06"]
    assert days(model_id="flight_late") == []
    assert days(states=[AlertState.CONFIRMED]) == ["05"]
    assert days(states={AlertState.PROVISIONAL, AlertState.RETRACTED}) == ["04", "06"]
    assert days(states=[]) == []
    assert days(start=DAY.end) == ["05", "06"]
    assert days(end=DAY.end) == ["04"]


def test_silence_leaves_the_numbers_that_the_alert_was_raised_with(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.5), now=clock())

    recorded(engine, finding(50.0, labelled=2), now=clock() + 1)

    [alert] = list_alerts(engine)
    assert (alert["value"], alert["labelled_count"], alert["state"]) == (12.5, 60, "provisional")


@pytest.mark.parametrize(
    ("values", "worst"),
    [((4.0, 4.0), None), ((6.0, 4.0), Severity.WARNING), ((6.0, 12.0), Severity.CRITICAL), ((4.0, 12.0), "critical")],
)
def test_the_worst_active_severity_is_that_of_the_alerts_that_still_stand(
    engine: Engine, clock: FixedClock, values: tuple[float, float], worst: Severity | None
) -> None:
    recorded(engine, finding(12.5), finding(6.0, rule=WARNING), now=clock())

    recorded(engine, finding(values[0], rule=WARNING), finding(values[1]), now=clock() + 1)

    assert worst_active_severity(list_alerts(engine)) == worst
