"""Reading what stands: stable keys, stable order, no NaN; on both databases."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, insert

from monitoring_pipeline.database import writing
from monitoring_pipeline.results.read import models_with_results, read_drift, read_metrics
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import DAY_MICROS, Grain
from tests.results_examples import DAY, a_drift_result, a_metric


def store_metrics(engine: Engine, *rows: dict[str, Any]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(metrics), list(rows))


def test_a_metric_has_the_promised_keys_in_the_promised_form(engine: Engine) -> None:
    store_metrics(engine, a_metric())

    assert read_metrics(engine) == [
        {
            "model_id": "eta",
            "model_version": "1",
            "environment": "production",
            "segment": "all",
            "grain": "day",
            "window_start": "2013-06-17T00:00:00Z",
            "window_end": "2013-06-18T00:00:00Z",
            "metric": "mae",
            "value": 12.5,
            "lower": 11.0,
            "upper": 14.0,
            "detectable_change": None,
            "error_bound": None,
            "prediction_count": 400,
            "labelled_count": 300,
            "coverage": 0.75,
            "undefined_reason": None,
            "known_from": "2013-06-18T00:00:00Z",
        }
    ]


def test_a_drift_result_has_the_promised_keys_in_the_promised_form(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(drift_results), [a_drift_result()])

    assert read_drift(engine) == [
        {
            "model_id": "eta",
            "model_version": "1",
            "environment": "production",
            "segment": "all",
            "grain": "hour",
            "window_start": "2013-06-17T00:00:00Z",
            "window_end": "2013-06-17T01:00:00Z",
            "drift_type": "data_drift",
            "feature": "distance",
            "measure": "overall",
            "verdict": "drift",
            "reason": "effect_and_evidence",
            "value": 2.5,
            "threshold": 1.0,
            "noise_limit": None,
            "detectable": 1.2,
            "p_value": 0.0001,
            "q_value": 0.0002,
            "n_reference": 5000,
            "n_window": 400,
            "n_effective": 250.0,
            "window_count": 1,
            "detail": {"led_by": "ks"},
            "reference_id": "abc",
            "known_from": "2013-06-17T01:00:00Z",
        }
    ]


def test_only_what_stands_is_read(engine: Engine) -> None:
    store_metrics(engine, a_metric(value=1.0, known_to=DAY + 2 * DAY_MICROS), a_metric(value=2.0))

    assert [row["value"] for row in read_metrics(engine)] == [2.0]


def test_a_window_is_read_if_it_starts_in_the_half_open_range(sqlite_engine: Engine) -> None:
    store_metrics(sqlite_engine, *(a_metric(window_start=DAY + i * DAY_MICROS) for i in range(4)))

    rows = read_metrics(sqlite_engine, start=DAY + DAY_MICROS, end=DAY + 3 * DAY_MICROS)

    assert [row["window_start"][:10] for row in rows] == ["2013-06-18", "2013-06-19"]


def test_model_grain_and_segment_narrow_what_is_read(sqlite_engine: Engine) -> None:
    store_metrics(
        sqlite_engine,
        a_metric(),
        a_metric(model_id="other"),
        a_metric(grain="hour"),
        a_metric(segment="carrier=UA"),
    )

    assert [row["model_id"] for row in read_metrics(sqlite_engine, model_id="other")] == ["other"]
    assert [row["grain"] for row in read_metrics(sqlite_engine, grain=Grain.HOUR)] == ["hour"]
    assert [row["segment"] for row in read_metrics(sqlite_engine, segment="carrier=UA")] == ["carrier=UA"]


def test_a_star_reads_every_segment_that_starts_so_and_case_matters(engine: Engine) -> None:
    names = ["all", "carrier=UA", "carrier=ua", "carrier_group=low", "Carrier=UA", "a%_=1"]
    store_metrics(engine, *(a_metric(segment=name) for name in names))

    assert {row["segment"] for row in read_metrics(engine, segment="carrier=*")} == {"carrier=UA", "carrier=ua"}
    assert {row["segment"] for row in read_metrics(engine, segment="a%_*")} == {"a%_=1"}
    assert len(read_metrics(engine, segment="*")) == len(names)


def test_rows_have_one_order_whatever_the_order_of_their_arrival(engine: Engine) -> None:
    rows = [
        a_metric(model_id=model, window_start=DAY + day * DAY_MICROS, segment=segment, metric=metric)
        for model in ("b", "A", "a")
        for day in (1, 0)
        for segment in ("carrier=ua", "carrier=UA", "all")
        for metric in ("rmse", "mae")
    ]
    store_metrics(engine, *rows)

    keys = [(r["model_id"], r["window_start"], r["segment"], r["metric"]) for r in read_metrics(engine)]

    assert len(keys) == len(rows)
    assert keys == sorted(keys)


def test_a_missing_value_has_its_reason_and_is_never_a_number(engine: Engine) -> None:
    nothing = {"value": None, "lower": None, "upper": None, "prediction_count": 0, "labelled_count": 0}
    store_metrics(engine, a_metric(**nothing, undefined_reason="no_labels"))

    [row] = read_metrics(engine)

    assert row["value"] is None
    assert row["coverage"] is None
    assert row["undefined_reason"] == "no_labels"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_json_never_holds_what_json_does_not_know(engine: Engine, number: float) -> None:
    store_metrics(engine, a_metric(lower=number))

    [row] = read_metrics(engine)

    assert row["lower"] is None


@pytest.mark.parametrize("value", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -12.345678901234567])
def test_a_double_goes_through_the_store_and_json_unchanged(engine: Engine, value: float) -> None:
    store_metrics(engine, a_metric(value=value))

    [row] = read_metrics(engine)

    assert orjson.loads(orjson.dumps(row))["value"] == value


def test_the_models_that_have_results_are_known(sqlite_engine: Engine) -> None:
    store_metrics(sqlite_engine, a_metric(model_id="b"), a_metric(model_id="a"), a_metric(model_id="a", metric="rmse"))

    assert models_with_results(sqlite_engine, metrics) == ["a", "b"]
    assert models_with_results(sqlite_engine, drift_results) == []
