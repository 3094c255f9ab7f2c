"""What a day looks like in MLflow, and which days are due: from SQL alone."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

import monitoring_pipeline.tracking.tables  # noqa: F401  (registers its table with the test stores)
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.performance.registry import KINDS, metric_names
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.tracking.content import DayContent, Mark, day_contents
from monitoring_pipeline.tracking.names import experiment_name, family_of, part
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS

DAY = 20_514 * DAY_MICROS  # 2026-03-02


def metric_row(**fields: Any) -> dict[str, Any]:
    return {
        "model_id": "flights",
        "model_version": "1",
        "environment": "production",
        "segment": "all",
        "grain": "hour",
        "window_start": DAY,
        "metric": "mae",
        "value": 1.5,
        "prediction_count": 10,
        "labelled_count": 5,
        "known_from": 100,
        "known_to": None,
        **fields,
    }


def drift_row(**fields: Any) -> dict[str, Any]:
    group = {k: v for k, v in metric_row().items() if k not in ("metric", "prediction_count", "labelled_count")}
    return {
        **group,
        "grain": "day",
        "drift_type": "data_drift",
        "feature": "distance",
        "measure": "psi",
        "value": 0.25,
        "verdict": "drift",
        "n_reference": 500,
        "n_window": 100,
        "n_effective": 100.0,
        "window_count": 1,
        "reference_id": "r",
        **fields,
    }


def store(engine: Engine, *rows: Mapping[str, Any]) -> None:
    with writing(engine) as connection:
        for row in rows:
            connection.execute(insert(drift_results if "feature" in row else metrics), row)


def correct(engine: Engine, *, at: int, value: float | None, **key: Any) -> None:
    """Close the standing metric row and open one with another value."""
    row = metric_row(**key, value=value, known_from=at)
    with writing(engine) as connection:
        where = [
            metrics.c[name] == row[name] for name in ("model_id", "grain", "window_start", "model_version", "metric")
        ]
        connection.execute(update(metrics).where(*where, metrics.c.known_to.is_(None)).values(known_to=at))
        connection.execute(insert(metrics), row)


def content(engine: Engine, day: int = DAY) -> DayContent:
    with reading(engine) as connection:
        return day_contents(connection, "flights", [day])[day]


def points(engine: Engine) -> dict[tuple[str, int], float]:
    return {(p.key, p.step): p.value for p in content(engine).points}


def test_hours_are_steps_and_days_and_drift_stand_beside_them(engine: Engine) -> None:
    store(
        engine,
        metric_row(window_start=DAY + 23 * HOUR_MICROS),
        metric_row(grain="day", value=2.5, prediction_count=40, labelled_count=10),
        drift_row(),
        drift_row(grain="hour", value=0.9),
        metric_row(segment="carrier=AA", value=99.0),
        metric_row(window_start=DAY + DAY_MICROS, value=77.0),
        metric_row(model_id="other", value=55.0),
    )

    found = points(engine)

    assert found == {
        ("performance/mae", 23): 1.5,
        ("prediction_count", 23): 10.0,
        ("coverage", 23): 0.5,
        ("daily/performance/mae", 0): 2.5,
        ("daily/prediction_count", 0): 40.0,
        ("daily/coverage", 0): 0.25,
        ("drift/psi/distance", 0): 0.25,
    }


def test_each_family_has_its_own_names_and_coverage_is_that_of_the_judged_predictions(engine: Engine) -> None:
    store(
        engine,
        metric_row(metric="roc_auc", value=0.8),
        metric_row(metric="predictions_per_second", value=0.5, labelled_count=0),
        metric_row(metric="memory_mb_max", value=900.0, labelled_count=0),
        # A label that cannot be used has arrived all the same, so the labels' own count is the larger one.
        metric_row(metric="label_delay_median_seconds", value=3600.0, labelled_count=9),
        metric_row(grain="day", metric="business_value_total", value=-7.5, labelled_count=4),
    )

    found = points(engine)

    assert found == {
        ("performance/roc_auc", 0): 0.8,
        ("operations/predictions_per_second", 0): 0.5,
        ("operations/memory_mb_max", 0): 900.0,
        ("labels/label_delay_median_seconds", 0): 3600.0,
        ("daily/business/business_value_total", 0): -7.5,
        ("prediction_count", 0): 10.0,
        ("coverage", 0): 0.5,
    }


def test_points_bear_the_time_of_their_window(engine: Engine) -> None:
    store(engine, metric_row(window_start=DAY + 2 * HOUR_MICROS))

    [point] = [p for p in content(engine).points if p.key == "performance/mae"]

    assert point.timestamp == (DAY + 2 * HOUR_MICROS) // 1000


def test_a_corrected_value_has_the_later_timestamp_even_if_it_returns_to_an_old_one(engine: Engine) -> None:
    store(engine, metric_row(value=5.0))
    correct(engine, at=200, value=4.0)
    correct(engine, at=300, value=5.0)

    [point] = [p for p in content(engine).points if p.key == "performance/mae"]

    assert (point.value, point.timestamp) == (5.0, DAY // 1000 + 2)
    assert not content(engine).withdrawn


@pytest.mark.parametrize("value", [None, float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_absent(sqlite_engine: Engine, value: float | None) -> None:
    store(sqlite_engine, metric_row(value=value))

    assert ("performance/mae", 0) not in points(sqlite_engine)


def test_a_value_without_successor_is_known_to_be_withdrawn(sqlite_engine: Engine) -> None:
    store(sqlite_engine, metric_row(value=5.0))
    correct(sqlite_engine, at=200, value=None)

    assert content(sqlite_engine).withdrawn


def test_the_busiest_version_speaks_for_the_model_and_each_for_itself(engine: Engine) -> None:
    store(engine, metric_row(), metric_row(model_version="2", value=9.0, prediction_count=11, labelled_count=11))

    found = points(engine)

    assert found["performance/mae", 0] == 9.0
    assert found["version/1/performance/mae", 0] == 1.5
    assert found["version/2/performance/mae", 0] == 9.0


def test_another_environment_is_named(sqlite_engine: Engine) -> None:
    store(sqlite_engine, metric_row(environment="staging"))

    assert set(points(sqlite_engine)) == {
        ("environment/staging/coverage", 0),
        ("environment/staging/performance/mae", 0),
        ("environment/staging/prediction_count", 0),
    }


def test_equal_results_have_equal_hashes_and_a_change_another(engine: Engine) -> None:
    store(engine, metric_row(value=5.0))
    before = content(engine)

    again = content(engine)
    correct(engine, at=200, value=4.0)

    assert again.content_hash == before.content_hash != content(engine).content_hash


def test_the_mark_counts_standing_rows_and_knows_the_newest(engine: Engine) -> None:
    store(engine, metric_row(), metric_row(metric="rmse"), drift_row(known_from=150))
    correct(engine, at=300, value=4.0)

    assert content(engine).mark == Mark(known_from=300, row_count=3)


def test_a_day_without_results_is_empty(sqlite_engine: Engine) -> None:
    assert content(sqlite_engine) == DayContent(points=(), mark=Mark(known_from=0, row_count=0), withdrawn=False)


def test_names_keep_apart_what_mlflow_cannot_spell() -> None:
    assert part("distance") == "distance"
    assert part("a/b") != part("a:b") != part("a-b")
    assert part("..") not in ("", "..")
    assert part("é" * 300).isascii()
    assert len(part("x" * 300)) < 80
    assert part("x" * 300) != part("x" * 301)
    assert experiment_name("flight_delay") == "monitoring/flight_delay"


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_is_shown_under_the_family_that_the_results_know_it_by(kind: str) -> None:
    family = kind if kind in ("operations", "labels", "business") else "performance"

    assert {family_of(metric) for metric in metric_names(kind)} == {family}
