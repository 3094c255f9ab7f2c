"""What ``monitor metrics`` prints of the demo's real flights, beside pandas and scikit-learn on the raw event files.

The expected numbers are computed from the NDJSON files alone; nothing of the product's own mathematics, stages
or results is imported. Only the printed JSON is compared.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import metrics as sk
from typer.testing import CliRunner

from assets.reconcile import reconcile
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.simulation.flights.data import load_flights
from monitoring_pipeline.simulation.flights.demo import ReplayClock, open_demo, replay_day
from monitoring_pipeline.simulation.flights.replay import ReplayDay, replay
from monitoring_pipeline.simulation.flights.train import FlightModels, train

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

REGRESSION, CLASSIFIER = "flight_delay", "flight_late"
SEGMENTS = ("carrier", "origin")
FREQUENCY = {"hour": "h", "day": "D"}

# A group of printed rows: window, version, environment, segment.
Group = tuple[str, str, str, str]
# By metric: the value, None where there is none.
Values = dict[str, float | None]
# By group and metric: the value, and the counts of predictions and of truths.
Table = dict[tuple[Group, str], tuple[float | None, int, int]]
Frame = pd.DataFrame

# Read from a histogram, so known up to an error bound, which is printed beside the value; all others are exact.
QUANTILES = {"median_absolute_error", "p90_absolute_error", "label_delay_median_seconds", "label_delay_p90_seconds"}
CURVES = {"roc_auc", "pr_auc"}
LARGEST_RELATIVE_BOUND = 0.01  # of a quantile
# Of an area over so many rows; measured on the demo's days: up to 0.007 (ROC) and 0.0175 (precision and recall). Among
# few rows a cell that holds two of different truth is a large part of all.
LARGEST_CURVE_BOUND, ROWS_OF_A_CURVE = 0.02, 500


# --- the expected numbers ---------------------------------------------------------------------------------------------


def raw_events(files: Sequence[Path]) -> Frame:
    """Each prediction of the files with the last thing that was said about its truth, and when it first was known."""
    predictions = _read(file for file in files if file.name.startswith("predictions"))
    actuals = _read(file for file in files if file.name.startswith("actuals"))
    statements = actuals.sort_values("received_at", kind="stable").groupby(["model_id", "prediction_id"])
    truth = statements.agg(
        actual_value=("actual_value", "last"), first_at=("received_at", "first"), told=("actual_value", "nunique")
    )
    joined = predictions.merge(truth, on=["model_id", "prediction_id"], how="left")
    joined["predicted_at"] = pd.to_datetime(joined["timestamp"], utc=True)
    joined["delay_seconds"] = (pd.to_datetime(joined["first_at"], utc=True) - joined["predicted_at"]).dt.total_seconds()
    for name in SEGMENTS:
        joined[name] = [features[name] for features in joined["features"]]
    return joined


def _read(files: Iterator[Path]) -> Frame:
    return pd.DataFrame([json.loads(line) for file in files for line in file.read_text().splitlines()])


def expected_table(events: Frame, *, model_id: str, grain: str) -> Table:
    """Every group's metrics of one model."""
    of_model = events[events["model_id"] == model_id]
    window = of_model["predicted_at"].dt.floor(FREQUENCY[grain]).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    judge = _regression if model_id == REGRESSION else _binary
    table: Table = {}
    for segment in (None, *SEGMENTS):
        label = "all" if segment is None else f"{segment}=" + of_model[segment]
        groups = of_model.assign(window=window, segment=label)
        for key, rows in groups.groupby(["window", "model_version", "environment", "segment"]):
            table |= {((*key,), metric): found for metric, found in _measured(rows, judge).items()}  # type: ignore[misc]  # a key is a tuple
            if segment is None:
                table |= {((*key,), metric): found for metric, found in _served(rows).items()}  # type: ignore[misc]  # so here
    return table


