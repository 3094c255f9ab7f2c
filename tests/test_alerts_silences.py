"""Silences: nothing is sent while one holds, nothing is lost, and what still stands at the end is told once."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert

from monitoring_pipeline.alerts import outbox
from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.alerts.handling.silences import (
    Silence,
    SilenceState,
    Subject,
    create_silence,
    end_silence,
    find_silence,
)
from monitoring_pipeline.alerts.handling.tables import silences
from monitoring_pipeline.alerts.notification import Notification
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.retention import remove_settled
from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.windows import HOUR_MICROS
from tests.alerts_examples import finding, recorded, rows
from tests.conftest import NOON_MICROS, FixedClock
from tests.silences_examples import MODEL, silence


class Receiver:
    """A channel that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def deliver(self, notification: Notification) -> None:
        self.told.append((str(notification.payload["to_state"]), notification.sequence))


def delivered(engine: Engine, clock: FixedClock) -> list[tuple[str, int]]:
    ops = Receiver()
    deliver_due(engine, {"ops": ops}, clock=clock)
    return ops.told


def waiting(engine: Engine, clock: FixedClock) -> tuple[int, int]:
    with reading(engine) as connection:
        due, _ = outbox.due_count(connection, now=clock())
        return due, sum(outbox.pending_counts(connection, now=clock()).values())


def states(engine: Engine) -> list[str]:
    return [row["state"] for row in rows(engine, notifications, "alert_id", "sequence")]


def test_a_silenced_alert_opens_and_changes_but_sends_nothing(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)

    recorded(engine, finding(12.0), now=clock())
    recorded(engine, finding(12.0, mature=True), now=clock() + 1)

    assert delivered(engine, clock) == []
    assert waiting(engine, clock) == (0, 0)
    [alert] = list_alerts(engine)
    assert (alert["state"], alert["deliveries"]["silenced"]) == ("confirmed", 2)


def test_when_a_silence_runs_out_the_present_state_is_told_once(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)
    recorded(engine, finding(12.0), now=clock())
    recorded(engine, finding(12.0, mature=True), now=clock() + 1)

    clock.advance(hours=1)

    assert waiting(engine, clock) == (1, 1)
    assert delivered(engine, clock) == [("confirmed", 2)]
    assert delivered(engine, clock) == []
    assert states(engine) == ["silenced", "delivered"]


def test_of_many_alerts_each_is_told_once(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)
    recorded(engine, *(finding(12.0, day=day) for day in range(5)), now=clock())
    recorded(engine, *(finding(9.0, day=day) for day in range(2)), now=clock() + 1)

    clock.advance(hours=1)

    assert waiting(engine, clock) == (3, 3)
    assert delivered(engine, clock) == [("provisional", 1)] * 3


def test_what_came_and_went_unheard_is_no_news(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)
    recorded(engine, finding(12.0), now=clock())
    recorded(engine, finding(9.0), now=clock() + 1)

    clock.advance(hours=1)

    assert waiting(engine, clock) == (0, 0)
    assert delivered(engine, clock) == []


def test_who_was_told_before_of_an_alert_hears_of_its_end_afterwards(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.0), now=clock())
    assert delivered(engine, clock) == [("provisional", 1)]
    silence(engine, clock)
    recorded(engine, finding(9.0), now=clock() + 1)
    assert delivered(engine, clock) == []

    clock.advance(hours=1)

    assert delivered(engine, clock) == [("retracted", 2)]


def test_what_waited_when_the_silence_began_is_held_back_too(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.0), now=clock())

    silence(engine, clock)

    assert states(engine) == ["silenced"]
    assert delivered(engine, clock) == []


def test_a_silence_that_was_planned_begins_at_its_time(engine: Engine, clock: FixedClock) -> None:
    start, end = clock() + HOUR_MICROS, clock() + 2 * HOUR_MICROS
    create_silence(engine, MODEL, starts_at=start, ends_at=end, reason="tonight", by="ana", clock=clock)
    recorded(engine, finding(12.0), now=clock())
    assert delivered(engine, clock) == [("provisional", 1)]

    clock.now = start
    recorded(engine, finding(12.0, mature=True), now=clock())

    assert delivered(engine, clock) == []


def test_a_message_that_waits_when_a_planned_silence_begins_is_held_back_by_the_delivery(
    engine: Engine, clock: FixedClock
) -> None:
    start, end = clock() + HOUR_MICROS, clock() + 2 * HOUR_MICROS
    create_silence(engine, MODEL, starts_at=start, ends_at=end, reason="tonight", by="ana", clock=clock)
    recorded(engine, finding(12.0), now=clock())

    clock.now = start

    assert delivered(engine, clock) == []
    assert states(engine) == ["silenced"]


def test_a_message_that_was_read_before_the_silence_is_not_claimed_after_it(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.0), now=clock())
    with writing(engine) as connection:
        [read_before] = outbox.due(connection, channel="ops", now=clock(), limit=10)
        # As another process would between the two, without this one's help.
        connection.execute(insert(silences), _a_row(clock()))

    with writing(engine) as connection:
        assert not outbox.claim(connection, read_before, now=clock())


def _a_row(now: int) -> dict[str, Any]:
    return {
        "silence_id": "s",
        "starts_at": now,
        "ends_at": now + HOUR_MICROS,
        "reason": "why",
        "created_at": now,
        "created_by": "ana",
    }


