"""Estimates without labels on the real flights, against what the labels later said."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.estimation.confidence import estimate_binary
from monitoring_pipeline.performance.estimation.direct_loss import (
    LabelledRows,
    estimate_regression,
    learn_losses,
)
from monitoring_pipeline.performance.estimation.inputs import Column
from monitoring_pipeline.performance.estimation.values import EstimatedMetric
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.simulation.flights.data import CATEGORICAL_FEATURES, NUMERIC_FEATURES, load_flights
from monitoring_pipeline.simulation.flights.train import LATE_MINUTES, LATE_THRESHOLD, train

HISTORY_STARTS = "2013-06-01"  # the first day that the models have not seen
FIRST_DAY = "2013-06-17"
HISTORY_DAYS, CARRIED_DAYS = 28, 7

HIDDEN, AT_ITS_END = "all labels hidden", "as known at its end"

Flights = pd.DataFrame
Answers = Mapping[str, EstimatedMetric]


def flights(day_count: int) -> dict[str, Any]:
    """Each day of the demo's weeks: with all labels hidden, and as known at its end.

    Returns:
        By case and metric, one figure per day: the truth, the estimate, the last mature week carried forward, where
        there are labels the value of those so far, the width of the interval, and whether it holds the truth (1 or
        0); and the seconds of each estimation.
    """
    rows = _predicted(load_flights())
    cases: dict[str, dict[str, dict[str, list[float]]]] = {HIDDEN: {}, AT_ITS_END: {}}
    seconds: list[float] = []
    for day in pd.date_range(FIRST_DAY, periods=day_count, tz="UTC"):
        past = rows[(rows["day"] < day) & (rows["day"] >= day - pd.Timedelta(days=HISTORY_DAYS)) & rows["landed"]]
        present = rows[rows["day"] == day]
        landed = present[present["landed"]]
        carried = _measured(past[past["day"] >= day - pd.Timedelta(days=CARRIED_DAYS)])
        truth = _measured(landed)
        known = present["landed_at"] + pd.Timedelta(minutes=1) <= day + pd.Timedelta(days=1)
        for case, window, is_known in (
            # Without the flights that never landed: of those nothing will ever be known to compare with.
            (HIDDEN, landed, pd.Series(data=False, index=landed.index)),
            (AT_ITS_END, present, known),
        ):
            started = time.perf_counter()
            answers = {
                **_regression(_waited(past, window, is_known), window, is_known),
                **_binary(past, window, is_known),
            }
            seconds.append(time.perf_counter() - started)
            so_far = _measured(window[is_known]) if is_known.any() else {}
            for metric, answer in answers.items():
                into = cases[case].setdefault(metric, {})
                _take_note(into, answer, truth[metric], carried[metric], so_far.get(metric))
    return {"cases": cases, "seconds": seconds}


def _take_note(
    into: dict[str, list[float]], answer: EstimatedMetric, truth: float, carried: float, so_far: float | None
) -> None:
    assert answer.value is not None, answer
    assert answer.lower is not None
    assert answer.upper is not None
    figures = {
        "truth": truth,
        "estimate": answer.value,
        "carried": carried,
        "inside": float(answer.lower <= truth <= answer.upper),
        "width": answer.upper - answer.lower,
    }
    if so_far is not None:
        figures["so far"] = so_far
    for name, figure in figures.items():
        into.setdefault(name, []).append(figure)


def _predicted(table: Flights) -> Flights:
    models = train(table)
    chosen = table[(table["departs_at"] >= HISTORY_STARTS) & (table["departs_at"] < "2013-07-15")].copy()
    chosen["minutes"], chosen["probability"] = models.delay_minutes(chosen), models.late_probability(chosen)
    chosen["day"], chosen["landed"] = chosen["departs_at"].dt.floor("D"), chosen["landed_at"].notna()
    chosen["error"] = chosen["minutes"] - chosen["arrival_delay_minutes"]
    chosen["late"] = (chosen["arrival_delay_minutes"] > LATE_MINUTES).astype(float)
    return chosen


def _measured(rows: Flights) -> dict[str, float]:
    """The metrics of labelled rows, by pandas and scikit-learn where this program has no one-line answer."""
    sums = _sums(rows, pd.Series(data=True, index=rows.index))
    measured = {found.metric: found.value for found in evaluate(sums) if found.value is not None}
    return {
        **measured,
        "roc_auc": float(roc_auc_score(rows["late"], rows["probability"])),
        "mae": float(rows["error"].abs().mean()),
        "rmse": float(np.sqrt((rows["error"] ** 2).mean())),
    }


def _sums(rows: Flights, known: "pd.Series[bool]") -> Any:
    return binary_sums(
        np.zeros(len(rows), dtype=np.int64),
        1,
        predicted=np.full(len(rows), np.nan),
        proba=rows["probability"],
        actual=rows["late"].where(known),
        threshold=LATE_THRESHOLD,
    )[0]


def _binary(past: Flights, window: Flights, known: "pd.Series[bool]") -> Answers:
    history = [
        _sums(of_day, pd.Series(data=True, index=of_day.index)).scores for _, of_day in past.groupby("day", sort=True)
    ]
    return {answer.metric: answer for answer in estimate_binary(_sums(window, known), history)}


def _regression(past: Flights, window: Flights, known: "pd.Series[bool]") -> Answers:
    learned = learn_losses(
        LabelledRows(
            columns=_columns(past),
            error=past["error"].to_numpy(),
            day=past["day"].dt.dayofyear.to_numpy().astype(np.int64),
        )
    )
    waiting = window[~known]
    answers = estimate_regression(
        learned,
        measured=window.loc[known, "error"].to_numpy(),
        unlabelled=_columns(waiting),
        unlabelled_count=len(waiting),
    )
    return {answer.metric: answer for answer in answers}


def _waited(past: Flights, window: Flights, known: "pd.Series[bool]") -> Flights:
    """The flights of the past that were not known either when their day was as old as the window's last label."""
    if not known.any():
        return past
    age = (window.loc[known, "landed_at"] - window.loc[known, "day"]).max()
    waited: Flights = past[past["landed_at"] - past["day"] > age]
    return waited


def _columns(rows: Flights) -> dict[str, Column]:
    numeric: dict[str, Column] = {name: rows[name].to_numpy(dtype=np.float64) for name in NUMERIC_FEATURES}
    categorical: dict[str, Column] = {name: rows[name].tolist() for name in CATEGORICAL_FEATURES}
    return {"prediction": rows["minutes"].to_numpy(dtype=np.float64), **numeric, **categorical}
