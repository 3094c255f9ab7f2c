import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, event
from sqlalchemy.pool import StaticPool

from monitoring_pipeline.alerts.causes import Cause, Causes
from monitoring_pipeline.alerts.findings import judge_drift
from monitoring_pipeline.alerts.life_cycle import record
from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.alerts.vocabulary import FindingKey
from monitoring_pipeline.config.models import Escalation, Rule, Severity
from monitoring_pipeline.database import metadata, writing
from tests.alerts_examples import GROUP, count, finding, recorded, rows

NOW = 1_800_000_000_000_000
# 12 is a warning, 25 critical.
ESCALATING = Rule(id="mae-high", metric="mae", above=10, escalate=Escalation(above=20, severity=Severity.CRITICAL))
LATE = Cause(batch_id="b1", source="late.ndjson", kind="actuals", row_count=35, received_at=NOW)


def states(engine: Engine) -> list[str]:
    return [event["to_state"] for event in rows(engine, alert_events, "alert_id", "sequence")]


def only_alert(engine: Engine) -> dict[str, Any]:
    [alert] = rows(engine, alerts)
    return alert


def test_a_breach_of_a_young_window_opens_a_provisional_alert_with_event_and_message(engine: Engine) -> None:
    breach = finding(12.5, labelled=60)

    report = recorded(engine, breach, now=NOW, channels=("ops", "pager"))

    assert (report.written_count, report.provisional_count, report.notification_count) == (1, 1, 2)
    alert = only_alert(engine)
    assert alert["alert_id"] == breach.key.alert_id
    assert (alert["state"], alert["value"], alert["threshold"]) == ("provisional", 12.5, 10.0)
    assert (alert["opened_at"], alert["changed_at"], alert["sequence"]) == (NOW, NOW, 1)
    [opened] = rows(engine, alert_events)
    assert (opened["from_state"], opened["to_state"], opened["new_value"]) == (None, "provisional", 12.5)
    assert (opened["new_coverage"], opened["labelled_count"], opened["old_value"]) == (0.6, 60, None)
    messages = rows(engine, notifications, "channel")
    assert [(m["channel"], m["state"], m["attempts"], m["next_attempt_at"]) for m in messages] == [
        ("ops", "pending", 0, NOW),
        ("pager", "pending", 0, NOW),
    ]


def test_a_provisional_alert_is_confirmed_when_its_window_matures(engine: Engine) -> None:
    recorded(engine, finding(mature=False), now=NOW)

    report = recorded(engine, finding(mature=True), now=NOW + 1)

    assert report.confirmed_count == 1
    assert states(engine) == ["provisional", "confirmed"]
    assert (only_alert(engine)["opened_at"], only_alert(engine)["changed_at"]) == (NOW, NOW + 1)


def test_one_batch_of_late_labels_that_flips_the_verdict_gives_exactly_one_retracted_event(engine: Engine) -> None:
    recorded(engine, finding(12.0, labelled=60), finding(12.0, day=1), now=NOW)

    report = recorded(engine, finding(9.0, labelled=95, mature=True), finding(12.0, day=1), now=NOW + 1)

    assert (report.retracted_count, report.written_count, report.unchanged_count) == (1, 1, 1)
    [retracted] = [row for row in rows(engine, alert_events) if row["to_state"] == "retracted"]
    assert (retracted["old_value"], retracted["new_value"]) == (12.0, 9.0)
    assert (retracted["old_coverage"], retracted["new_coverage"]) == (0.6, 0.95)
    assert count(engine, notifications) == 3


def test_a_retracted_alert_can_come_back(engine: Engine) -> None:
    for step, (value, mature) in enumerate([(12.0, False), (9.0, False), (13.0, False), (8.0, True), (14.0, True)]):
        recorded(engine, finding(value, mature=mature), now=NOW + step)

    assert states(engine) == ["provisional", "retracted", "provisional", "retracted", "confirmed"]
    assert count(engine, alerts) == 1


def test_recording_the_same_findings_again_writes_nothing_at_all(engine: Engine) -> None:
    verdicts = [finding(8.0 + day, day=day, mature=bool(day % 2)) for day in range(10)]
    recorded(engine, *verdicts, now=NOW)
    before = [rows(engine, table) for table in (findings, alerts, alert_events, notifications)]

    report = recorded(engine, *verdicts, now=NOW + 1)

    assert (report.written_count, report.unchanged_count, report.notification_count) == (0, 10, 0)
    assert [rows(engine, table) for table in (findings, alerts, alert_events, notifications)] == before


