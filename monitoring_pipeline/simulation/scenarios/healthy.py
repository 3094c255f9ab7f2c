"""Nothing happens: the control."""

from dataclasses import dataclass
from typing import ClassVar

from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy(Scenario):
    """Every hour is drawn from the same distribution. Whatever the monitor raises is a false alarm."""

    name: ClassVar[str] = "healthy"
    summary: ClassVar[str] = "nothing happens: whatever is raised is a false alarm"
    size_means: ClassVar[str] = "no meaning here"
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal)
