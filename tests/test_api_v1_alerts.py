"""``/v1/alerts`` and ``/v1/silences``: what people were told, who took note, and what is not told for a while."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.alerts.notification import Notification
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.config.models import Rule
from monitoring_pipeline.database import writing
from tests.alerts_examples import finding, recorded
from tests.api_pages import items, problem
from tests.conftest import FixedClock
from tests.serving import installation_on, served, token_for

WARNING = Rule(id="mae-raised", metric="mae", above=5)
FOR_AN_HOUR = {"model_id": "flight_delay", "ends_at": "2026-03-02T13:00:00Z", "reason": "planned work"}


class Receiver:
    def __init__(self) -> None:
        self.told: list[str] = []

    def deliver(self, notification: Notification) -> None:
        self.told.append(str(notification.payload["to_state"]))


def opened(engine: Engine, clock: FixedClock, *, days: int = 1) -> list[str]:
    recorded(engine, *(finding(12.0, day=day) for day in range(days)), now=clock())
    return [alert["alert_id"] for alert in list_alerts(engine)]


def test_alerts_are_the_same_as_the_command_lists_the_newest_first(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    opened(engine, clock, days=5)
    recorded(engine, finding(6.0, rule=WARNING), now=clock())

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = items(client, "/v1/alerts", limit=2)

    assert [alert["window_start"] for alert in found] == sorted(
        (alert["window_start"] for alert in found), reverse=True
    )
    assert sorted(found, key=lambda alert: str(alert["alert_id"])) == sorted(
        list_alerts(engine), key=lambda alert: str(alert["alert_id"])
    )


def test_paging_visits_every_alert_once_while_alerts_change_and_open(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    before = set(opened(engine, clock, days=12))
    days = iter(range(100, 200))

    def change() -> None:
        clock.advance(seconds=1)
        values = [finding(9.0, day=3), finding(12.0, day=8, mature=True), finding(12.0, day=next(days))]
        recorded(engine, *values, finding(13.0, day=-next(days)), now=clock())

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = [alert["alert_id"] for alert in items(client, "/v1/alerts", limit=5, between=change)]

    assert len(found) == len(set(found))
    assert before <= set(found)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 4),
        ({"state": "retracted"}, 1),
        ({"state": ["retracted", "provisional"]}, 4),
        ({"active": True}, 3),
        ({"active": False}, 1),
        ({"active": True, "state": "retracted"}, 0),
        ({"severity": "warning"}, 1),
        ({"rule_id": "mae-raised"}, 1),
        ({"segment": "all"}, 4),
        ({"segment": "carrier=UA"}, 0),
        ({"model_id": "flight_delay"}, 4),
        ({"from": "2024-10-05", "to": "2024-10-06"}, 1),
        ({"acknowledged": False}, 4),
        ({"acknowledged": True}, 0),
    ],
)
def test_alerts_are_narrowed_by_what_they_say(
    engine: Engine, tmp_path: Path, clock: FixedClock, parameters: dict[str, Any], count: int
) -> None:
    opened(engine, clock, days=3)
    recorded(engine, finding(9.0, day=2), finding(6.0, rule=WARNING), now=clock() + 1)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        assert len(items(client, "/v1/alerts", **parameters)) == count


def test_an_alert_is_shown_with_its_life(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    [alert_id] = opened(engine, clock)
    recorded(engine, finding(12.0, mature=True), now=clock() + 1)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        alert = client.get(f"/v1/alerts/{alert_id[:8]}").json()

    assert (alert["alert_id"], alert["state"], alert["acknowledgements"]) == (alert_id, "confirmed", [])
    assert [(event["sequence"], event["from_state"], event["to_state"]) for event in alert["history"]] == [
        (1, None, "provisional"),
        (2, "provisional", "confirmed"),
    ]


def test_an_acknowledgement_bears_the_callers_name_and_ends_with_the_next_transition(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    [alert_id] = opened(engine, clock)
    installation = installation_on(engine, tmp_path, clock=clock)
    admin = token_for(installation, "admin", client="on-call")

    with served(installation) as client:
        told = client.post(f"/v1/alerts/{alert_id}/acknowledgement", json={"note": "seen"}, headers=admin)
        noted = items(client, "/v1/alerts", headers=admin, acknowledged=True)
        recorded(engine, finding(12.0, mature=True), now=clock() + 1)
        news = items(client, "/v1/alerts", headers=admin, acknowledged=False)
        late = client.post(f"/v1/alerts/{alert_id}/acknowledgement", json={"sequence": 1}, headers=admin)
        shown = client.get(f"/v1/alerts/{alert_id}", headers=admin).json()

    assert (told.status_code, told.json()["acknowledged_by"], told.json()["sequence"]) == (200, "on-call", 1)
    assert [alert["acknowledgement_note"] for alert in noted] == ["seen"]
    assert [(alert["alert_id"], alert["acknowledged_by"]) for alert in news] == [(alert_id, None)]
    assert problem(late) == (409, "alert-moved")
    assert [note["sequence"] for note in shown["acknowledgements"]] == [1]


def test_a_silenced_alert_sends_nothing_and_its_present_state_is_told_once_afterwards(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    ops = Receiver()
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        made = client.post("/v1/silences", json=FOR_AN_HOUR)
        opened(engine, clock)
        recorded(engine, finding(12.0, mature=True), now=clock() + 1)
        deliver_due(engine, {"ops": ops}, clock=clock)
        [alert] = items(client, "/v1/alerts")
        silent = list(ops.told)
        ended = client.delete(f"/v1/silences/{made.json()['silence_id']}")
        deliver_due(engine, {"ops": ops}, clock=clock)
        deliver_due(engine, {"ops": ops}, clock=clock)
        [listed] = items(client, "/v1/silences")

    assert (made.status_code, made.json()["state"], made.json()["created_by"]) == (201, "holding", "loopback")
    assert (silent, alert["state"], alert["deliveries"]["silenced"]) == ([], "confirmed", 2)
    assert (ended.status_code, ended.json()["state"], ended.json()["ended_by"]) == (200, "over", "loopback")
    assert ops.told == ["confirmed"]
    assert listed == ended.json()


def test_silences_come_in_pages_the_newest_first(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        made = []
        for _ in range(5):
            made.append(client.post("/v1/silences", json=FOR_AN_HOUR).json()["silence_id"])
            clock.advance(seconds=1)
        client.delete(f"/v1/silences/{made[0]}")
        found = items(client, "/v1/silences", limit=2)
        holding = items(client, "/v1/silences", limit=2, state="holding")

    assert [silence["silence_id"] for silence in found] == made[::-1]
    assert [silence["silence_id"] for silence in holding] == made[:0:-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": "2026-03-02T11:00:00Z"},
        {"ends_at": "2026-07-02T11:00:00Z"},
        {"ends_at": 1772452800},
        {"ends_at": None},
        {"starts_at": "2026-03-02T14:00:00Z"},
        {"reason": ""},
        {"reason": "  "},
        {"reason": "a\0b"},
        {"reason": "x" * 1001},
        {"model_id": ""},
        {"modelid": "flight_delay"},
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(
    engine: Engine, tmp_path: Path, clock: FixedClock, changes: dict[str, object]
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.post("/v1/silences", json={**FOR_AN_HOUR, **changes})

        assert problem(reply) == (422, "invalid-request")
        assert items(client, "/v1/silences") == []


def test_half_a_character_in_a_body_is_refused(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    [alert_id] = opened(engine, clock)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        path, kind = f"/v1/alerts/{alert_id}/acknowledgement", {"content-type": "application/json"}
        reply = client.post(path, content=b'{"note": "\\ud800"}', headers=kind)

    assert reply.status_code in {400, 422}
    assert reply.headers["content-type"] == "application/problem+json"


def test_tokens_for_some_models_do_and_see_what_concerns_those(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    [alert_id] = opened(engine, clock)
    installation = installation_on(engine, tmp_path, clock=clock)
    reader = token_for(installation, "metrics:read", client="reader")
    other = token_for(installation, "admin@flight_late", client="other")
    mine = token_for(installation, "admin@flight_d*", client="mine")

    with served(installation) as client:
        path = f"/v1/alerts/{alert_id}/acknowledgement"
        refused = [
            client.post(path, json={}, headers=reader),
            client.get("/v1/alerts?model_id=flight_delay", headers=other),
            client.post("/v1/silences", json=FOR_AN_HOUR, headers=reader),
            client.post("/v1/silences", json=FOR_AN_HOUR, headers=other),
            client.post("/v1/silences", json={**FOR_AN_HOUR, "model_id": None}, headers=mine),
        ]
        made = client.post("/v1/silences", json=FOR_AN_HOUR, headers=mine)
        noted = client.post(path, json={}, headers=mine)
        seen = [items(client, "/v1/silences", headers=headers) for headers in (reader, other, mine)]
        hidden = items(client, "/v1/alerts", headers=other)

    assert [problem(reply) for reply in refused] == [(403, "forbidden")] * 5
    assert (made.status_code, noted.status_code) == (201, 200)
    assert [len(silences) for silences in seen] == [1, 0, 1]
    assert hidden == []


def test_an_id_of_another_model_is_answered_word_for_word_as_one_of_nothing(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    [alert_id] = opened(engine, clock)
    installation = installation_on(engine, tmp_path, clock=clock)
    other, admin = (token_for(installation, grant, client=grant) for grant in ("admin@flight_late", "admin"))

    with served(installation) as client:
        silence_id = client.post("/v1/silences", json=FOR_AN_HOUR, headers=admin).json()["silence_id"]
        answers = [
            reply
            for path in (f"/v1/alerts/{found}" for found in (alert_id, alert_id[:6], "abcdef0123"))
            for reply in (
                client.get(path, headers=other),
                client.post(f"{path}/acknowledgement", json={}, headers=other),
            )
        ]
        silences = [client.delete(f"/v1/silences/{found}", headers=other) for found in (silence_id, "abcdef")]
        still = items(client, "/v1/silences", headers=admin, state="holding")

    assert len({reply.content for reply in answers}) == 1
    assert len({reply.content for reply in silences}) == 1
    assert [problem(answers[0]), problem(silences[0])] == [(404, "unknown-alert"), (404, "unknown-silence")]
    assert [silence["silence_id"] for silence in still] == [silence_id]


def test_who_may_read_a_thing_and_not_change_it_is_told_which_scope_is_missing(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    [alert_id] = opened(engine, clock)
    installation = installation_on(engine, tmp_path, clock=clock)
    reader = token_for(installation, "metrics:read@flight_delay", "admin@flight_late", client="reader")
    admin = token_for(installation, "admin", client="admin")

    with served(installation) as client:
        of_one, of_all = (
            client.post("/v1/silences", json={**FOR_AN_HOUR, "model_id": name}, headers=admin).json()["silence_id"]
            for name in ("flight_delay", None)
        )
        replies = [
            client.post(f"/v1/alerts/{alert_id}/acknowledgement", json={}, headers=reader),
            client.delete(f"/v1/silences/{of_one}", headers=reader),
            client.delete(f"/v1/silences/{of_all}", headers=reader),
        ]

    assert [problem(reply) for reply in replies] == [(403, "forbidden")] * 3
    assert ["--scope admin@flight_delay" in reply.json()["detail"] for reply in replies] == [True, True, False]


def test_what_is_not_there_is_told_with_the_place_where_ids_are_listed(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        replies = [
            client.get("/v1/alerts/abcdef"),
            client.post("/v1/alerts/abcdef/acknowledgement", json={}),
            client.delete("/v1/silences/abcdef"),
        ]

    assert [problem(reply) for reply in replies] == [
        (404, "unknown-alert"),
        (404, "unknown-alert"),
        (404, "unknown-silence"),
    ]
    assert ["GET /v1/" in reply.json()["detail"] for reply in replies] == [True] * 3


def test_the_beginning_of_an_id_is_told_apart_among_the_alerts_that_the_caller_may_read(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    """Refused as ambiguous, it would say that a model of others has an alert whose id begins so."""
    mine, others = opened(engine, clock, days=2)
    collides = mine[:8] + others[8:]
    with writing(engine) as connection:
        changed = {"alert_id": collides, "model_id": "secret"}
        connection.execute(update(alerts).where(alerts.c.alert_id == others).values(**changed))
    installation = installation_on(engine, tmp_path, clock=clock)
    headers = {grant: token_for(installation, grant) for grant in ("metrics:read@flight_delay", "metrics:read")}
    with served(installation, open_to_anybody=False) as client:
        told = {
            grant: client.get(f"/v1/alerts/{mine[:8]}", headers=sent).status_code for grant, sent in headers.items()
        }

    assert told == {"metrics:read@flight_delay": 200, "metrics:read": 404}