def test_a_run_from_nothing_gives_the_same_ids_in_any_order(engine: Engine) -> None:
    verdicts = [finding(12.0, day=day) for day in range(5)]
    recorded(engine, *verdicts, now=NOW)
    ids = {row["notification_id"] for row in rows(engine, notifications)}
    with writing(engine) as connection:
        for table in (findings, alerts, alert_events, notifications):
            connection.execute(delete(table))

    recorded(engine, *reversed(verdicts), now=NOW + 999)

    assert {row["notification_id"] for row in rows(engine, notifications)} == ids


@pytest.mark.parametrize(("value", "labelled"), [(9.0, 5), (None, 60)])
def test_silence_neither_opens_nor_resolves_an_alert(engine: Engine, value: float | None, labelled: int) -> None:
    silent = finding(value, labelled=labelled)
    recorded(engine, silent, finding(12.0, day=1), now=NOW)
    assert [row["state"] for row in rows(engine, alerts)] == ["provisional"]

    recorded(engine, replace(silent, key=finding(day=1).key), now=NOW + 1)

    assert (only_alert(engine)["state"], only_alert(engine)["value"]) == ("provisional", 12.0)
    assert count(engine, alert_events) == 1


def test_a_changed_value_without_transition_updates_the_alert_and_tells_nobody(engine: Engine) -> None:
    recorded(engine, finding(12.0), now=NOW)

    recorded(engine, finding(15.0, labelled=70), now=NOW + 1)

    alert = only_alert(engine)
    assert (alert["value"], alert["labelled_count"], alert["changed_at"]) == (15.0, 70, NOW)
    assert (count(engine, alert_events), count(engine, notifications)) == (1, 1)


def test_a_confirmed_alert_does_not_become_provisional_when_more_predictions_arrive(engine: Engine) -> None:
    recorded(engine, finding(mature=True), now=NOW)

    recorded(engine, finding(mature=False, predictions=500), now=NOW + 1)

    assert states(engine) == ["confirmed"]


def test_findings_keep_every_answer_with_the_time_it_was_given(engine: Engine) -> None:
    for step, value in enumerate([12.0, 9.0, 9.0, 11.0]):
        recorded(engine, finding(value), now=NOW + step)

    history = [(row["value"], row["known_from"], row["known_to"]) for row in rows(engine, findings, "known_from")]

    assert history == [(12.0, NOW, NOW + 1), (9.0, NOW + 1, NOW + 3), (11.0, NOW + 3, None)]


def test_a_clock_that_was_set_back_leaves_no_interval_that_ends_before_it_starts(engine: Engine) -> None:
    recorded(engine, finding(12.0), now=NOW)

    recorded(engine, finding(9.0), now=NOW - 1_000)

    assert all(row["known_to"] is None or row["known_to"] >= row["known_from"] for row in rows(engine, findings))


def test_a_transaction_that_is_rolled_back_has_told_nobody(engine: Engine) -> None:
    def fail_after_recording() -> None:
        with writing(engine) as connection:
            record(connection, [finding()], now=NOW, channels_for=lambda _: ["ops"])
            raise RuntimeError("a later stage failed")

    with pytest.raises(RuntimeError, match="later stage"):
        fail_after_recording()

    assert [count(engine, table) for table in (findings, alerts, alert_events, notifications)] == [0, 0, 0, 0]


def test_two_findings_with_one_key_are_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="same key"):
        recorded(engine, finding(12.0), finding(13.0), now=NOW)


def test_drift_findings_are_confirmed_at_once(engine: Engine) -> None:
    rule = Rule(id="inputs-moved", metric="drifted_features", above=1)

    recorded(engine, judge_drift(rule, group=GROUP, drifted=[True] * 3, prediction_count=500), now=NOW)

    assert states(engine) == ["confirmed"]


def test_a_channel_named_twice_hears_once(engine: Engine) -> None:
    recorded(engine, finding(), now=NOW, channels=("ops", "ops"))

    assert count(engine, notifications) == 1


def test_a_message_says_what_happened_and_its_sentence_obeys_nobody(engine: Engine) -> None:
    hostile = replace(GROUP, model_id="<!channel>\n[x](http://evil) @here $(reboot)", segment="carrier=\u202e`UA`")
    rule = Rule(id="inputs-moved", metric="drifted_features", above=1)

    recorded(engine, judge_drift(rule, group=hostile, drifted=[True] * 3, prediction_count=500), now=NOW)

    [message] = rows(engine, notifications)
    payload = json.loads(message["payload"])
    assert payload["model_id"] == hostile.model_id
    assert not set(payload["text"]) & set("<>[]@\n`\u202e")
    assert "'<!channel>" in payload["reproduce"]
    assert (payload["to_state"], payload["value"], payload["known_at"]) == ("confirmed", 3.0, "2027-01-15T08:00:00Z")


