"""``GET /metrics``: how much it may show, to whom, in which format, and what asking for it costs."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, insert
from sqlalchemy import event as sqlalchemy_event

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import open_engine, writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.totals.counting import CONFIDENCE_EDGES
from monitoring_pipeline.exposition.collect import KEPT_SECONDS, Collector
from monitoring_pipeline.exposition.moment import MOST_MODELS
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import one_prediction_each, prediction, regressions
from tests.metrics_text import OPENMETRICS, count, labelled, only, read, scrape, series_of, value
from tests.results_examples import a_drift_result, a_metric
from tests.serving import event, installation_on, served, token_for

HOUR = NOON_MICROS - HOUR_MICROS  # the newest hour that has ended
DAY = NOON_MICROS - NOON_MICROS % DAY_MICROS - DAY_MICROS
MOST_SERIES = 10_000
OF_THE_PROCESS = 1_200  # routes, methods and statuses; operations and tables


def test_every_address_is_counted_by_the_path_that_the_document_calls_it_by(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        documented = client.get("/openapi.json").json()["paths"]
        for path, operations in documented.items():
            for method in operations:
                client.request(method, re.sub(r"\{\w+\}", "json", path), content=b"[")
        counted = {dict(key)["endpoint"] for key in scrape(client)["api_requests_total"]}

    assert {re.sub(r":path", "", endpoint) for endpoint in counted} >= set(documented)


def test_requests_are_counted_by_template_and_never_by_what_was_asked_for(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event())
        for number in range(30):
            client.get(f"/secret-{number}/x")
        client.request("TRACE", "/livez")

        found = scrape(client)

    requests = {tuple(sorted(key)): n for key, n in found["api_requests_total"].items()}
    assert requests == {
        (("endpoint", "/v0/events"), ("method", "POST"), ("status", "202")): 1,
        (("endpoint", "unmatched"), ("method", "GET"), ("status", "404")): 30,
        (("endpoint", "/livez"), ("method", "other"), ("status", "405")): 1,
    }
    assert value(found, "api_errors_total", error_type="not_found", endpoint="unmatched") == 30
    assert value(found, "api_active_requests") == 1  # this one
    assert value(found, "mlmon_http_request_duration_seconds_count", endpoint="/v0/events") == 1
    assert value(found, "mlmon_writer_queue_bytes") == 0
    assert value(found, "database_queries_total", operation="insert", table="predictions") == 1


def test_series_stay_below_their_bound_and_what_is_left_out_is_told(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    names = [f"model {number:04}" for number in range(500)]
    rows = [
        prediction(
            prediction_id=f"needle-{number}-{version}",
            model_id=model_id,
            model_version=str(version),
            predicted_value=f"class {version}",
            confidence=0.5,
            latency_ms=3,
        )
        for number, model_id in enumerate(names)
        for version in range(3)
    ]
    ingest_rows(sqlite_engine, rows, kind="predictions", config=MonitoringConfig(), clock=clock)
    with writing(sqlite_engine) as connection:
        kinds = [(grain, f"metric_{n}") for grain in ("hour", "day") for n in range(20)]
        results = [
            a_metric(model_id=model_id, grain=grain, window_start=DAY, metric=metric)
            for model_id in names[:60]
            for grain, metric in kinds
        ]
        connection.execute(insert(metrics), results)
        drifts = [
            a_drift_result(model_id=model_id, window_start=DAY, feature=f"f{n}", measure=measure)
            for model_id in names[:60]
            for n in range(20)
            for measure in ("overall", "psi")
        ]
        connection.execute(insert(drift_results), drifts)

    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.get("/metrics")

    found = series_of(read(reply))
    dropped = {dict(key)["family"]: n for key, n in found["mlmon_series_dropped"].items()}
    assert count(found) <= MOST_SERIES
    assert "needle" not in reply.text
    assert dropped["models"] == len(names) - MOST_MODELS
    for name, all_of_it in (("mlmon_performance_value", 60 * 40), ("mlmon_drift_score", 60 * 20)):
        assert len(found[name]) + dropped[name] == all_of_it
    shown = sum(len(found[f"api_prediction_confidence_{part}"]) for part in ("bucket", "sum", "count"))
    assert shown + dropped["api_prediction_confidence"] == MOST_MODELS * 3 * (len(CONFIDENCE_EDGES) + 3)


def test_all_bounds_together_leave_room_for_what_the_process_counts(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    collection = Collector(installation_on(sqlite_engine, tmp_path, clock=clock)).collection()

    assert sum(family.most for family in collection.families) <= MOST_SERIES - OF_THE_PROCESS


def test_names_that_users_choose_are_escaped(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    name = 'a"b\\c{d="e"} 1\n# EOF\n'

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        row = event(model_id=name, predicted_value="x\ny", model_version='"', confidence=0.5)
        client.post("/v0/events?name=ml_model_predictions", json=row)
        as_text, as_openmetrics = scrape(client), scrape(client, headers={"Accept": OPENMETRICS})

    for found in (as_text, as_openmetrics):
        labels = labelled(model_name=name, environment="production", sentiment="x\ny")
        assert found["api_predictions_total"] == {labels: 1}


def test_both_formats_say_the_same_and_name_themselves(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        client.post("/v0/events?name=ml_model_predictions", json=event(latency_ms=3, confidence=0.5))
        plain = client.get("/metrics")
        openmetrics = client.get("/metrics", headers={"Accept": f"{OPENMETRICS},text/plain;q=0.5"})

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")
    assert openmetrics.text.count("# EOF") == 1
    both = [
        {name: of_name for name, of_name in series_of(read(reply)).items() if name.startswith(("api_pred", "model_"))}
        for reply in (plain, openmetrics)
    ]
    assert both[0] == both[1]
    assert all(family.documentation for family in read(plain))


def test_a_token_for_some_models_shows_those_and_nothing_about_the_others(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock, config=regressions("fraud_eu", "price"))
    one_prediction_each(engine, clock, "fraud_eu", "fraud_us", "price")
    some = token_for(installation, "metrics:read@fraud_*", client="some")
    every = token_for(installation, "metrics:read", client="every")

    with served(installation) as client:
        seen, reply = scrape(client, headers=some), client.get("/metrics", headers=some)
        everything = scrape(client, headers=every)

    models = {dict(key).get("model_name") for of_name in seen.values() for key in of_name}
    assert models == {"fraud_eu", "fraud_us", None}
    assert [name for name, of_name in seen.items() for key in of_name if "model_name" not in dict(key)] == [
        "mlmon_build_info"
    ]
    assert "price" not in reply.text
    assert only(everything, "api_predictions_total", model_name="price")
    assert everything["api_requests_total"]


@pytest.mark.parametrize(
    ("grants", "status"),
    [((), 401), (("events:append",), 403), (("pipes:read",), 403), (("metrics:read@none",), 200), (("admin",), 200)],
)
def test_metrics_are_for_those_who_may_read_them(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, grants: tuple[str, ...], status: int
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    token_for(installation, "pipes:read", client="somebody else")

    with served(installation) as client:
        reply = client.get("/metrics", headers=token_for(installation, *grants) if grants else {})

    assert reply.status_code == status


def test_a_collection_is_kept_for_a_few_seconds_and_made_by_one_thread(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    now = [0.0]
    collector = Collector(installation_on(sqlite_engine, tmp_path, clock=clock), timer=lambda: now[0])

    with ThreadPoolExecutor(max_workers=8) as threads:
        together = list(threads.map(lambda _: collector.collection().number, range(32)))
    now[0] = KEPT_SECONDS - 0.01
    kept = collector.collection().number
    now[0] = KEPT_SECONDS
    next_one = collector.collection().number

    assert set(together) == {1}
    assert (kept, next_one) == (1, 2)


def test_a_store_out_of_reach_is_told_in_place_of_what_it_holds(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    gone = open_engine(f"sqlite:///{tmp_path}")  # a folder is no database

    collection = Collector(replace(installation, engine=gone)).collection()

    shown = series_of(family.as_metric() for family in collection.families)
    assert value(shown, "mlmon_store_up") == 0
    assert "mlmon_due_hours" not in shown
    assert "metrics could not be collected" in caplog.text


def test_no_collection_reads_the_history_from_end_to_end(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    one_prediction_each(sqlite_engine, clock, "eta")
    with writing(sqlite_engine) as connection:
        for table, row in ((metrics, a_metric(window_start=DAY)), (drift_results, a_drift_result(window_start=HOUR))):
            connection.execute(insert(table), [row])
    sent: list[tuple[str, Any]] = []

    def remember(_c: object, _k: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    sqlalchemy_event.listen(sqlite_engine, "before_cursor_execute", remember)
    Collector(installation_on(sqlite_engine, tmp_path, clock=clock, config=regressions("eta"))).collection()
    sqlalchemy_event.remove(sqlite_engine, "before_cursor_execute", remember)

    history = (
        "metrics",
        "drift_results",
        "quality_results",
        "partition_ledger",
        "predictions",
        "actuals",
        "quarantine",
    )
    with sqlite_engine.connect() as connection:
        plans = [
            row[-1]
            for statement, parameters in sent
            if statement.lstrip().startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert any(plan.startswith("SEARCH metrics USING INDEX") for plan in plans)
    scanned = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert not scanned & {*history}, scanned


def test_metrics_need_no_token_on_loopback_as_long_as_there_is_none(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.get("/metrics")

    assert reply.status_code == httpx.codes.OK
