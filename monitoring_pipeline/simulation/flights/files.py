"""What the demo puts into ``MONITOR_HOME`` beside the events: its config, and the reference for drift."""

from importlib.resources import files
from pathlib import Path

import pandas as pd

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import FEATURES
from monitoring_pipeline.simulation.flights.train import LAST_TRAINING_MONTH

CONFIG_NAME = "monitoring.yaml"
# As the config names it: relative to the folder of the config, which is MONITOR_HOME.
REFERENCE_NAME = "flights/reference.parquet"

REFERENCE_ROWS = 50_000  # of 137,915: drift of a day of 950 flights would not be measured finer with more
SAMPLE_SEED = 2013


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


def write_reference(flights: pd.DataFrame, path: Path) -> Path:
    """Write a seeded sample of the training months' features as Parquet, one column per feature.

    Cancelled flights are in it: predictions were due for them too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reference_sample(flights).to_parquet(path, index=False)
    return path


def reference_sample(flights: pd.DataFrame) -> pd.DataFrame:
    """The rows of the reference, in order of departure."""
    spring = flights[flights["month"] <= LAST_TRAINING_MONTH]
    sample = spring.sample(n=min(REFERENCE_ROWS, len(spring)), random_state=SAMPLE_SEED)
    return sample.sort_index()[list(FEATURES)]