def test_thousands_of_findings_take_a_handful_of_statements(sqlite_engine: Engine) -> None:
    verdicts = [finding(5.0 + day % 20, day=day, segment=f"carrier={i}") for day in range(500) for i in range(4)]
    statements: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    recorded(sqlite_engine, *verdicts, now=NOW)
    recorded(sqlite_engine, *(replace(verdict, mature=True) for verdict in verdicts), now=NOW + 1)

    assert count(sqlite_engine, findings) == 4000
    assert len(statements) < 20


def escalating(engine: Engine, *steps: tuple[float, bool]) -> list[tuple[str, str]]:
    """The state and severity of each event that a story of values leads to."""
    for step, (value, mature) in enumerate(steps):
        recorded(engine, finding(value, mature=mature, rule=ESCALATING), now=NOW + step)
    return [(event["to_state"], event["severity"]) for event in rows(engine, alert_events, "sequence")]


def test_an_active_alert_whose_severity_rises_is_escalated_with_one_event(engine: Engine) -> None:
    told = escalating(engine, (12.0, False), (25.0, False), (30.0, False), (30.0, True))

    assert told == [("provisional", "warning"), ("escalated", "critical")]
    assert (only_alert(engine)["severity"], only_alert(engine)["threshold"]) == ("critical", 20.0)
    assert count(engine, notifications) == 2


@pytest.mark.parametrize(("mature", "state"), [(False, "provisional"), (True, "confirmed")])
def test_the_first_breach_beyond_the_second_bound_opens_at_the_higher_severity(
    engine: Engine, mature: bool, state: str
) -> None:
    assert escalating(engine, (25.0, mature)) == [(state, "critical")]


def test_a_severity_that_falls_is_one_event_and_the_state_what_it_would_have_been(engine: Engine) -> None:
    told = escalating(engine, (12.0, True), (25.0, True), (12.0, False), (25.0, False), (9.0, True))

    assert told == [
        ("confirmed", "warning"),
        ("escalated", "critical"),
        ("confirmed", "warning"),  # it was confirmed before, and stays so though further predictions arrived
        ("escalated", "critical"),
        ("retracted", "critical"),  # at the severity that people know it by
    ]


def test_an_alert_that_opened_at_the_higher_severity_falls_without_changing_its_state(engine: Engine) -> None:
    told = escalating(engine, (25.0, False), (12.0, False), (25.0, False))

    assert told == [("provisional", "critical"), ("provisional", "warning"), ("escalated", "critical")]
    fallen = json.loads(rows(engine, notifications, "sequence")[1]["payload"])
    assert (fallen["old_severity"], fallen["severity"]) == ("critical", "warning")


def test_a_retracted_alert_that_breaches_worse_than_ever_is_opened_and_not_escalated(engine: Engine) -> None:
    told = escalating(engine, (12.0, False), (9.0, False), (25.0, True))

    assert told[-1] == ("confirmed", "critical")


def test_late_truth_that_ends_a_settled_ok_opens_a_confirmed_alert_with_the_old_value(engine: Engine) -> None:
    recorded(engine, finding(9.0, mature=True), now=NOW)
    assert count(engine, alert_events) == 0

    recorded(engine, finding(13.0, mature=True), now=NOW + 1)

    [opened] = rows(engine, alert_events)
    assert (opened["from_state"], opened["to_state"]) == (None, "confirmed")
    assert (opened["old_value"], opened["new_value"]) == (9.0, 13.0)


def test_an_event_keeps_the_batches_that_caused_it_and_the_message_carries_them(engine: Engine) -> None:
    asked: list[dict[FindingKey, int | None]] = []

    def causes_for(since: Any) -> dict[FindingKey, Causes]:
        asked.append(dict(since))
        return {key: Causes(batches=(LATE,), further_count=2) for key in since}

    recorded(engine, finding(12.0), finding(12.0, day=1), now=NOW)
    with writing(engine) as connection:
        late, same = finding(9.0, labelled=95), finding(12.5, day=1)
        record(connection, [late, same], now=NOW + 5, channels_for=lambda _: ["ops"], causes_for=causes_for)

    assert asked == [{late.key: NOW}]
    [event] = [row for row in rows(engine, alert_events) if row["to_state"] == "retracted"]
    [message] = [json.loads(row["payload"]) for row in rows(engine, notifications) if row["sequence"] == 2]
    batch = {
        "batch_id": "b1",
        "source": "late.ndjson",
        "kind": "actuals",
        "row_count": 35,
        "received_at": "2027-01-15T08:00:00Z",
    }
    assert json.loads(event["causes"]) == {"batches": [batch], "further_batch_count": 2, "by_age_alone": False}
    assert message["causes"] == json.loads(event["causes"])
    assert "late labels moved mae" in message["text"]
    assert message["text"].endswith("; batches late.ndjson (35 rows), 2 more")


