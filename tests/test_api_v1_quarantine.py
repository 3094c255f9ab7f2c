"""``/v1/quarantine``: what was refused, who may read it, and trying it again."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from tests.api_pages import items, problem
from tests.conftest import FixedClock
from tests.ingest_examples import DECLARED, prediction, stored
from tests.serving import event, installation_on, served, token_for

BINARY = MonitoringConfig(models=[Model(id=name, task=Task.BINARY) for name in ("delay", "other")])
SECRET = "canary-of-a-feature"


def refused(engine: Engine, clock: FixedClock, *rows: dict[str, object]) -> None:
    ingest_rows(engine, rows, kind=Kind.PREDICTIONS, config=BINARY, clock=clock, source="events.ndjson")


def numbered(count: int, **changes: object) -> list[dict[str, object]]:
    return [prediction(prediction_id=f"p{number}", **changes) for number in range(count)]


def test_a_row_that_came_over_http_is_listed_shown_and_replayed(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        future = event(timestamp="2026-03-02 12:30:00")
        client.post("/v0/events?name=ml_model_predictions", json=future)
        [row] = items(client, "/v1/quarantine")
        shown = client.get(f"/v1/quarantine/{row['quarantine_id']}").json()
        clock.advance(hours=1)
        replayed = client.post("/v1/quarantine/replay", json={"ids": [row["quarantine_id"]]}).json()
        again = client.post("/v1/quarantine/replay", json={"ids": [row["quarantine_id"]]}).json()
        gone = client.get(f"/v1/quarantine/{row['quarantine_id']}")

    assert (row["model_id"], row["reason"], row["source"], row["can_be_replayed"]) == (
        "price",
        "future_timestamp",
        "http",
        True,
    )
    assert shown == row
    assert (replayed["accepted"], replayed["reasons"], replayed["next_cursor"]) == (1, {}, None)
    assert again["selected"] == 0
    assert problem(gone) == (404, "unknown-row")
    assert [row["prediction_id"] for row in stored(engine, "predictions")] == ["p0"]


def test_what_was_received_is_for_administrators_of_the_model_only(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    refused(engine, clock, prediction(features={"name": SECRET}))
    installation = installation_on(engine, tmp_path, clock=clock)
    reader = token_for(installation, "metrics:read", client="reader")
    elsewhere = token_for(installation, "metrics:read", "admin@other", client="elsewhere")
    admin = token_for(installation, "admin@delay", client="admin")

    with served(installation) as client:
        texts = [client.get("/v1/quarantine", headers=headers).text for headers in (reader, elsewhere, admin)]

    assert [SECRET in text for text in texts] == [False, False, True]


def test_rows_are_hidden_from_tokens_for_other_models_and_those_of_nobody_too(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    refused(engine, clock, *numbered(2), *numbered(1, model_id="other"), *numbered(1, model_id=...))
    installation = installation_on(engine, tmp_path, clock=clock)
    some, everything = token_for(installation, "admin@delay"), token_for(installation, "admin", client="all")

    with served(installation) as client:
        mine, all_rows = (items(client, "/v1/quarantine", headers=headers) for headers in (some, everything))
        ids = {row["model_id"]: row["quarantine_id"] for row in all_rows}
        hidden = [
            reply
            for path in (f"/v1/quarantine/{found}" for found in (ids["other"], ids[None], "none"))
            for reply in (
                client.get(path, headers=some),
                client.post(f"{path}/discard", json={"note": "x"}, headers=some),
            )
        ]
        replies = [
            client.get("/v1/quarantine?model_id=other", headers=some),
            client.post("/v1/quarantine/replay", json={"model_id": "other"}, headers=some),
        ]
        others = client.post("/v1/quarantine/replay", json={"ids": [ids["other"]]}, headers=some).json()
        every = client.post("/v1/quarantine/replay", json={}, headers=some).json()

    assert [row["model_id"] for row in mine] == ["delay", "delay"]
    assert [problem(reply) for reply in replies] == [(403, "forbidden")] * 2
    assert problem(hidden[0]) == (404, "unknown-row")
    assert len({reply.content for reply in hidden}) == 1
    assert (others["selected"], every["selected"], len(all_rows)) == (0, 2, 4)


def test_reading_is_no_leave_to_replay_or_discard(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    reader = token_for(installation, "metrics:read")

    with served(installation) as client:
        replies = [
            client.post("/v1/quarantine/replay", json={}, headers=reader),
            client.post("/v1/quarantine/x/discard", json={"note": "x"}, headers=reader),
        ]

    assert [problem(reply) for reply in replies] == [(403, "forbidden")] * 2


def test_paging_visits_every_row_once_while_rows_come_and_go(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    refused(engine, clock, *numbered(6))
    clock.advance(seconds=1)
    refused(engine, clock, *numbered(6, predicted_value=7.0))
    number = iter(range(100))

    def come_and_go() -> None:
        clock.advance(seconds=1)
        refused(engine, clock, prediction(prediction_id=f"new{next(number)}"))

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        before = {row["quarantine_id"] for row in items(client, "/v1/quarantine")}
        found = [row["quarantine_id"] for row in items(client, "/v1/quarantine", limit=5, between=come_and_go)]

    assert len(before) == len(found) == 12
    assert set(found) == before


def test_a_long_replay_goes_on_with_its_cursor_and_loses_nothing(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    refused(engine, clock, *numbered(4), *numbered(3, predicted_value="no"))
    totals: dict[str, int] = {"accepted": 0, "refused": 0, "selected": 0}

    with served(installation_on(engine, tmp_path, clock=clock, config=DECLARED)) as client:
        cursor: dict[str, str] = {}
        while True:
            reply = client.post("/v1/quarantine/replay", json={"limit": 2, **cursor}).json()
            totals = {name: count + reply[name] for name, count in totals.items()}
            if reply["next_cursor"] is None:
                break
            cursor = {"cursor": reply["next_cursor"]}
        left = items(client, "/v1/quarantine")

    assert totals == {"accepted": 4, "refused": 3, "selected": 7}
    assert [row["reason"] for row in left] == ["wrong_type"] * 3
    assert len(stored(engine, "predictions")) == 4


def test_a_conflict_is_discarded_with_a_note_that_stays(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    config = MonitoringConfig()
    installation = installation_on(engine, tmp_path, clock=clock, config=config)
    admin = token_for(installation, "admin", client="ana")

    with served(installation) as client:
        for value in (1.0, 2.0):
            client.post("/v0/events?name=ml_model_predictions", json=event(predicted_value=value), headers=admin)
        [row] = items(client, "/v1/quarantine", headers=admin)
        kept = client.post("/v1/quarantine/replay", json={"reason": "conflicting_prediction"}, headers=admin).json()
        path = f"/v1/quarantine/{row['quarantine_id']}/discard"
        decided = client.post(path, json={"note": "the first is right"}, headers=admin).json()
        waiting = items(client, "/v1/quarantine", headers=admin)
        discarded = items(client, "/v1/quarantine", headers=admin, discarded=True)

    assert kept["reasons"] == {"conflicting_prediction": 1}
    assert (decided["discarded_by"], decided["discard_note"], decided["can_be_replayed"]) == (
        "ana",
        "the first is right",
        False,
    )
    assert (waiting, discarded) == ([], [decided])


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"kind": "predictions"}, 3),
        ({"kind": "actuals"}, 0),
        ({"reason": "out_of_range"}, 2),
        ({"reason": ["out_of_range", "wrong_type"]}, 3),
        ({"source": "events.ndjson"}, 3),
        ({"source": "http"}, 0),
        ({"model_id": "delay"}, 3),
        ({"model_id": "nobody"}, 0),
        ({"from": "2026-03-02T12:00:00Z", "to": "2026-03-02T12:00:01Z"}, 3),
        ({"to": "2026-03-02T12:00:00Z"}, 0),
        ({"discarded": True}, 0),
    ],
)
def test_rows_are_narrowed_by_what_they_say(
    engine: Engine, tmp_path: Path, clock: FixedClock, parameters: dict[str, Any], count: int
) -> None:
    refused(engine, clock, *numbered(2), prediction(predicted_value="no"))

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        assert len(items(client, "/v1/quarantine", **parameters)) == count


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 10_001},
        {"reason": "bad"},
        {"ids": ["x"] * 1_001},
        {"ids": ["a\0"]},
        {"cursor": "x"},
        {"everything": True},
    ],
)
def test_a_replay_that_cannot_be_meant_is_refused(
    engine: Engine, tmp_path: Path, clock: FixedClock, body: dict[str, object]
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        assert problem(client.post("/v1/quarantine/replay", json=body)) == (422, "invalid-request")
