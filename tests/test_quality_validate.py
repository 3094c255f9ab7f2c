"""Verdicts per hour: right, the same alone and in a range, and silent about values."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.common import between, has_rows, never_null, suite
from expectations.joined_predictions import joined_predictions
from expectations.logged_predictions import logged_predictions
from monitoring_pipeline.config.models import Feature, FeatureType, Model, Severity, Task
from monitoring_pipeline.quality.engine import great_expectations
from monitoring_pipeline.quality.score import blocked_hours, scores
from monitoring_pipeline.quality.validate import validate
from monitoring_pipeline.quality.verdicts import QualityResult, Verdict
from monitoring_pipeline.windows import HOUR_MICROS

CANARY = "canary-7f3e"

_TEXT_COLUMNS = ("prediction_id", "model_version", "environment", "entity_id", "predicted_class", "actual_class")


def rows_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of any dataset as the lake's files give them: numbers as float64, the rest as text."""
    defaults: dict[str, Any] = {
        "window_start": 0,
        "prediction_id": None,
        "predicted_at": 5,
        "model_version": "1",
        "environment": "production",
        "entity_id": None,
        "predicted_value": 1.0,
        "predicted_class": None,
        "prediction_proba": np.nan,
        "confidence": np.nan,
        "actual_value": np.nan,
        "actual_class": None,
        "actual_received_at": np.nan,
        "received_at": 10,
        "latency_ms": np.nan,
        "f.distance": 100.0,
        "f.carrier": "AA",
    }
    filled = [{**defaults, "prediction_id": f"p{i}", **row} for i, row in enumerate(rows)]
    frame = pd.DataFrame(filled, columns=list(defaults))
    text = dict.fromkeys((*_TEXT_COLUMNS, "f.carrier"), "str")
    numbers = {name: "float64" for name in frame.columns if name not in text}
    return frame.astype(text | numbers).astype({"window_start": "int64", "predicted_at": "int64"})


def model(task: Task = Task.REGRESSION, **fields: Any) -> Model:
    query = "search" if task is Task.RANKING else None
    return Model(id="flight_delay", task=task, query=query, **fields)


def failing(results: Sequence[QualityResult]) -> list[tuple[str, Verdict, int | None]]:
    return [(r.expectation, r.verdict, r.unexpected_count) for r in results if r.verdict is not Verdict.PASSED]


def joined_failures(task: Task, *rows: Mapping[str, Any], **fields: Any) -> list[tuple[str, Verdict, int | None]]:
    suite_of_task = joined_predictions(model(task, **fields))
    return failing(validate(rows_frame(rows), suite_of_task, dataset="joined_predictions", hours=[0]))


def test_good_rows_of_each_task_pass_everything() -> None:
    assert joined_failures(Task.REGRESSION, {"actual_value": -3.5, "actual_received_at": 9.0}, {}) == []
    assert joined_failures(Task.BINARY, {"prediction_proba": 0.2, "actual_value": 0.0}, {"actual_value": 1.0}) == []
    row = {"predicted_value": np.nan, "predicted_class": "cat", "actual_class": "dog"}
    assert joined_failures(Task.MULTICLASS, row, classes=["cat", "dog"]) == []


@pytest.mark.parametrize(
    ("task", "row", "sentence"),
    [
        (Task.REGRESSION, {"predicted_value": np.nan}, "predicted_value is never null"),
        (Task.REGRESSION, {"predicted_class": "late"}, "predicted_class is always null"),
        (Task.REGRESSION, {"predicted_value": np.inf}, "predicted_value is finite"),
        (Task.REGRESSION, {"actual_value": -np.inf}, "actual_value is finite"),
        (Task.REGRESSION, {"prediction_id": None}, "prediction_id is never null"),
        (Task.REGRESSION, {"environment": None}, "environment is never null"),
        (Task.BINARY, {"predicted_value": 2.0}, "predicted_value is within 0 and 1"),
        (Task.BINARY, {"actual_value": 0.5}, "actual_value is 0 or 1"),
        (Task.BINARY, {"prediction_proba": 1.01}, "prediction_proba is within 0 and 1"),
    ],
)
def test_what_would_make_a_metric_nonsense_blocks_its_hour(task: Task, row: dict[str, Any], sentence: str) -> None:
    frame = rows_frame([{}, row, {"window_start": HOUR_MICROS}])

    results = validate(frame, joined_predictions(model(task)), dataset="joined_predictions", hours=[0, HOUR_MICROS])

    assert failing(results) == [(sentence, Verdict.FAILED, 1)]
    assert blocked_hours(results) == {0}


