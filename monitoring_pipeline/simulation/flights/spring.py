"""What the models say of the spring they were trained on: each month by models that have not seen it.

Predictions on rows that a model was fitted to are too good to compare with. So each month of January to May is
predicted by models trained on the other four; the demo's references and the thresholds of its rules come from these.
"""

import pandas as pd

from monitoring_pipeline.simulation.flights.train import LAST_TRAINING_MONTH, Progress, fit


def predicted_spring(flights: pd.DataFrame, *, on_progress: Progress = lambda _: None) -> pd.DataFrame:
    """The flights of January to May, cancelled ones too, with ``predicted_minutes`` and ``late_probability``.

    Args:
        flights: from :func:`~monitoring_pipeline.simulation.flights.data.load_flights`.
        on_progress: told each month.
    """
    spring = flights[flights["month"] <= LAST_TRAINING_MONTH]
    return pd.concat([_predicted_by_the_others(spring, month, on_progress) for month in spring["month"].unique()])


def _predicted_by_the_others(spring: pd.DataFrame, month: int, on_progress: Progress) -> pd.DataFrame:
    on_progress(f"reference: month {month}, predicted from the other months")
    left_out = spring[spring["month"] == month]
    models = fit(spring[spring["month"] != month])
    return left_out.assign(
        predicted_minutes=models.delay_minutes(left_out),
        late_probability=models.late_probability(left_out),
    )
