"""For some hours every answer is slow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from monitoring_pipeline.simulation.scenarios.columns import Floats
from monitoring_pipeline.simulation.scenarios.hour import Hour
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySpike(Scenario):
    """Latencies are ``size`` times as long for ``spike_hours`` from the onset on."""

    size: float = 4.0
    spike_hours: int = 6

    name: ClassVar[str] = "latency_spike"
    summary: ClassVar[str] = "answers are slow for some hours"
    size_means: ClassVar[str] = "how many times as long the answers take"
    raises: ClassVar[frozenset[Signal]] = frozenset({Signal.LATENCY})
    silent: ClassVar[frozenset[Signal]] = frozenset(Signal) - raises

    def problems(self) -> Iterator[str]:
        """What is wrong with the settings."""
        yield from Scenario.problems(self)
        if self.spike_hours < 1:
            yield f"spike_hours is {self.spike_hours}; it is 1 or more"

    def told(self) -> str:
        """What is injected, in words."""
        return f"answers take {self.size:g} times as long for {self.spike_hours} hours"

    def latency_ms(self, latency_ms: Floats, hour: Hour) -> Floats:
        """The latencies of the hour."""
        spikes = hour.after_onset and hour.index < hour.onset + self.spike_hours
        return latency_ms * self.size if spikes else latency_ms
