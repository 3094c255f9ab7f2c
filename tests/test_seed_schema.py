"""The views for people who ask in SQL: the same answers as plain pandas over the same rows, on both databases."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert
from sqlalchemy.exc import DBAPIError

from monitoring_pipeline.alerts.tables import alerts, findings
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.events.truth import in_order, truth_of
from monitoring_pipeline.performance.registry import TASKS, metric_names
from monitoring_pipeline.results.sql_views import VIEWS, create_views, drop_views
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, to_micros
from tests.results_examples import DAY, a_metric

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "sql.md"

Row = dict[str, Any]


@pytest.fixture
def store(engine: Engine) -> Engine:
    """A store whose views are those of the code, whatever a migration has created."""
    with writing(engine) as connection:
        drop_views(connection)
        create_views(connection)
    return engine


def examples(dialect: str) -> list[str]:
    """The queries of the page that are written for a database."""
    return re.findall(rf"^```{dialect}\n(.*?);\n```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def asked(engine: Engine, query: str) -> pd.DataFrame:
    with reading(engine) as connection:
        result = connection.exec_driver_sql(query)
        return pd.DataFrame([tuple(row) for row in result], columns=list(result.keys()))


def a_prediction(number: int, **changes: Any) -> Row:
    row = {
        "model_id": "delay",
        "prediction_id": f"p{number}",
        "predicted_at": DAY + number * HOUR_MICROS,
        "model_version": "1",
        "environment": "production",
        "predicted_value": 10.0 + number,
        "predicted_class": None,
        "prediction_proba": None,
        "confidence": None,
        "latency_ms": 12.5,
        "entity_id": "flight",
        "features": '{"carrier":"UA"}',
        "received_at": DAY,
        "batch_id": "b",
    }
    return {**row, **changes}


def a_statement(number: int, revision: int, value: float | None, *, known_at: int, **changes: Any) -> Row:
    row = {
        "model_id": "delay",
        "prediction_id": f"p{number}",
        "revision": revision,
        "predicted_at": DAY + number * HOUR_MICROS,
        "actual_value": value,
        "actual_class": None,
        "observed_at": None,
        "received_at": known_at,
        "batch_id": "b",
    }
    return {**row, **changes}


def put(engine: Engine, said: Sequence[Row], true: Sequence[Row] = ()) -> None:
    with writing(engine) as connection:
        connection.execute(insert(predictions), list(said))
        if true:
            connection.execute(insert(actuals), list(true))


def a_history() -> tuple[list[Row], list[Row]]:
    """Labelled on time, corrected, retracted, restored, never labelled, with a true zero, of another day and model."""
    said = [a_prediction(number) for number in range(6)]
    said += [a_prediction(number, model_id="eta", predicted_value=-1e300) for number in range(24, 27)]
    true = [
        a_statement(0, 1, 12.0, known_at=100),
        a_statement(1, 1, 99.0, known_at=100),
        a_statement(1, 2, 11.5, known_at=300),
        a_statement(1, 3, 98.0, known_at=200),  # came last, but was known before
        a_statement(2, 1, 7.0, known_at=100),
        a_statement(2, 2, None, known_at=200),  # retracted
        a_statement(3, 1, 5.0, known_at=100),
        a_statement(3, 2, None, known_at=200),
        a_statement(3, 3, 6.0, known_at=300),
        a_statement(4, 1, 0.0, known_at=100),
        *(a_statement(n, 1, 1e300, known_at=100, model_id="eta") for n in (24, 25)),
    ]
    return said, true


HELD = {"p0": 12.0, "p1": 11.5, "p3": 6.0, "p4": 0.0}


def daily_oracle() -> pd.DataFrame:
    """By plain pandas, from what holds."""
    frame = pd.DataFrame({"prediction": [10.0 + int(name[1:]) for name in HELD], "actual": list(HELD.values())})
    error = frame["prediction"] - frame["actual"]
    ratio = (error / frame["actual"].where(frame["actual"] != 0)).abs()
    return pd.DataFrame(
        {
            "model_id": ["delay"],
            "date": [date(2013, 6, 17)],
            "predictions": [len(frame)],
            "mae": [error.abs().mean()],
            "rmse": [math.sqrt((error**2).mean())],
            "mape": [100 * ratio.mean()],
        }
    )


def assert_is_daily_accuracy(found: pd.DataFrame) -> None:
    found = found[found["model_id"] == "delay"].reset_index(drop=True)
    found = found.astype({"mae": float, "rmse": float, "mape": float})
    found["date"] = [pd.Timestamp(day).date() for day in found["date"]]
    pd.testing.assert_frame_equal(found, daily_oracle(), check_dtype=False, rtol=1e-12)


def test_each_prediction_stands_beside_the_truth_that_holds(store: Engine) -> None:
    put(store, *a_history())

    found = asked(store, "SELECT * FROM ml_model_predictions WHERE model_id = 'delay'").set_index("prediction_id")

    actual = found["actual"].dropna().astype(float)
    assert actual.to_dict() == HELD
    errors = found["prediction_error"].dropna().astype(float)
    assert errors.to_dict() == {name: 10.0 + int(name[1:]) - value for name, value in HELD.items()}
    assert len(found) == 6


def test_daily_accuracy_equals_pandas(store: Engine) -> None:
    put(store, *a_history())

    assert_is_daily_accuracy(asked(store, "SELECT * FROM v_model_accuracy_daily"))


def test_the_documented_query_of_daily_accuracy_equals_pandas(store: Engine) -> None:
    put(store, *a_history())
    [query] = [text for text in examples(store.dialect.name) if "NULLIF" in text]

    assert_is_daily_accuracy(asked(store, query))


def test_the_query_of_daily_accuracy_may_replace_the_view(postgres_engine: Engine) -> None:
    put(postgres_engine, *a_history())
    [query] = [text for text in examples("postgresql") if "NULLIF" in text]
    with writing(postgres_engine) as connection:
        drop_views(connection)
        create_views(connection)

        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW v_model_accuracy_daily AS {query}")

    assert_is_daily_accuracy(asked(postgres_engine, "SELECT * FROM v_model_accuracy_daily"))


def test_one_absurd_row_fails_no_query_of_the_others(store: Engine) -> None:
    put(store, *a_history())
    [query] = [text for text in examples(store.dialect.name) if "NULLIF" in text]

    found = asked(store, query).set_index("model_id")["mae"].astype(float)

    assert found["eta"] == 2e300
    assert found["delay"] < 10


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_days_are_those_of_utc_in_any_session(postgres_engine: Engine, zone: str) -> None:
    put(postgres_engine, *a_history())
    with writing(postgres_engine) as connection:
        drop_views(connection)
        create_views(connection)
        connection.execute(insert(metrics), [a_metric()])

    with reading(postgres_engine) as connection:
        connection.exec_driver_sql(f"SET LOCAL TIME ZONE '{zone}'")
        days = connection.exec_driver_sql("SELECT date FROM v_model_accuracy_daily WHERE model_id = 'delay'").all()
        of_metrics = connection.exec_driver_sql("SELECT metric_date FROM ml_model_metrics").all()

    assert [tuple(row) for row in (*days, *of_metrics)] == [(date(2013, 6, 17),)] * 2


@pytest.mark.parametrize(
    "micros", [DAY + 1, 1_772_452_800_123_456, 4_102_444_799_999_999, 0, -1, -DAY_MICROS - 999_999]
)
def test_instants_are_exact_to_the_microsecond(store: Engine, micros: int) -> None:
    put(store, [a_prediction(0, predicted_at=micros)])

    [[stamp, raw]] = asked(store, "SELECT predicted_at, predicted_at_micros FROM ml_model_predictions").values.tolist()

    assert raw == micros
    assert pd.Timestamp(stamp if "+" in str(stamp) else f"{stamp}+00:00").value == micros * 1_000


statement = st.tuples(
    st.integers(1, 2),  # known_at
    st.none() | st.just(1),  # observed_at
    st.none()
    | st.sampled_from([9.0, 10.0, 9.05, -3.0, 0.1, 0.10000000000000002])
    | st.sampled_from(["cat", "dog", "cat food", "Üb", 'a"', "a\\", "a[", "a", "A", ""]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(statement, max_size=5))
def test_the_truth_that_holds_is_that_of_the_pipeline(
    store: Engine, statements: list[tuple[int, int | None, Any]]
) -> None:
    known = [
        (at, observed, said if isinstance(said, float) else None, said if isinstance(said, str) else None)
        for at, observed, said in statements
    ]
    rows = [
        a_statement(0, revision, value, known_at=at, observed_at=observed, actual_class=label)
        for revision, (at, observed, value, label) in enumerate(known, start=1)
    ]
    with writing(store) as connection:
        connection.execute(delete(actuals))
        connection.execute(delete(predictions))
    put(store, [a_prediction(0)], rows)

    [[value, label]] = asked(store, "SELECT actual, actual_class FROM ml_model_predictions").values.tolist()

    truth = truth_of(in_order(known))
    assert (None if pd.isna(value) else float(value), label) == (truth.actual_value, truth.actual_class)


def recent(now: datetime) -> list[Row]:
    """Predictions of a text model at these ages in hours."""
    ages = {0.5: 0.9, 1: 0.55, 23: 0.2, 25: 0.1, 24 * 6: None, 24 * 8: 0.3}
    return [
        a_prediction(
            number,
            model_id="sentiment",
            predicted_at=to_micros(now - timedelta(hours=age)),
            predicted_value=None,
            predicted_class="POSITIVE" if number % 2 else "NEGATIVE",
            confidence=confidence,
            features=f'{{"text":"review {number}"}}',
        )
        for number, (age, confidence) in enumerate(ages.items())
    ]


def test_the_documented_queries_of_the_logs_equal_pandas(store: Engine) -> None:
    now = datetime.now(UTC)  # the queries ask the database what time it is
    rows = recent(now)
    put(store, rows)
    _, last_day, least_certain, by_hour, _ = examples(store.dialect.name)
    frame = pd.DataFrame(rows).assign(at=[pd.Timestamp(row["predicted_at"] * 1_000, tz="UTC") for row in rows])
    day, week = (frame[frame["at"] >= now - timedelta(days=days)] for days in (1, 7))

    [totals] = asked(store, last_day).to_dict("records")
    doubtful = asked(store, least_certain)
    trend = asked(store, by_hour)

    assert totals == {
        "total": 3,
        "avg_confidence": pytest.approx(day["confidence"].mean()),
        "low_confidence_count": 2,
    }
    assert doubtful.to_dict("list") == {
        "input_text": ["review 3", "review 2", "review 5", "review 1"],
        "predicted_sentiment": ["POSITIVE", "NEGATIVE", "POSITIVE", "POSITIVE"],
        "confidence_score": [0.1, 0.2, 0.3, 0.55],
    }
    hours = week.groupby(week["at"].dt.floor("h"))["confidence"].agg(["size", "mean"]).sort_index(ascending=False)
    stamps = [
        pd.Timestamp(hour).tz_convert("UTC") if "+" in str(hour) else pd.Timestamp(hour, tz="UTC")
        for hour in trend["hour"]
    ]
    assert stamps == list(hours.index)
    assert trend["count"].tolist() == hours["size"].tolist()
    assert trend["avg_confidence"].astype(float).tolist() == pytest.approx(hours["mean"].tolist(), nan_ok=True)


def test_features_are_read_as_json(store: Engine) -> None:
    put(store, *a_history())
    *_, by_carrier = examples(store.dialect.name)

    [row] = asked(store, by_carrier).to_dict("records")

    assert (row["carrier"], row["labelled"]) == ("UA", len(HELD))


def a_finding(**changes: Any) -> Row:
    row = {name: a_metric()[name] for name in ("model_id", "model_version", "environment", "segment", "grain")}
    judged = {"metric": "mae", "severity": "warning", "threshold": 5.0, "direction": "above"}
    counts = {"prediction_count": 1, "labelled_count": 1, "mature": 1, "known_from": 1, "known_to": None}
    return {**row, "window_start": DAY, "rule_id": "r", **judged, **counts, "verdict": "breach", **changes}


def metric_rows(engine: Engine, *rows: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with writing(engine) as connection:
        connection.execute(insert(metrics), [dict(row) for row in rows])
    names = "metric_name, metric_value, model_version, environment"
    return [tuple(row) for row in asked(engine, f"SELECT {names} FROM ml_model_metrics ORDER BY 1").values.tolist()]


def test_a_day_has_one_row_per_metric_of_the_busiest_version_in_production(store: Engine) -> None:
    rows = [
        a_metric(value=1.0, model_version="1", prediction_count=10),
        a_metric(value=2.0, model_version="2", prediction_count=90),
        a_metric(value=4.0, metric="rmse", model_version="2", prediction_count=90),
        a_metric(value=3.0, environment="shadow", prediction_count=500),
        a_metric(value=5.0, segment="carrier=UA", model_version="2"),
        a_metric(value=6.0, grain="hour", model_version="2"),
        a_metric(value=7.0, model_version="2", prediction_count=90, known_to=DAY),
    ]

    assert metric_rows(store, *rows) == [("mae", 2.0, "2", "production"), ("rmse", 4.0, "2", "production")]


def test_without_production_the_busiest_version_of_any_environment_speaks(store: Engine) -> None:
    rows = [
        a_metric(value=1.0, environment="shadow", prediction_count=10),
        a_metric(value=2.0, environment="canary", prediction_count=10),
        a_metric(value=3.0, environment="test", prediction_count=9),
    ]

    assert metric_rows(store, *rows) == [("mae", 2.0, "1", "canary")]


@pytest.mark.parametrize(
    ("verdicts", "breached"),
    [([], None), (["ok"], False), (["ok", "breach"], True), (["not_enough_data"], None), (["undefined", "ok"], False)],
)
def test_a_threshold_is_breached_if_a_rule_on_the_metric_is_broken(
    store: Engine, verdicts: list[str], breached: bool | None
) -> None:
    others = [a_finding(rule_id="x", metric="rmse"), a_finding(rule_id="y", segment="carrier=UA")]
    others += [a_finding(rule_id="z", known_to=2), a_finding(rule_id="v", grain="hour")]
    with writing(store) as connection:
        connection.execute(insert(metrics), [a_metric()])
        rows = [*others, *(a_finding(rule_id=str(i), verdict=verdict) for i, verdict in enumerate(verdicts))]
        connection.execute(insert(findings), rows)

    [[found]] = asked(store, "SELECT threshold_breached FROM ml_model_metrics").values.tolist()

    assert (None if pd.isna(found) else bool(found)) is breached


def an_alert(alert_id: str, **changes: Any) -> Row:
    row = {
        name: value
        for name, value in a_finding().items()
        if name not in ("mature", "known_from", "known_to", "verdict")
    }
    return {
        **row,
        "alert_id": alert_id,
        "state": "confirmed",
        "sequence": 1,
        "opened_at": DAY + 1,
        "changed_at": DAY,
        **changes,
    }


def test_alerts_that_stand_are_data_drift_or_concept_drift(store: Engine) -> None:
    rows = [
        an_alert("inputs", metric="drifted_features"),
        an_alert("errors", state="provisional", severity="critical"),
        an_alert("worse", state="escalated"),
        an_alert("mistaken", state="retracted"),
        an_alert("unwatched", state="withdrawn"),
        an_alert("late", metric="coverage"),
        an_alert("slow", metric="latency_p95_ms"),
    ]
    with writing(store) as connection:
        connection.execute(insert(alerts), rows)

    found = asked(store, "SELECT alert_id, drift_type, severity FROM ml_drift_alerts ORDER BY alert_id")

    assert found.values.tolist() == [
        ["errors", "concept_drift", "critical"],
        ["inputs", "data_drift", "warning"],
        ["worse", "concept_drift", "warning"],
    ]


def test_every_performance_metric_can_be_concept_drift(store: Engine) -> None:
    names = sorted({name for task in TASKS for name in metric_names(task)})
    with writing(store) as connection:
        connection.execute(insert(alerts), [an_alert(name, metric=name) for name in names])

    found = asked(store, "SELECT alert_id FROM ml_drift_alerts WHERE drift_type = 'concept_drift'")

    assert sorted(found["alert_id"]) == names


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "UPDATE {} SET model_id = 'x'", "INSERT INTO {} (model_id) VALUES ('x')"],
)
def test_no_view_can_be_written_through(store: Engine, view: str, statement: str) -> None:
    put(store, *a_history())

    with store.connect() as connection, pytest.raises(DBAPIError, match=r"cannot (modify|delete|update|insert)"):
        connection.exec_driver_sql(statement.format(view))


def plan(connection: Connection, query: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {query}"))


def test_a_query_for_one_model_and_time_can_use_the_indexes(store: Engine) -> None:
    query = f"SELECT actual FROM ml_model_predictions WHERE model_id = 'm1' AND predicted_at_micros >= {DAY}"

    with reading(store) as connection:
        if store.dialect.name == "postgresql":  # which reads an empty table whole, unless told not to
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        told = plan(connection, query)

    assert "SEARCH p USING INDEX ix_predictions_model" in told or "Index Cond: (model_id = 'm1'" in told
    assert re.search(r"SEARCH said USING PRIMARY KEY|Scan using pk_actuals on actuals said", told)


def test_the_views_can_be_dropped_and_created_again(store: Engine) -> None:
    with writing(store) as connection:
        drop_views(connection)
        drop_views(connection)
        create_views(connection)

    assert all(asked(store, f"SELECT * FROM {view}").empty for view in VIEWS)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("prediction_logs", ["prediction_logs"]),
        ("ml_model_predictions", ["ml_model_predictions", "v_model_accuracy_daily"]),
    ],
)
def test_a_table_of_an_application_that_has_the_name_is_left_alone(
    store: Engine, name: str, left_out: list[str]
) -> None:
    with writing(store) as connection:
        drop_views(connection)
        connection.exec_driver_sql(f"CREATE TABLE {name} (mine integer)")

        found = create_views(connection)
        drop_views(connection)
        again = create_views(connection)

    assert found == again == left_out
    assert list(asked(store, f"SELECT * FROM {name}").columns) == ["mine"]


def test_every_column_of_the_views_is_documented(store: Engine) -> None:
    documented = {
        name: re.findall(r"`(\w+)`", line.split("|")[2])
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if (name := line.split("`")[1] if line.startswith("| `") else "")
    }

    assert documented == {view: list(asked(store, f"SELECT * FROM {view}").columns) for view in VIEWS}
