"""The two models of the demo: minutes of arrival delay, and whether a flight arrives more than 15 minutes late.

Both are gradient-boosted trees on what is known at scheduled departure. They are ordinary on purpose: the
demo is about watching models, so they have the weaknesses models have. Weather at the origin an hour ahead
of a storm says little, and they have never seen a summer.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import CATEGORICAL_FEATURES, FEATURES, INSTALL_COMMAND

DELAY_MODEL_ID = "flight_delay"
LATE_MODEL_ID = "flight_late"
MODEL_VERSION = "2013.05"  # the last month it was trained on

LAST_TRAINING_MONTH = 5
LATE_MINUTES = 15  # above this a flight counts as late, as the US Department of Transportation counts

# The probability at which the classifier says "late". About 24 % of the spring's flights were late, so few
# reach 0.5. When each spring month is predicted from the other four, F1 is at its flat top (0.45) here.
LATE_THRESHOLD = 0.25

# More trees than this gain less than 0.1 minutes of MAE. Early stopping would draw a random sample.
TREES = {
    "max_iter": 100,
    "learning_rate": 0.1,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 200,
    "categorical_features": "from_dtype",
    "early_stopping": False,
    "random_state": 2013,
}

Progress = Callable[[str], None]
"""Is told each step of the training in a few words."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightModels:
    """The trained models, and the category values they know; any other value is treated as missing."""

    delay: Any  # sklearn.ensemble.HistGradientBoostingRegressor
    late: Any  # sklearn.ensemble.HistGradientBoostingClassifier
    categories: dict[str, list[str]]
    trained_count: int

    def delay_minutes(self, flights: pd.DataFrame) -> Values:
        """The expected arrival delay of each flight in minutes, to a hundredth; negative is early."""
        with _one_thread():
            minutes: Values = np.asarray(self.delay.predict(self._inputs(flights)), dtype=np.float64)
        return minutes.round(2)

    def late_probability(self, flights: pd.DataFrame) -> Values:
        """The probability that each flight arrives more than 15 minutes late, to four decimals."""
        with _one_thread():
            both: Values = np.asarray(self.late.predict_proba(self._inputs(flights)), dtype=np.float64)
        return both[:, 1].round(4)

    def _inputs(self, flights: pd.DataFrame) -> pd.DataFrame:
        return model_inputs(flights, self.categories)


def train(flights: pd.DataFrame, *, on_progress: Progress = lambda _: None) -> FlightModels:
    """Train both models on the landed flights of January to May; about two seconds, no subsampling.

    The result is the same for any number of threads.

    Raises:
        MonitorError: if scikit-learn is not installed.
    """
    return fit(flights[flights["month"] <= LAST_TRAINING_MONTH], on_progress=on_progress)


def fit(flights: pd.DataFrame, *, on_progress: Progress = lambda _: None) -> FlightModels:
    """Train both models on all the landed flights given; cancelled ones have no truth to learn from.

    Raises:
        MonitorError: if scikit-learn is not installed.
    """
    try:  # optional: only the demo needs it
        from sklearn.ensemble import (  # noqa: PLC0415 - 1 s to import
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
        )
    except ModuleNotFoundError:
        raise MonitorError(
            f"the flights demo needs scikit-learn to train its models; install it: {INSTALL_COMMAND}"
        ) from None
    landed = flights[flights["landed_at"].notna()]
    minutes = landed["arrival_delay_minutes"]
    categories = {name: sorted(landed[name].unique()) for name in CATEGORICAL_FEATURES}
    inputs = model_inputs(landed, categories)
    with _one_thread():
        on_progress(f"{DELAY_MODEL_ID}: regression on {len(landed):,} flights")
        # The absolute error: a delay of ten hours must not bend the predictions of all others.
        delay = HistGradientBoostingRegressor(loss="absolute_error", **TREES).fit(inputs, minutes)
        on_progress(f"{LATE_MODEL_ID}: classification on {len(landed):,} flights")
        late = HistGradientBoostingClassifier(**TREES).fit(inputs, minutes > LATE_MINUTES)
    return FlightModels(delay=delay, late=late, categories=categories, trained_count=len(landed))


def model_inputs(flights: pd.DataFrame, categories: dict[str, list[str]]) -> pd.DataFrame:
    """The feature columns as the models take them: only :data:`FEATURES`, nothing known after departure."""
    inputs = flights[list(FEATURES)].copy()
    for name, known in categories.items():
        inputs[name] = pd.Categorical(inputs[name].where(inputs[name].isin(known)), categories=known)
    return inputs


def _one_thread() -> AbstractContextManager[object]:
    # Two threads save half a second on an idle machine; on a busy one they spin while they wait for each other:
    # 13 seconds of processor time instead of 2. The limit holds for libraries that are loaded already, so
    # scikit-learn is imported before. Its companion threadpoolctl comes with it.
    limits: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(limits=1)
    return limits
