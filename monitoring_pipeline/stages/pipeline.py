"""What every stage needs, in one value."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.span import EVER, MonitoredSpan


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The config, the store, the lake and the clock of one installation.

    Args:
        base: the folder that relative paths in the config start from.
        span: what is monitored in time.
    """

    config: MonitoringConfig
    base: Path
    engine: Engine
    lake: Lake
    span: MonitoredSpan = EVER
    clock: Clock = system_clock
