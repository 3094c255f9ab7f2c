"""What the demo puts into ``MONITOR_HOME`` beside the events: its config, and each model's reference for drift."""

from importlib.resources import files
from pathlib import Path

import pandas as pd

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import FEATURES
from monitoring_pipeline.simulation.flights.spring import predicted_spring
from monitoring_pipeline.simulation.flights.train import (
    DELAY_MODEL_ID,
    LATE_MINUTES,
    LATE_MODEL_ID,
    LATE_THRESHOLD,
    Progress,
)

CONFIG_NAME = "monitoring.yaml"
# As the config names them: relative to the folder of the config, which is MONITOR_HOME.
REFERENCE_NAMES = {
    DELAY_MODEL_ID: "flights/flight_delay-reference.parquet",
    LATE_MODEL_ID: "flights/flight_late-reference.parquet",
}


def config_text() -> str:
    """The demo's ``monitoring.yaml``."""
    return files(__package__).joinpath(CONFIG_NAME).read_text(encoding="utf-8")


def write_config(home: Path) -> Path:
    """Put the demo's config into ``home`` and return its path.

    Raises:
        MonitorError: if another config is already there; it is not ours to overwrite.
    """
    path = home / CONFIG_NAME
    if path.exists() and path.read_text(encoding="utf-8") != config_text():
        raise MonitorError(
            f"{path} is not the demo's config, and the demo will not overwrite it; "
            "move it away or set MONITOR_HOME to another folder"
        )
    home.mkdir(parents=True, exist_ok=True)
    path.write_text(config_text(), encoding="utf-8")
    return path


def write_references(flights: pd.DataFrame, home: Path, *, on_progress: Progress = lambda _: None) -> None:
    """Write what each model is compared with as Parquet: every flight of the training months.

    Columns: the features; ``predicted_at``, so that the spring's own hours and days say what is usual; what the model
    says of months that it has not seen; and ``actual_value``, missing where a flight was cancelled or diverted:
    predictions were due for those too.
    """
    spring = predicted_spring(flights, on_progress=on_progress)
    for model_id, outputs in reference_outputs(spring).items():
        path = home / REFERENCE_NAMES[model_id]
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = spring[list(FEATURES)].assign(predicted_at=spring["departs_at"], **outputs)
        columns.to_parquet(path, index=False)


def reference_outputs(predicted: pd.DataFrame) -> dict[str, dict[str, "pd.Series[float]"]]:
    """By model the columns of its predictions and of the truth, named as events name them.

    Args:
        predicted: flights with ``predicted_minutes`` and ``late_probability``.
    """
    minutes, probability = predicted["arrival_delay_minutes"], predicted["late_probability"]
    return {
        DELAY_MODEL_ID: {"predicted_value": predicted["predicted_minutes"], "actual_value": minutes},
        LATE_MODEL_ID: {
            "predicted_value": (probability >= LATE_THRESHOLD).astype(float),
            "prediction_proba": probability,
            "actual_value": (minutes > LATE_MINUTES).astype(float).where(minutes.notna()),
        },
    }