def _measured(rows: Frame, judge: Callable[[Frame], Values]) -> dict[str, tuple[float | None, int, int]]:
    judged = rows[rows["actual_value"].notna()]
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        values = judge(judged)
    return {metric: (value, len(rows), len(judged)) for metric, value in values.items()}


def _served(rows: Frame) -> dict[str, tuple[float | None, int, int]]:
    """Throughput and the arrival of truth, told of whole models; the demo logs no latency and no confidence."""
    seconds_in_use = 3600 * rows["predicted_at"].dt.floor("h").nunique()
    throughput: Values = {"predictions_per_second": len(rows) / seconds_in_use}
    labelled = rows[rows["actual_value"].notna()]
    return {metric: (value, len(rows), 0) for metric, value in throughput.items()} | {
        metric: (value, len(rows), len(labelled)) for metric, value in _labels(labelled).items()
    }


LABELS = ("label_delay_median_seconds", "label_delay_p90_seconds", "label_correction_rate", "label_retraction_rate")


def _labels(rows: Frame) -> Values:
    if rows.empty:
        return dict.fromkeys(LABELS)
    return {
        "label_delay_median_seconds": _quantile(rows["delay_seconds"], 0.5),
        "label_delay_p90_seconds": _quantile(rows["delay_seconds"], 0.9),
        "label_correction_rate": float((rows["told"] > 1).mean()),
        "label_retraction_rate": 0.0,
    }


def _quantile(values: pd.Series, probability: float) -> float:
    return float(np.quantile(values, probability, method="inverted_cdf"))


ERRORS = ("mae", "rmse", "median_absolute_error", "p90_absolute_error", "mape", "smape", "bias", "r2")


def _regression(rows: Frame) -> Values:
    if rows.empty:
        return dict.fromkeys(ERRORS)
    actual, predicted = rows["actual_value"].to_numpy(), rows["predicted_value"].to_numpy()
    some = actual != 0  # no percentage of nothing
    error, size = (rows["predicted_value"] - rows["actual_value"]).abs(), rows["predicted_value"].abs() + abs(actual)
    return {
        "mae": sk.mean_absolute_error(actual, predicted),
        "rmse": sk.root_mean_squared_error(actual, predicted),
        "median_absolute_error": _quantile(error, 0.5),
        "p90_absolute_error": _quantile(error, 0.9),
        "mape": sk.mean_absolute_percentage_error(actual[some], predicted[some]) if some.any() else None,
        "smape": float((2 * error / size).fillna(0).mean()),
        "bias": float((predicted - actual).mean()),
        "r2": sk.r2_score(actual, predicted) if len(np.unique(actual)) > 1 else None,
    }


COUNTED = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc")
OF_PROBABILITIES = ("log_loss", "brier", "roc_auc", "pr_auc", "ece")


def _binary(rows: Frame) -> Values:
    if rows.empty:
        return dict.fromkeys((*COUNTED, *OF_PROBABILITIES))
    actual, said = rows["actual_value"].to_numpy(dtype=int), rows["predicted_value"].to_numpy(dtype=int)
    probability = rows["prediction_proba"].to_numpy()
    happened, absent, yes, no = actual.any(), not actual.all(), said.any(), not said.all()
    return {
        "accuracy": sk.accuracy_score(actual, said),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, said) if happened and absent else None,
        "precision": sk.precision_score(actual, said) if yes else None,
        "recall": sk.recall_score(actual, said) if happened else None,
        "specificity": sk.recall_score(actual, said, pos_label=0) if absent else None,
        "f1": sk.f1_score(actual, said) if happened or yes else None,
        "mcc": sk.matthews_corrcoef(actual, said) if happened and absent and yes and no else None,
        "log_loss": sk.log_loss(actual, probability, labels=[0, 1]),
        "brier": sk.brier_score_loss(actual, probability, labels=[0, 1]),
        "roc_auc": sk.roc_auc_score(actual, probability) if happened and absent else None,
        "pr_auc": sk.average_precision_score(actual, probability) if happened and absent else None,
        "ece": _calibration_error(rows),
    }


