"""One installation, opened: its config, home folder, store (schema up to date), lake and clock.

The command line and the Dagster resources both start here, so they always mean the same store.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.config.home import Home, config_path
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import open_engine, reading
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.span import MonitoredSpan
from monitoring_pipeline.tracking.server import Tracking


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The parts of one installation."""

    config: MonitoringConfig
    config_file: Path | None
    home: Home
    engine: Engine
    clock: Clock

    @cached_property
    def pipeline(self) -> Pipeline:
        """What the stages need. Made once: the partitions of a process must not move while it runs."""
        base = Path.cwd() if self.config_file is None else self.config_file.resolve().parent
        with reading(self.engine) as connection:
            span = MonitoredSpan.of(self.config, connection, now=self.clock())
        return Pipeline(
            config=self.config,
            base=base,
            engine=self.engine,
            lake=Lake(root=self.home.lake),
            span=span,
            clock=self.clock,
        )

    @property
    def tracking(self) -> Tracking:
        """Where MLflow is: as the config says, or under the home folder."""
        if self.config.mlflow_url is not None:
            return Tracking(url=self.config.mlflow_url)
        return Tracking(url=self.home.mlflow_url, artifact_root=self.home.mlflow_artifacts)


def open_installation(
    config: Path | None = None, *, home: Home | None = None, clock: Clock = system_clock
) -> Installation:
    """Load the config, create the home folder, open the store and migrate it.

    Args:
        config: the ``--config`` option; the environment and the working directory decide where it is ``None``.
        home: where everything is kept; ``MONITOR_HOME`` decides where it is ``None``.
        clock: what time it is; a replay hands in its own.

    Raises:
        MonitorError: if the config is wrong, or the home folder or the store cannot be used.
    """
    file = config_path(config)
    loaded = load_config(file)
    home = (home or Home.from_environment()).ensure()
    engine = open_engine(loaded.store_url or home.store_url)
    upgrade(engine)
    return Installation(config=loaded, config_file=file, home=home, engine=engine, clock=clock)
