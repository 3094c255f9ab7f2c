"""``GET /health``: how the monitor and its models do, at one look."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.metering.lately import Answered
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.config.models import Model, MonitoringConfig
from monitoring_pipeline.database import open_engine, writing
from monitoring_pipeline.reports.health import THRESHOLDS, Health, check
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor
from tests.conftest import FixedClock
from tests.serving import event, installation_on, served, serving, token_for


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in told["components"]}


def test_an_empty_monitor_is_healthy_and_says_what_it_looked_at(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.get("/health")

    told = reply.json()
    assert (reply.status_code, told["status"], told["models"]) == (200, "healthy", [])
    assert {name: found["status"] for name, found in by_name(told).items()} == dict.fromkeys(
        ["store", "writer", "requests", "pipeline", "alerts", "notifications", "ingest"], "healthy"
    )


def test_models_are_held_against_the_thresholds(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    config = MonitoringConfig(models=[Model(id="silent", task="binary")])
    with served(installation_on(engine, tmp_path, clock=clock, config=config)) as client:
        for number in range(20):
            row = event(number, confidence=0.9 if number else 0.1, latency_ms=20.0 if number < 18 else 300.0)
            client.post("/v0/events?name=ml_model_predictions", json=row)
        told = client.get("/health").json()

    price, silent = told["models"]
    assert {found["name"]: found["health"] for found in price["checks"]} == {
        "model_status": "healthy",
        "average_confidence": "healthy",
        "low_confidence_rate": "healthy",
        "latency_p95_ms": "warning",
    }
    assert (price["model_id"], price["status"]) == ("price", "warning")
    assert (silent["model_id"], silent["status"], silent["checks"][0]["health"]) == ("silent", "critical", "critical")


@pytest.mark.parametrize(
    ("name", "value", "health"),
    [
        ("average_confidence", 0.81, Health.HEALTHY),
        ("average_confidence", 0.8, Health.WARNING),
        ("average_confidence", 0.6, Health.WARNING),
        ("average_confidence", 0.59, Health.CRITICAL),
        ("low_confidence_rate", 0.09, Health.HEALTHY),
        ("low_confidence_rate", 0.3, Health.WARNING),
        ("low_confidence_rate", 0.31, Health.CRITICAL),
        ("latency_p95_ms", 99.9, Health.HEALTHY),
        ("latency_p95_ms", 500.0, Health.WARNING),
        ("latency_p95_ms", 500.1, Health.CRITICAL),
        ("error_rate", 0.0, Health.HEALTHY),
        ("error_rate", 1e-9, Health.WARNING),
        ("error_rate", 0.02, Health.CRITICAL),
        *((name, None, Health.NOT_ENOUGH_DATA) for name in THRESHOLDS),
    ],
)
def test_the_thresholds_are_those_of_the_guide(name: str, value: float | None, health: Health) -> None:
    assert check(name, value).health is health


def test_hours_that_nobody_computes_degrade_the_monitor_until_they_are(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    hour = floor(clock.now, Grain.HOUR) - HOUR_MICROS

    with served(installation) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        soon = client.get("/health").json()
        clock.advance(hours=3)
        late = client.get("/health")
        for stage in (log_predictions, join_predictions, measure_hours):
            stage(installation.pipeline, [hour])
        measure_drift(installation.pipeline, Grain.HOUR, [hour])
        judge_windows(installation.pipeline, Grain.HOUR, [hour])
        done = client.get("/health").json()

    assert (soon["status"], by_name(soon)["pipeline"]["figures"]["late_hours"]) == ("healthy", 0)
    assert (late.status_code, late.json()["status"]) == (200, "degraded")
    pipeline = by_name(late.json())["pipeline"]
    assert (pipeline["figures"]["late_hours"], pipeline["figures"]["oldest_late_hour"]) == (1, "2026-03-02T11:00:00Z")
    assert "monitor reconcile" in pipeline["reason"]
    assert (by_name(done)["pipeline"]["status"], by_name(done)["pipeline"]["figures"]["due_hours"]) == ("healthy", 0)


@pytest.mark.parametrize(("state", "word"), [("pending", "daemon"), ("failed", "redeliver")])
def test_notifications_that_nobody_sends_degrade_the_monitor(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, state: str, word: str
) -> None:
    row = {
        "notification_id": "n",
        "alert_id": "a",
        "sequence": 1,
        "channel": "ops",
        "payload": "{}",
        "state": state,
        "attempts": 0,
        "next_attempt_at": clock.now,
        "created_at": clock.now,
    }
    with writing(sqlite_engine) as connection:
        connection.execute(insert(notifications), row)
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        clock.advance(hours=1)
        told = client.get("/health").json()
        with writing(sqlite_engine) as connection:
            connection.execute(update(notifications).values(state="delivered"))
        mended = client.get("/health").json()

    found = by_name(told)["notifications"]
    assert (told["status"], found["status"], found["figures"][state]) == ("degraded", "degraded", 1)
    assert word in found["reason"]
    assert mended["status"] == "healthy"


def test_requests_that_could_not_be_served_degrade_the_monitor_for_five_minutes(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    app = create_app(service_of(installation_on(sqlite_engine, tmp_path, clock=clock), open_to_anybody=True))
    with serving(app) as client:
        for status in (404, 500, 503):
            app.state.service.lately.note(status)
        told = client.get("/health").json()
        clock.advance(seconds=310)
        later = client.get("/health").json()

    found = by_name(told)["requests"]
    assert (told["status"], found["status"]) == ("degraded", "degraded")
    assert found["figures"] == {"requests": 3, "errors": 2, "error_rate": 2 / 3, "look_back_seconds": 300}
    assert found["reason"].startswith("2 of 3 requests of the last 5 minutes")
    assert (later["status"], by_name(later)["requests"]["figures"]["error_rate"]) == ("healthy", None)


def test_a_store_that_is_gone_is_unhealthy_and_its_address_is_not_told(tmp_path: Path, clock: FixedClock) -> None:
    folder = tmp_path / "secret-place"
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'store.db'}")
    installation = installation_on(engine, tmp_path / "home", clock=clock)
    app = create_app(service_of(installation, open_to_anybody=True))
    with serving(app) as client:
        engine.dispose()
        shutil.rmtree(folder)
        client.get("/v1/models")
        client.get("/readyz")
        reply = [client.get("/health") for _ in range(2)][-1]

    told = reply.json()
    assert (reply.status_code, told["status"]) == (503, "unhealthy")
    assert by_name(told)["store"]["status"] == "unhealthy"
    assert by_name(told)["requests"]["status"] == "degraded"
    assert app.state.service.lately.answered() == Answered(requests=1, errors=1)  # who asks how it does is no request
    assert "secret-place" not in reply.text


def test_without_a_token_it_says_how_it_does_and_nothing_more(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    reader, appender = token_for(installation, "metrics:read@a*"), token_for(installation, "events:append", client="p")
    all_models = token_for(installation, "admin", client="a")

    with served(installation) as client:
        for model_id in ("a1", "b1"):
            row = event(model_id=model_id)
            client.post("/v0/events?name=ml_model_predictions", json=row, headers=all_models)
        short, also_short, long = (client.get("/health", headers=headers).json() for headers in ({}, appender, reader))
        wrong = client.get("/health", headers={"Authorization": "Bearer nonsense"})

    assert short == also_short
    assert short.keys() == {"status", "components"}
    assert all(component.keys() == {"name", "status"} for component in short["components"])
    assert [model["model_id"] for model in long["models"]] == ["a1"]
    assert wrong.status_code == 401