def test_a_multiclass_model_must_predict_a_declared_class() -> None:
    rows: list[dict[str, Any]] = [
        {"predicted_value": np.nan, "predicted_class": "cat"},
        {"predicted_value": np.nan, "predicted_class": "cow"},
        {"predicted_value": 1.0},
    ]

    failures = joined_failures(Task.MULTICLASS, *rows, classes=["cat", "dog"])

    assert failures == [
        ("predicted_class is never null", Verdict.FAILED, 1),
        ("predicted_class is a declared class", Verdict.FAILED, 1),
    ]


def test_an_actual_that_breaks_a_warning_does_not_block() -> None:
    frame = rows_frame([{"actual_class": "late", "latency_ms": -1.0, "actual_received_at": 4.0}])

    results = validate(frame, joined_predictions(model()), dataset="joined_predictions", hours=[0])

    assert [(r.expectation, r.severity) for r in results if r.verdict is Verdict.FAILED] == [
        ("actual_class is always null", Severity.WARNING),
        ("latency_ms is at least 0", Severity.WARNING),
        ("actual_received_at is not before predicted_at", Severity.INFO),
    ]
    assert blocked_hours(results) == set()


def test_declared_features_are_held_to_their_declaration() -> None:
    features = {
        "distance": Feature(type=FeatureType.NUMERIC, nullable=False, min=0, max=5000),
        "carrier": Feature(type=FeatureType.CATEGORICAL, allowed=["AA", "UA"]),
    }
    frame = rows_frame([{"f.distance": np.nan}, {"f.distance": 5001.0}, {"f.carrier": "ZZ"}, {"f.carrier": None}])

    results = validate(frame, logged_predictions(model(features=features)), dataset="logged_predictions", hours=[0])

    assert failing(results) == [
        ("f.distance is never null", Verdict.FAILED, 1),
        ("f.distance is within 0 and 5000", Verdict.FAILED, 1),
        ("f.carrier is an allowed value", Verdict.FAILED, 1),
    ]
    assert {r.severity for r in results if r.verdict is Verdict.FAILED} == {Severity.WARNING}


def test_an_undeclared_model_has_a_default_suite_for_both_datasets() -> None:
    frame = rows_frame([{}])

    results = [
        *validate(frame, joined_predictions(None), dataset="joined_predictions", hours=[0]),
        *validate(frame, logged_predictions(None), dataset="logged_predictions", hours=[0]),
    ]

    assert failing(results) == []
    assert {r.dataset for r in results} == {"joined_predictions", "logged_predictions"}


def test_an_id_may_recur_in_another_hour_but_not_in_its_own() -> None:
    frame = rows_frame(
        [
            {"prediction_id": "a"},
            {"prediction_id": "a", "window_start": HOUR_MICROS},
            {"prediction_id": "b", "window_start": HOUR_MICROS},
            {"prediction_id": "b", "window_start": HOUR_MICROS},
        ]
    )

    results = validate(frame, joined_predictions(model()), dataset="joined_predictions", hours=[0, HOUR_MICROS])

    assert failing(results) == [("prediction_id is unique within its hour", Verdict.FAILED, 2)]
    assert blocked_hours(results) == {HOUR_MICROS}


def test_a_missing_column_is_an_error_and_blocks_only_if_critical() -> None:
    frame = rows_frame([{}, {}]).drop(columns=["latency_ms"])

    results = validate(frame, joined_predictions(model()), dataset="joined_predictions", hours=[0])

    [error] = [r for r in results if r.verdict is not Verdict.PASSED]
    assert (error.verdict, error.unexpected_count, error.detail) == (
        Verdict.ERROR,
        None,
        "column latency_ms is missing",
    )
    assert blocked_hours(results) == set()
    without_id = validate(
        frame.drop(columns=["prediction_id"]), joined_predictions(model()), dataset="joined_predictions", hours=[0]
    )
    assert blocked_hours(without_id) == {0}


def test_an_hour_that_cannot_be_judged_leaves_its_neighbours_alone() -> None:
    frame = pd.DataFrame({"window_start": [0, 0, 1, 1], "x": pd.Series([1, -1, 2, "two"], dtype=object)})
    checks = suite("s", [between("x", Severity.WARNING, 0, None)])

    first, second = validate(frame, checks, dataset="d", hours=[0, 1])

    assert (first.verdict, first.unexpected_count) == (Verdict.FAILED, 1)
    assert (second.verdict, second.detail) == (Verdict.ERROR, "it cannot be asked of such columns: x is object")


def test_an_empty_hour_fails_its_row_count_and_claims_nothing_else() -> None:
    frame = rows_frame([{"window_start": HOUR_MICROS}])
    checks = joined_predictions(model())

    results = validate(frame, checks, dataset="joined_predictions", hours=[0, HOUR_MICROS])
    alone = validate(frame.iloc[:0], checks, dataset="joined_predictions", hours=[0])

    assert [r for r in results if r.window_start == 0] == alone
    assert [(r.expectation, r.verdict, r.row_count, r.detail) for r in alone] == [
        ("the hour has predictions", Verdict.FAILED, 0, "0 rows, expected 1 to any number")
    ]
    assert scores(alone) == {}
    assert scores(results) == {HOUR_MICROS: 1.0}
    assert blocked_hours(results) == set()