def _calibration_error(rows: Frame) -> float:
    """Over ten bins of a tenth: the share of positives beside the mean probability, weighted by rows."""
    edges = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, math.inf]
    bins = rows.groupby(pd.cut(rows["prediction_proba"], edges, right=False), observed=True)
    gaps = (bins["actual_value"].mean() - bins["prediction_proba"].mean()).abs()
    return float((gaps * bins.size()).sum() / len(rows))


# --- the demo, as people run it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A home that the demo has filled, and what is expected of it."""

    home: Path
    expected: Mapping[tuple[str, str], Table]  # by model and grain
    first: str
    end: str


def run_demo(home: Path, days: Sequence[ReplayDay], flights: Frame, *, end: str) -> Demo:
    """Ingest and reconcile day by day through the demo's own code, so that late landings reopen hours."""
    clock = ReplayClock()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MONITOR_HOME", str(home))
        demo = open_demo(Home.from_environment(), clock)
    # Nobody answers there: this is not about MLflow, which would take as long as all the rest; nor about drift.
    without_drift = [model.model_copy(update={"reference": None}) for model in demo.config.models]
    config = demo.config.model_copy(update={"mlflow_url": "http://127.0.0.1:9", "models": without_drift})
    installation = replace(demo, config=config)
    definitions = build_definitions(installation)
    with dg.DagsterInstance.ephemeral() as instance:
        for day in days:
            replay_day(installation, clock, day, lambda _told: reconcile(definitions, installation, instance))
    installation.engine.dispose()
    events = raw_events([file for day in days for file in day.files])
    expected = {
        (model_id, grain): expected_table(events, model_id=model_id, grain=grain)
        for model_id in (REGRESSION, CLASSIFIER)
        for grain in FREQUENCY
    }
    return Demo(home=home, expected=expected, first="2013-06-17", end=end)


@pytest.fixture(scope="module")
def flights() -> Frame:
    return load_flights()


@pytest.fixture(scope="module")
def models(flights: Frame) -> FlightModels:
    return train(flights.iloc[::10])  # how good the predictions are does not matter to how they are measured


