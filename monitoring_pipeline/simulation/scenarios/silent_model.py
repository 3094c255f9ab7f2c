"""Predictions stop coming, or nearly."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentModel(Scenario):
    """From the onset on, ``size`` of the predictions are missing, for ``silent_hours``; 0: until the end.

    With ``size`` 1 there is not one row, and so no window that a rule could judge.
    """

    size: float = 0.95
    silent_hours: int = 0

    name: ClassVar[str] = "silent_model"
    summary: ClassVar[str] = "predictions stop coming"
    size_means: ClassVar[str] = "share of the predictions that are missing"
    largest_size: ClassVar[float] = 1.0
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.VOLUME})
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - raises

    def problems(self) -> Iterator[str]:
        """What is wrong with the settings."""
        yield from Scenario.problems(self)
        if self.silent_hours < 0:
            yield f"silent_hours is {self.silent_hours}; it is 0 (until the end) or more"

    def told(self) -> str:
        """What is injected, in words."""
        length = f"for {self.silent_hours} hours" if self.silent_hours else "until the end"
        return f"{self.size:.0%} of the predictions are missing {length}"

    def volume_ratio(self, hour: Hour) -> float:
        """What is left."""
        ends = hour.onset + self.silent_hours if self.silent_hours else float("inf")
        return 1.0 - self.size if hour.after_onset and hour.index < ends else 1.0