@pytest.mark.parametrize(
    ("subject", "matches"),
    [
        (Subject(), True),
        (Subject(model_id="flight_delay", rule_id="mae-high", segment="all"), True),
        (Subject(rule_id="mae-high"), True),
        (Subject(model_id="flight_late"), False),
        (Subject(model_id="flight_delay", rule_id="mae-low"), False),
        (Subject(segment="carrier=UA"), False),
    ],
)
def test_a_silence_is_for_its_model_rule_and_segment(
    engine: Engine, clock: FixedClock, subject: Subject, matches: bool
) -> None:
    silence(engine, clock, subject)

    recorded(engine, finding(12.0), now=clock())

    assert (delivered(engine, clock) == []) is matches


def test_other_news_than_alerts_is_never_silenced(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock, Subject())
    failure = outbox.row(
        alert_id="run of x on y", sequence=1, channel="ops", payload={"to_state": "failed"}, now=clock()
    )

    with writing(engine) as connection:
        outbox.put(connection, [failure])

    assert delivered(engine, clock) == [("failed", 1)]


def test_a_silence_that_somebody_ends_tells_what_stands(engine: Engine, clock: FixedClock) -> None:
    made = silence(engine, clock)
    recorded(engine, finding(12.0), now=clock())
    clock.advance(seconds=60)

    ended = end_silence(engine, made.silence_id, by="ben", clock=clock)

    assert (ended.ended_by, ended.state(clock())) == ("ben", SilenceState.OVER)
    assert delivered(engine, clock) == [("provisional", 1)]


def test_of_two_silences_both_must_be_over(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)
    silence(engine, clock, Subject(rule_id="mae-high"), hours=2)
    recorded(engine, finding(12.0), now=clock())

    clock.advance(hours=1)
    first = delivered(engine, clock)
    clock.advance(hours=1)

    assert (first, delivered(engine, clock)) == ([], [("provisional", 1)])


def test_recording_again_what_was_delivered_does_not_take_it_back(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(12.0), now=clock())
    delivered(engine, clock)
    told = rows(engine, notifications)
    silence(engine, clock)

    with writing(engine) as connection:
        outbox.put(connection, told)

    assert states(engine) == ["delivered"]


def test_what_came_and_went_unheard_is_removed_when_it_is_old(engine: Engine, clock: FixedClock) -> None:
    silence(engine, clock)
    recorded(engine, finding(12.0), now=clock())
    recorded(engine, finding(9.0), now=clock() + 1)

    young = remove_settled(engine, before=clock())
    old = remove_settled(engine, before=clock() + 2)

    assert (young, old, states(engine)) == (0, 2, [])


def test_what_may_still_be_told_when_a_silence_ends_is_kept_with_what_was_told_before_it(
    engine: Engine, clock: FixedClock
) -> None:
    recorded(engine, finding(12.0, day=0), now=clock())
    assert delivered(engine, clock) == [("provisional", 1)]
    silence(engine, clock)
    recorded(engine, finding(9.0, day=0), finding(12.0, day=1), now=clock() + 1)

    removed = remove_settled(engine, before=clock() + HOUR_MICROS)
    clock.advance(hours=1)

    assert removed == 0
    assert sorted(delivered(engine, clock)) == [("provisional", 1), ("retracted", 2)]
    assert remove_settled(engine, before=clock() + 1) == 3


def test_ending_a_silence_again_changes_nothing(engine: Engine, clock: FixedClock) -> None:
    made = silence(engine, clock)
    first = end_silence(engine, made.silence_id, by="ben", clock=clock)
    clock.advance(seconds=60)

    assert end_silence(engine, made.silence_id, by="ana", clock=clock) == first


STEP = st.sampled_from(["worse", "better", "silence", "end", "wait", "deliver"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=14))
def test_whatever_happens_nothing_is_sent_in_a_silence_and_in_the_end_people_know_what_stands(
    steps: list[str], sqlite_engine: Engine
) -> None:
    _empty(sqlite_engine)
    clock, ops = FixedClock(NOON_MICROS), Receiver()
    made: list[Silence] = []
    value, heard = 12.0, 0
    for step in [*steps, "end", "deliver", "deliver"]:
        clock.advance(seconds=1)
        if step in {"worse", "better"}:
            value = 12.0 if step == "worse" else 9.0
            recorded(sqlite_engine, finding(value), now=clock())
        elif step == "silence":
            made.append(silence(sqlite_engine, clock, hours=0.5))
        elif step == "end":
            for one in made:
                end_silence(sqlite_engine, one.silence_id, by="ana", clock=clock)
        elif step == "wait":
            clock.advance(hours=1)
        else:
            deliver_due(sqlite_engine, {"ops": ops}, clock=clock)
            is_silent = any(_holds(one, sqlite_engine, clock) for one in made)
            assert not is_silent or len(ops.told) == heard
            heard = len(ops.told)

    present = [(alert["state"], alert["sequence"]) for alert in list_alerts(sqlite_engine)]
    told_of = ops.told[-1:]
    assert told_of == present or (not told_of and all(state == "retracted" for state, _ in present))
    assert max(Counter(ops.told).values(), default=1) == 1
    events, messages = rows(sqlite_engine, alert_events), rows(sqlite_engine, notifications)
    assert {row["sequence"] for row in events} == {row["sequence"] for row in messages}


def _holds(one: Silence, engine: Engine, clock: FixedClock) -> bool:
    return find_silence(engine, one.silence_id).state(clock()) is SilenceState.HOLDING


def _empty(engine: Engine) -> None:
    with writing(engine) as connection:
        for table in (findings, alerts, alert_events, notifications, silences):
            connection.execute(delete(table))
