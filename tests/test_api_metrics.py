"""``GET /metrics``: what is shown equals what is stored."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.config.models import MonitoringConfig, Severity
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.tables import hour_revision, predictions
from monitoring_pipeline.events.totals.counting import CONFIDENCE_EDGES, LATENCY_EDGES_SECONDS
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.results.tables import drift_results, metrics, quality_results
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.alerts_examples import DAY as ALERT_DAY
from tests.alerts_examples import finding, recorded
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import one_prediction_each, prediction, regressions
from tests.metrics_text import Series, only, scrape, value
from tests.results_examples import a_drift_result, a_metric
from tests.serving import event, installation_on, served

HOUR = NOON_MICROS - HOUR_MICROS  # the newest hour that has ended
DAY = NOON_MICROS - NOON_MICROS % DAY_MICROS - DAY_MICROS


def _sentiments(count: int) -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [
        event(
            number,
            model_id="mood",
            predicted_value=rng.choice(["POSITIVE", "NEGATIVE", "NEUTRAL"]),
            model_version=rng.choice(["1", "2"]),
            environment=rng.choice(["production", "test"]),
            latency_ms=rng.choice([0.5, 5, 99.9, 100, 2500, 20_000]),
            confidence=rng.choice([0, 0.55, 0.6, 0.61, 0.99, 1]),
        )
        for number in range(count)
    ]


def test_predictions_latencies_and_confidences_equal_the_stored_rows(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        for row in _sentiments(60):
            client.post("/v0/events?name=ml_model_predictions", json=row)

        found = scrape(client)

    with reading(engine) as connection:
        rows = connection.execute(select(predictions)).mappings().all()
    by_class: dict[Any, list[Any]] = defaultdict(list)
    by_environment: dict[Any, list[Any]] = defaultdict(list)
    for stored in rows:
        by_class[stored["environment"], stored["predicted_class"]].append(stored)
        by_environment[stored["environment"]].append(stored)
    assert sum(found["api_predictions_total"].values()) == 60
    for (environment, sentiment), of_class in by_class.items():
        at = {"model_name": "mood", "environment": environment, "sentiment": sentiment}
        assert value(found, "api_predictions_total", **at) == len(of_class)
        _is_histogram(found, "api_prediction_confidence", at, [r["confidence"] for r in of_class], CONFIDENCE_EDGES)
    for environment, of_environment in by_environment.items():
        at = {"model_name": "mood", "environment": environment}
        seconds = [r["latency_ms"] / 1000 for r in of_environment]
        _is_histogram(found, "api_prediction_duration_seconds", at, seconds, LATENCY_EDGES_SECONDS)


def _is_histogram(found: Series, name: str, at: dict[str, str], values: list[float], edges: tuple[float, ...]) -> None:
    for edge in edges:
        assert value(found, f"{name}_bucket", **at, le=edge) == sum(v <= edge for v in values)
    assert value(found, f"{name}_bucket", **at, le="+Inf") == len(values)
    assert value(found, f"{name}_count", **at) == len(values)
    assert value(found, f"{name}_sum", **at) == pytest.approx(sum(values), rel=1e-12)


def test_versions_are_named_and_a_model_of_which_nothing_is_heard_is_not_loaded(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock, config=regressions("never"))
    for age_hours, model_id, version in ((30, "silent", "1"), (30, "price", "1"), (1, "price", "2")):
        clock.now = NOON_MICROS - age_hours * HOUR_MICROS
        row = prediction(
            prediction_id=version, model_id=model_id, model_version=version, timestamp="2026-02-01T00:00:00Z"
        )
        ingest_rows(engine, [row], kind="predictions", config=MonitoringConfig(), clock=clock)
    clock.now = NOON_MICROS

    with served(installation) as client:
        found = scrape(client)

    assert {dict(key)["model_name"]: loaded for key, loaded in found["model_loaded"].items()} == {
        "silent": 0,
        "price": 1,
        "never": 0,
    }
    assert {(dict(key)["model_name"], dict(key)["version"]) for key in found["model_info"]} == {
        ("silent", "1"),
        ("price", "1"),
        ("price", "2"),
    }
    heard = value(found, "mlmon_last_prediction_timestamp_seconds", model_name="price", version="2")
    assert heard == (NOON_MICROS - HOUR_MICROS) / 1e6


def test_performance_is_what_stands_of_the_newest_hour_and_day(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    one_prediction_each(engine, clock, "eta", "old")
    hour: dict[str, Any] = {"grain": "hour", "window_start": HOUR}
    rows = [
        a_metric(window_start=DAY, value=3.0),
        a_metric(window_start=DAY - DAY_MICROS, value=1.0),
        a_metric(window_start=DAY, value=2.0, known_to=NOON_MICROS),  # what was said before a correction
        a_metric(window_start=DAY, value=9.0, segment="carrier=UA"),
        a_metric(window_start=DAY, metric="mape", value=None, lower=None, upper=None, undefined_reason="no_labels"),
        a_metric(**hour, value=4.0, lower=None, upper=None, prediction_count=50, labelled_count=5),
        a_metric(**hour, metric="latency_p95_ms", value=80.0, prediction_count=50, labelled_count=0),
        a_metric(model_id="old", window_start=NOON_MICROS - 40 * DAY_MICROS),
    ]
    with writing(engine) as connection:
        connection.execute(insert(metrics), rows)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = scrape(client)

    assert {(dict(key)["grain"], dict(key)["metric"]): v for key, v in found["mlmon_performance_value"].items()} == {
        ("day", "mae"): 3.0,
        ("hour", "mae"): 4.0,
        ("hour", "latency_p95_ms"): 80.0,
    }
    assert value(found, "mlmon_performance_lower", grain="day", metric="mae") == 11.0
    assert not only(found, "mlmon_performance_lower", grain="hour", metric="mae")
    assert value(found, "mlmon_label_coverage_ratio", grain="hour") == 5 / 50
    assert value(found, "mlmon_label_coverage_ratio", grain="day") == 300 / 400
    assert value(found, "mlmon_performance_window_start_timestamp_seconds", grain="hour") == HOUR / 1e6


def test_label_delays_are_those_of_the_newest_day_that_has_labels(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    one_prediction_each(engine, clock, "eta")
    delays = ("label_delay_median_seconds", 0.5), ("label_delay_p90_seconds", 0.9)
    rows = [
        a_metric(window_start=DAY - age * DAY_MICROS, metric=name, value=None if age == 0 else 1000 * age * quantile)
        for age in range(3)
        for name, quantile in delays
    ]
    with writing(engine) as connection:
        connection.execute(insert(metrics), rows)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = scrape(client)

    assert value(found, "mlmon_label_delay_seconds", quantile="0.5") == 500
    assert value(found, "mlmon_label_delay_seconds", quantile="0.9") == 900


def test_drift_has_a_score_for_each_measure_and_a_verdict_for_each_feature(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    one_prediction_each(engine, clock, "eta")
    rows = [
        a_drift_result(window_start=HOUR),
        a_drift_result(window_start=HOUR, measure="psi", value=0.4),
        a_drift_result(window_start=HOUR, measure="ks", value=None, verdict="not_enough_data"),
        a_drift_result(window_start=HOUR, feature="carrier", verdict="no_drift"),
        a_drift_result(window_start=HOUR, feature="speed", verdict="not_enough_data"),
        a_drift_result(window_start=HOUR - HOUR_MICROS, feature="gone"),
    ]
    with writing(engine) as connection:
        connection.execute(insert(drift_results), rows)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = scrape(client)

    assert {dict(key)["measure"]: score for key, score in found["mlmon_drift_score"].items()} == {"psi": 0.4}
    verdicts = {dict(key)["feature"]: drifted for key, drifted in found["mlmon_drift_detected"].items()}
    assert verdicts == {"distance": 1, "carrier": 0}
    assert {dict(key)["verdict"]: n for key, n in found["mlmon_drift_features"].items()} == {
        "drift": 1,
        "no_drift": 1,
        "not_enough_data": 1,
    }


def test_quality_is_that_of_the_newest_validated_hour(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    one_prediction_each(engine, clock, "eta", "good")

    def expectation(model_id: str, name: str, verdict: str, severity: str, start: int = HOUR) -> dict[str, Any]:
        of_hour = {"model_id": model_id, "dataset": "joined_predictions", "window_start": start}
        return {
            **of_hour,
            "expectation": name,
            "severity": severity,
            "verdict": verdict,
            "row_count": 9,
            "known_from": 1,
        }

    rows = [
        expectation("eta", "a", "failed", "critical"),
        expectation("eta", "b", "passed", "critical"),
        expectation("eta", "c", "passed", "warning"),
        expectation("eta", "d", "error", "critical", start=HOUR - HOUR_MICROS),
        expectation("good", "a", "passed", "info"),
    ]
    with writing(engine) as connection:
        connection.execute(insert(quality_results), rows)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = scrape(client)

    assert value(found, "mlmon_quality_score_ratio", model_name="eta") == pytest.approx(7 / 12)
    assert value(found, "mlmon_quality_blocked", model_name="eta") == 1
    assert value(found, "mlmon_quality_blocked", model_name="good") == 0
    assert value(found, "mlmon_quality_expectations", model_name="eta", severity="critical", verdict="failed") == 1
    assert value(found, "mlmon_quality_expectations", model_name="eta", severity="critical", verdict="error") == 0


def test_alerts_and_messages_that_have_not_arrived_are_counted(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    clock.now = ALERT_DAY.end + HOUR_MICROS
    recorded(engine, finding(12.0), finding(13.0, segment="plan=a", mature=True), now=clock.now)
    recorded(engine, finding(12.0, day=-5), now=clock.now - 3 * DAY_MICROS)  # stands, and is not of lately
    with writing(engine) as connection:
        first = connection.scalar(select(notifications.c.notification_id).limit(1))
        failed = notifications.update().where(notifications.c.notification_id == first).values(state="failed")
        connection.execute(failed)
        waiting = connection.execute(select(notifications.c.created_at).where(notifications.c.state == "pending"))
        oldest = min(row.created_at for row in waiting)

    with served(installation_on(engine, tmp_path, clock=clock, config=regressions("flight_delay"))) as client:
        found = scrape(client)

    active = {(dict(key)["severity"], dict(key)["state"]): n for key, n in found["mlmon_alerts_active"].items() if n}
    assert active == {(Severity.CRITICAL, "provisional"): 1, (Severity.CRITICAL, "confirmed"): 1}
    assert value(found, "mlmon_alerts_active", severity="warning", state="confirmed") == 0
    assert value(found, "mlmon_notifications", channel="ops", state="failed") == 1
    assert value(found, "mlmon_notifications", channel="ops", state="pending") == 2
    assert value(found, "mlmon_oldest_pending_notification_timestamp_seconds", channel="ops") == oldest / 1e6


def test_due_hours_and_the_last_success_tell_whether_the_pipeline_keeps_up(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    one_prediction_each(engine, clock, "idle")
    hours = [HOUR - n * HOUR_MICROS for n in range(3)]
    done = {"model_id": "eta", "revision": 1, "checksum": "c", "row_count": 1, "byte_count": 1}
    with writing(engine) as connection:
        connection.execute(hour_revision.delete())
        for start, revision in zip(hours, (1, 2, 1), strict=True):
            touched = {"revision": revision, "prediction_revision": 1, "changed_at": start}
            connection.execute(insert(hour_revision).values(model_id="eta", hour=start, **touched))
        for dataset, start, at in (
            ("hourly_findings", hours[1], HOUR),
            ("hourly_findings", hours[2], HOUR + 7_000_000),
            ("joined_predictions", hours[2], HOUR + 3_000_000),
        ):
            row = {**done, "dataset": dataset, "window_start": start, "published_at": at}
            connection.execute(insert(partition_ledger).values(row))

    with served(installation_on(engine, tmp_path, clock=clock, config=regressions("eta"))) as client:
        found = scrape(client)

    assert value(found, "mlmon_due_hours", model_name="eta") == 2  # one is new, one has changed since
    assert value(found, "mlmon_due_hours", model_name="idle") == 0
    assert value(found, "mlmon_oldest_due_hour_timestamp_seconds") == hours[1] / 1e6
    assert {dict(key)["dataset"]: at for key, at in found["mlmon_last_success_timestamp_seconds"].items()} == {
        "hourly_findings": HOUR / 1e6 + 7,
        "joined_predictions": HOUR / 1e6 + 3,
    }
    assert value(found, "mlmon_heartbeat_timestamp_seconds") == NOON_MICROS / 1e6


def test_received_rows_are_counted_by_what_became_of_them_and_why(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        for row in (event(1), event(1), event(1, predicted_value=0), event(2, timestamp="never"), event(3)):
            client.post("/v0/events?name=ml_model_predictions", json=row)
        client.post("/v0/events?name=ml_model_actuals", content=b"{broken")

        found = scrape(client)

    rows = {tuple(sorted(dict(key).values())): n for key, n in found["mlmon_ingest_rows_total"].items() if n}
    assert rows == {
        ("accepted", "predictions"): 2,
        ("duplicate", "predictions"): 1,
        ("conflict", "predictions"): 1,
        ("predictions", "quarantined"): 1,
        ("actuals", "quarantined"): 1,
    }
    reasons = {dict(key)["reason"]: n for key, n in found["mlmon_quarantined_rows_total"].items()}
    assert reasons == {
        QuarantineReason.CONFLICTING_PREDICTION: 1,
        QuarantineReason.BAD_TIMESTAMP: 1,
        QuarantineReason.BROKEN_JSON: 1,
    }
