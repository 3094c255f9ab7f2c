"""Where the thresholds of the demo's rules come from: how the models did in the spring, not in the storms.

Each month of January to May is predicted by models trained on the other four. A day's threshold is what 5 %
of those days went beyond, an hour's what 1 % did: an alert then means "worse than nearly all of the spring".
Printed by ``python -m monitoring_pipeline.simulation.flights.thresholds`` (about 15 seconds).
"""

import sys

import numpy as np
import pandas as pd

from monitoring_pipeline.simulation.flights.data import load_flights
from monitoring_pipeline.simulation.flights.spring import predicted_spring
from monitoring_pipeline.simulation.flights.train import LATE_MINUTES, LATE_THRESHOLD, Progress

MIN_LABELLED = 30  # windows with fewer landed flights are left out, as the rules leave them out
DAY_TAIL, HOUR_TAIL = 0.05, 0.01  # share of spring windows beyond the threshold


def spring_thresholds(flights: pd.DataFrame, *, on_progress: Progress = lambda _: None) -> dict[str, float]:
    """The tail of each watched metric over the spring's windows, by rule."""
    figures = _figures(predicted_spring(flights, on_progress=on_progress))
    days, hours = _by_window(figures, "D"), _by_window(figures, "h")
    return {
        "mae per day, above": float(days["mae"].quantile(1 - DAY_TAIL)),
        "mae per hour, above": float(hours["mae"].quantile(1 - HOUR_TAIL)),
        "log_loss per day, above": float(days["log_loss"].quantile(1 - DAY_TAIL)),
        "recall per day, below": float(days["recall"].quantile(DAY_TAIL)),
        "coverage per day, below": float(days["coverage"].quantile(DAY_TAIL)),
    }


def _figures(predicted: pd.DataFrame) -> pd.DataFrame:
    """What each flight adds to the metrics."""
    minutes, probability = predicted["predicted_minutes"], predicted["late_probability"]
    landed = predicted["landed_at"].notna()
    late = predicted["arrival_delay_minutes"] > LATE_MINUTES
    return pd.DataFrame(
        {
            "departs_at": predicted["departs_at"],
            "coverage": landed.astype(float),
            "mae": (predicted["arrival_delay_minutes"] - minutes).abs(),  # missing where not landed
            "log_loss": pd.Series(-np.log(np.where(late, probability, 1 - probability)), late.index).where(landed),
            "recall": pd.Series(probability >= LATE_THRESHOLD, late.index, dtype=float).where(late),
        }
    )


def _by_window(figures: pd.DataFrame, frequency: str) -> pd.DataFrame:
    windows = figures.groupby(figures["departs_at"].dt.floor(frequency))
    means = windows[["coverage", "mae", "log_loss", "recall"]].mean()
    return means[windows["mae"].count() >= MIN_LABELLED]


def main() -> None:
    """Print the thresholds; the steps go to stderr."""
    flights = load_flights()
    thresholds = spring_thresholds(flights, on_progress=_to_stderr)
    sys.stdout.writelines(f"{name} {value:.3f}\n" for name, value in thresholds.items())


def _to_stderr(step: str) -> None:
    sys.stderr.write(f"{step}\n")


if __name__ == "__main__":
    main()
