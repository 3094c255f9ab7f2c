"""Where the demo's minimum effects of drift come from: how far a day of the spring lies from the whole spring.

Printed with the thresholds of the rules, see :mod:`.thresholds`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.drift.verdict import DriftCriteria
from monitoring_pipeline.simulation.flights.data import CATEGORICAL_FEATURES, FEATURES
from monitoring_pipeline.simulation.flights.files import reference_sample
from monitoring_pipeline.simulation.flights.train import LAST_TRAINING_MONTH

NOT_WATCHED = {"weekday"}
DAY_TAIL = 0.05  # share of spring days beyond a floor, for the most restless feature
_ALPHA = 0.001  # only the distances are used here, not the evidence


def spring_drift_floors(flights: pd.DataFrame) -> dict[str, float]:
    """By measure, the distance that 95 % of the spring's days stayed below, for the most restless feature."""
    distances = day_distances(flights[flights["month"] <= LAST_TRAINING_MONTH], reference_sample(flights))
    tails = distances.groupby(["measure", "feature"])["value"].quantile(1 - DAY_TAIL)
    return {f"{measure} per day, above": float(value) for measure, value in tails.groupby("measure").max().items()}


def day_distances(flights: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Each UTC day's distance from the reference, by ``day``, ``feature`` and ``measure``, with rows enough."""
    prepared = {name: _prepared(reference[name], name) for name in FEATURES if name not in NOT_WATCHED}
    rows = [
        {"day": day, "feature": name, "measure": measured.measure.value, "value": measured.measurement.value}
        for day, of_day in flights.groupby(flights["departs_at"].dt.floor("D"))
        for name, feature in prepared.items()
        for measured in _measured(feature, of_day[name]).measured
        if measured.measurement is not None and measured.counts
    ]
    return pd.DataFrame(rows)


def _prepared(values: "pd.Series[float] | pd.Series[str]", name: str) -> NumericReference | CategoricalReference:
    if name in CATEGORICAL_FEATURES:
        return CategoricalReference.from_values(list(values.astype(str)))
    return NumericReference.from_values(_floats(values))


def _measured(
    reference: NumericReference | CategoricalReference, values: "pd.Series[float] | pd.Series[str]"
) -> MeasuredFeature:
    if isinstance(reference, NumericReference):
        return evaluate_numeric(reference, _floats(values), criteria=DriftCriteria(), alpha=_ALPHA)
    counts = {str(name): int(count) for name, count in values.astype(str).value_counts().items()}
    return evaluate_categorical(reference, counts, criteria=DriftCriteria(), alpha=_ALPHA)


def _floats(values: "pd.Series[float] | pd.Series[str]") -> NDArray[np.float64]:
    floats: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    return floats