def test_neither_results_nor_logs_hold_a_value(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    features = {"carrier": Feature(type=FeatureType.CATEGORICAL, allowed=["AA"], nullable=False)}
    frame = rows_frame([{"prediction_id": CANARY, "f.carrier": CANARY, "entity_id": CANARY}] * 2)
    frame["latency_ms"] = CANARY

    with caplog.at_level(logging.DEBUG):
        results = validate(frame, logged_predictions(model(features=features)), dataset="logged_predictions", hours=[0])

    captured = capfd.readouterr()
    assert [r.verdict for r in results].count(Verdict.ERROR) == 1
    assert CANARY not in str(results) + caplog.text + captured.out + captured.err


def test_rows_that_an_expectation_tolerates_are_counted_all_the_same() -> None:
    lenient = great_expectations().expectations.ExpectColumnValuesToNotBeNull(
        column="latency_ms", mostly=0.5, severity="warning", description="latency_ms is seldom null"
    )
    frame = rows_frame([{"latency_ms": 1.0}, {"latency_ms": 2.0}, {"latency_ms": 3.0}, {}])

    (result,) = validate(frame, suite("mine", [lenient]), dataset="d", hours=[0])

    assert (result.verdict, result.unexpected_count) == (Verdict.FAILED, 1)


def test_a_suite_that_cannot_be_told_per_hour_is_refused() -> None:
    frame = pd.DataFrame({"window_start": [0], "x": [1.0]})
    kinds = great_expectations().expectations
    refused = {
        "share the sentence": [has_rows(), has_rows()],
        "single rows": [kinds.ExpectColumnMeanToBeBetween(column="x", max_value=1)],
        "no description": [kinds.ExpectColumnValuesToBeNull(column="x")],
    }

    for problem, expectations in refused.items():
        with pytest.raises(ValueError, match=problem):
            validate(frame, suite("s", expectations), dataset="d", hours=[0])


def test_rows_of_an_hour_that_was_not_asked_for_are_refused() -> None:
    with pytest.raises(ValueError, match="not among"):
        validate(rows_frame([{}]), suite("s", [has_rows()]), dataset="d", hours=[HOUR_MICROS])
    with pytest.raises(ValueError, match="twice"):
        validate(rows_frame([{}]), suite("s", [has_rows()]), dataset="d", hours=[0, 0])


_NUMBERS = st.sampled_from([np.nan, -1.0, 0.0, 0.5, 1.0, 2.0, np.inf])
_CLASSES = st.sampled_from([None, "cat", "cow"])
_ROWS = st.fixed_dictionaries(
    {
        "window_start": st.sampled_from([0, 1, 2]),
        "prediction_id": st.sampled_from([None, "a", "b", "c"]),
        "predicted_value": _NUMBERS,
        "prediction_proba": _NUMBERS,
        "actual_value": _NUMBERS,
        "predicted_class": _CLASSES,
        "actual_class": _CLASSES,
        "latency_ms": _NUMBERS,
        "actual_received_at": st.sampled_from([np.nan, 1.0, 9.0]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(_ROWS, max_size=14), task=st.sampled_from(Task))
def test_an_hour_alone_gets_the_verdicts_it_gets_in_a_range(rows: list[dict[str, Any]], task: Task) -> None:
    checks = joined_predictions(model(task, classes=["cat", "dog"]))
    frame = rows_frame(rows)

    together = validate(frame, checks, dataset="joined_predictions", hours=[2, 0, 1])
    apart = [
        result
        for hour in (2, 0, 1)
        for result in validate(frame[frame["window_start"] == hour], checks, dataset="joined_predictions", hours=[hour])
    ]

    assert together == apart


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(_ROWS, max_size=14))
def test_counts_equal_a_plain_count_in_python(rows: list[dict[str, Any]]) -> None:
    checks = suite("s", [never_null("prediction_id", Severity.INFO), between("prediction_proba", Severity.INFO, 0, 1)])

    results = validate(rows_frame(rows), checks, dataset="d", hours=[0, 1, 2])

    found = {(r.window_start, r.expectation): r.unexpected_count for r in results}
    expected = {}
    for hour in sorted({row["window_start"] for row in rows}):
        mine = [row for row in rows if row["window_start"] == hour]
        expected[hour, "prediction_id is never null"] = sum(row["prediction_id"] is None for row in mine)
        outside = [row for row in mine if row["prediction_proba"] < 0 or row["prediction_proba"] > 1]
        expected[hour, "prediction_proba is within 0 and 1"] = len(outside)
    assert found == expected