def test_a_window_that_only_grew_old_says_so_and_one_whose_rule_was_edited_does_not(engine: Engine) -> None:
    edited = Rule(id="mae-high", metric="mae", above=15, severity=Severity.CRITICAL)
    recorded(engine, finding(12.0), finding(12.0, day=1), now=NOW)

    recorded(engine, finding(12.0, mature=True), finding(12.0, day=1, rule=edited), now=NOW + 1)

    by_age = {e["to_state"]: json.loads(e["causes"])["by_age_alone"] for e in rows(engine, alert_events, "sequence")}
    assert by_age == {"provisional": False, "confirmed": True, "retracted": False}


def test_no_cause_is_looked_for_where_no_alert_moves(engine: Engine) -> None:
    def causes_for(since: Any) -> dict[FindingKey, Causes]:
        pytest.fail(f"asked about {since}")

    recorded(engine, finding(12.0), now=NOW)

    with writing(engine) as connection:
        changed = [finding(13.0), finding(9.0, day=1), finding(50.0, day=2, labelled=2)]
        record(connection, changed, now=NOW + 1, channels_for=lambda _: [], causes_for=causes_for)

    assert count(engine, findings) == 4


# What each state becomes, written apart from the program: (state, kind, mature) -> (state, severity).
# An escalated alert remembers whether it had been confirmed.
MACHINE = {
    **{
        (state, kind, mature): ("confirmed" if mature else "provisional", severity)
        for state in ("nothing", "retracted")
        for kind, severity in (("breach", "warning"), ("worse", "critical"))
        for mature in (False, True)
    },
    ("provisional warning", "breach", True): ("confirmed", "warning"),
    ("provisional warning", "worse", False): ("escalated", "critical"),
    ("provisional warning", "worse", True): ("escalated", "critical"),
    ("provisional critical", "worse", True): ("confirmed", "critical"),
    ("provisional critical", "breach", False): ("provisional", "warning"),
    ("provisional critical", "breach", True): ("confirmed", "warning"),
    ("confirmed warning", "worse", False): ("escalated", "critical"),
    ("confirmed warning", "worse", True): ("escalated", "critical"),
    ("confirmed critical", "breach", False): ("confirmed", "warning"),
    ("confirmed critical", "breach", True): ("confirmed", "warning"),
    ("escalated, provisional before", "breach", False): ("provisional", "warning"),
    ("escalated, provisional before", "breach", True): ("confirmed", "warning"),
    ("escalated, confirmed before", "breach", False): ("confirmed", "warning"),
    ("escalated, confirmed before", "breach", True): ("confirmed", "warning"),
}

STEPS = st.lists(
    st.tuples(st.sampled_from(["breach", "worse", "ok", "few", "undefined"]), st.booleans(), st.integers(0, 2)),
    max_size=12,
)


def standing(events: list[tuple[str, str]]) -> str:
    """The machine's name of where a story of events has led."""
    if not events:
        return "nothing"
    state, severity = events[-1]
    if state == "escalated":
        return f"escalated, {events[-2][0]} before"
    return state if state == "retracted" else f"{state} {severity}"


def expected_events(steps: list[tuple[str, bool, int]]) -> list[tuple[str, str]]:
    events: list[tuple[str, str]] = []
    for kind, mature, _ in steps:
        now_standing = standing(events)
        if kind == "ok" and now_standing not in ("nothing", "retracted"):
            events.append(("retracted", events[-1][1]))
        elif (now_standing, kind, mature) in MACHINE:
            events.append(MACHINE[now_standing, kind, mature])
    return events


@given(STEPS)
@settings(max_examples=80, deadline=None)
def test_any_sequence_of_verdicts_leaves_the_events_of_a_machine_written_apart(
    steps: list[tuple[str, bool, int]],
) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    for now, (kind, mature, extra) in enumerate(steps):
        value = {"breach": 12.0 + extra, "worse": 25.0 + extra, "ok": 9.0 - extra, "few": 50.0, "undefined": None}[kind]
        verdict = finding(value, mature=mature, labelled=3 if kind == "few" else 60, rule=ESCALATING)
        for _ in range(2):  # the second time writes nothing
            recorded(engine, verdict, now=now)
    events = rows(engine, alert_events, "sequence")
    standing_at = {row["known_from"]: row["value"] for row in rows(engine, findings)}

    expected = expected_events(steps)

    assert [(event["to_state"], event["severity"]) for event in events] == expected
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["from_state"] for event in events] == [None, *(state for state, _ in expected)][: len(events)]
    assert [event["new_value"] for event in events] == [standing_at[event["known_at"]] for event in events]
    assert len({event["known_at"] for event in events}) == len(events)  # at most one for each finding that changed
    assert count(engine, notifications) == len(expected)
    assert [(row["state"], row["severity"], row["sequence"]) for row in rows(engine, alerts)] == [
        (*last, len(expected)) for last in expected[-1:]
    ]
    engine.dispose()