@pytest.fixture(scope="module")
def three_days(flights: Frame, models: FlightModels, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    days = list(islice(replay(flights, models, folder / "events"), 3))
    return run_demo(folder / "home", days, flights, end="2013-06-20")


def printed(demo: Demo, *arguments: str) -> list[dict[str, Any]]:
    """What ``monitor metrics … --json`` prints."""
    environment = {"MONITOR_HOME": str(demo.home), "MONITOR_CONFIG": str(demo.home / "monitoring.yaml")}
    result = CliRunner().invoke(app, ["metrics", *arguments, "--json"], env=environment)
    assert (result.exit_code, result.stderr) == (0, "")
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def assert_equal(rows: Sequence[Mapping[str, Any]], expected: Table) -> None:
    """Every group and metric is there, none more, and all numbers are right."""
    found = {(_group(row), row["metric"]): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    wrong = [(key, found[key], wanted) for key, wanted in expected.items() if not _agrees(found[key], *wanted)]
    assert wrong == []


def _group(row: Mapping[str, Any]) -> Group:
    return row["window_start"], row["model_version"], row["environment"], row["segment"]


def _agrees(row: Mapping[str, Any], value: float | None, predictions: int, labelled: int) -> bool:
    counted = (row["prediction_count"], row["labelled_count"]) == (predictions, labelled)
    # How a model served needs no labels, and says nothing of how many there are.
    covered = row["coverage"] is None if row["metric"] == "predictions_per_second" else _covered(row)
    if value is None:
        silent = row["value"] is None and row["lower"] is None and row["upper"] is None
        return counted and covered and silent and bool(row["undefined_reason"])
    close = row["value"] is not None and _close(row, value)
    return counted and covered and close and row["undefined_reason"] is None and _encloses(row)


def _covered(row: Mapping[str, Any]) -> bool:
    return math.isclose(row["coverage"], row["labelled_count"] / row["prediction_count"], rel_tol=1e-15)


def _close(row: Mapping[str, Any], value: float) -> bool:
    if row["metric"] in QUANTILES:
        bound = row["error_bound"]
        return bool(bound <= LARGEST_RELATIVE_BOUND * row["value"] and abs(row["value"] - value) <= bound)
    if row["metric"] in CURVES:
        bound = row["error_bound"] or 0.0  # none where no two rows of different truth share a cell
        usable = bound <= LARGEST_CURVE_BOUND or row["labelled_count"] < ROWS_OF_A_CURVE
        return bool(usable and abs(row["value"] - value) <= bound + 1e-12)
    if row["metric"] == "ece":
        # Probabilities are kept to 2.3e-10; see the reliability bins.
        return row["error_bound"] is None and bool(abs(row["value"] - value) <= 1e-9)
    # Near zero a relative bound asks for digits that no summation has: a bias is the difference of large sums.
    return row["error_bound"] is None and math.isclose(row["value"], value, rel_tol=1e-9, abs_tol=1e-12)


def _encloses(row: Mapping[str, Any]) -> bool:
    lower, value, upper = row["lower"], row["value"], row["upper"]
    if lower is None or upper is None:
        return lower is upper
    return bool(lower <= value <= upper)


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grain", ["hour", "day"])
@pytest.mark.parametrize("model_id", [REGRESSION, CLASSIFIER])
def test_three_days_of_flights_are_measured_as_scikit_learn_measures_the_raw_events(
    three_days: Demo, model_id: str, grain: str
) -> None:
    expected = three_days.expected[model_id, grain]

    rows = printed(
        three_days, "--model", model_id, "--grain", grain, "--from", three_days.first, "--to", three_days.end
    )

    assert_equal(rows, expected)
    assert len({window for (window, *_), _ in expected}) == {"hour": 57, "day": 3}[grain]  # the nights are quiet


def test_a_range_is_half_open_and_holds_the_windows_that_start_in_it(three_days: Demo) -> None:
    first, end = "2013-06-18T14:00:00Z", "2013-06-18T16:00:00Z"
    whole = three_days.expected[CLASSIFIER, "hour"]

    rows = printed(three_days, "--model", CLASSIFIER, "--grain", "hour", "--from", first, "--to", end)

    assert_equal(rows, {key: value for key, value in whole.items() if first <= key[0][0] < end})
    assert {row["window_start"] for row in rows} == {"2013-06-18T14:00:00Z", "2013-06-18T15:00:00Z"}
    assert {row["window_end"] for row in rows} == {"2013-06-18T15:00:00Z", "2013-06-18T16:00:00Z"}


def test_real_hours_have_metrics_without_a_value_and_each_says_why(three_days: Demo) -> None:
    rows = printed(three_days, "--grain", "hour")

    reasons = {row["undefined_reason"] for row in rows if row["value"] is None}

    assert reasons >= {"no_labels", "one_row", "no_positives_predicted", "no_actual_positives"}
    assert all(row["undefined_reason"] is None for row in rows if row["value"] is not None)


@pytest.mark.long
def test_all_four_weeks_are_measured_as_scikit_learn_measures_the_raw_events(
    flights: Frame, models: FlightModels, tmp_path: Path
) -> None:
    days = list(replay(flights, models, tmp_path / "events"))
    demo = run_demo(tmp_path / "home", days, flights, end="2013-07-15")

    for (model_id, grain), expected in demo.expected.items():
        rows = printed(demo, "--model", model_id, "--grain", grain, "--from", demo.first, "--to", demo.end)
        assert_equal(rows, expected)
