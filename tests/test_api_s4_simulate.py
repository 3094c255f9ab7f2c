"""``POST /simulate/{scenario}``: a failure is injected into an environment of its own, and what was noticed is told."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select

from monitoring_pipeline.events.tables import predictions
from tests.conftest import FixedClock
from tests.serving import installation_on, served, token_for

SMALL = {"days": 2, "onset_day": 1, "rows_per_hour": 5, "reference_days": 8, "label_delay_hours": 1}


def ended(client: httpx.Client, scenario: str, options: dict[str, Any]) -> dict[str, Any]:
    """A simulation's last words."""
    started = client.post(f"/simulate/{scenario}", json=options)
    assert started.status_code == httpx.codes.ACCEPTED, started.text
    url = started.json()["status_url"]
    assert started.headers["Location"] == url
    return last_words(client, url)


def last_words(client: httpx.Client, url: str) -> dict[str, Any]:
    """What is told once it has ended; it gives way to everything else, so on a busy machine it takes long."""
    pause = threading.Event()
    found: dict[str, Any] = {"state": "running"}
    while found["state"] == "running":
        pause.wait(0.1)
        found = client.get(url).json()
    return found


def test_a_simulation_runs_beside_the_server_and_touches_nothing_of_it(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        started = client.post("/simulate/sudden_drift", json=SMALL).json()
        refused = client.post("/simulate/gradual_drift", json={})
        running = client.get(started["status_url"]).json()
        told = last_words(client, started["status_url"])

    assert (started["state"], running["state"], refused.status_code) == ("running", "running", 503)
    assert int(refused.headers["Retry-After"]) > 0
    assert (told["state"], told["ticks_done"], told["tick_count"], told["error"]) == ("finished", 3, 3, None)
    assert (told["scenario"], told["settings"]) == ("sudden_drift", SMALL)
    assert told["outcome"]["injected"] == "amount_usd jumps by 2 sd"
    assert str(tmp_path) not in str(told)
    assert (tmp_path / "simulations" / told["job_id"] / "home" / "monitor.db").is_file()
    with sqlite_engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(predictions)) == 0


def test_a_simulation_ends_with_its_server_and_is_told_as_interrupted_by_the_next_one(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    with served(installation) as client:
        url = client.post("/simulate/latency_spike").json()["status_url"]
    with served(installation) as client:
        told = client.get(url).json()

    assert (told["state"], told["outcome"], told["settings"]) == ("interrupted", None, {})


@pytest.mark.parametrize(
    ("scenario", "body", "status", "code"),
    [
        ("earthquake", {}, 404, "unknown-scenario"),
        ("sudden_drift", {"days": 0}, 422, "invalid-request"),
        ("sudden_drift", {"days": 5, "onset_day": 7}, 422, "invalid-request"),
        ("sudden_drift", {"dayz": 5}, 422, "invalid-request"),
        ("sudden_drift", {"size": "large"}, 422, "invalid-request"),
        ("sudden_drift", {"task": "ranking"}, 422, "invalid-request"),
        ("sudden_drift", {"days": 180, "rows_per_hour": 10_000}, 422, "invalid-request"),
        ("sudden_drift", [], 422, "invalid-request"),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_anything_starts(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, scenario: str, body: Any, status: int, code: str
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.post(f"/simulate/{scenario}", json=body)

    assert (reply.status_code, reply.json()["type"].rpartition(":")[2]) == (status, code)
    assert not (tmp_path / "simulations").exists()


def test_a_simulation_that_cannot_be_applied_says_why(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        told = ended(client, "sudden_drift", {**SMALL, "feature": "no such feature"})

    assert told["state"] == "failed"
    assert "no such feature" in told["error"]


@pytest.mark.parametrize("job_id", ["0" * 16, "..%2f..%2fetc", "%2e%2e", "busy", "0" * 15])
def test_nothing_but_simulations_can_be_asked_for(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, job_id: str
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.get(f"/simulate/{job_id}")

    assert reply.status_code in {404, 405}


def test_only_administrators_start_or_see_simulations(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    others = token_for(installation, "events:append", "pipes:read", "metrics:read")
    of_a_model = token_for(installation, "admin@price", client="half")

    with served(installation) as client:
        statuses = [
            reply.status_code
            for headers in ({}, others, of_a_model)
            for reply in (
                client.post("/simulate/sudden_drift", json={}, headers=headers),
                client.get(f"/simulate/{'0' * 16}", headers=headers),
            )
        ]

    assert statuses == [401, 401, 403, 403, 403, 403]


@pytest.mark.long
@pytest.mark.parametrize("scenario", ["gradual_drift", "sudden_drift", "data_quality", "latency_spike"])
def test_the_four_scenarios_are_noticed(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, scenario: str
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        told = ended(client, scenario, {})

    assert (told["state"], told["outcome"]["ending"]) == ("finished", "seen")
