"""What every scenario shares: its settings, and the places at which it may change what happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios.columns import Columns, FeatureProfile, Floats
from monitoring_pipeline.simulation.scenarios.hour import HOURS_PER_DAY, Hour
from monitoring_pipeline.simulation.scenarios.population import NUMERIC_FEATURE

MOST_DAYS = 180

# What each setting may be, both ends included.
_RANGES: dict[str, tuple[float, float]] = {
    "days": (1, MOST_DAYS),
    "rows_per_hour": (1, 10_000),
    "onset_day": (0, MOST_DAYS),
    "over_days": (0, MOST_DAYS),
    "steps": (1, 1_000),
    "seed": (0, 2**63 - 1),
    "label_delay_hours": (0.01, 720),
    "labelled_ratio": (0.01, 1),
    "reference_days": (1, MOST_DAYS),
}


class Signal(StrEnum):
    """What a monitor can notice; ``drift`` is that of the inputs."""

    DRIFT = "drift"
    PREDICTION_DRIFT = "prediction_drift"
    LABEL_DRIFT = "label_drift"
    CONCEPT_DRIFT = "concept_drift"
    PERFORMANCE = "performance"
    CONFIDENCE = "confidence"
    LATENCY = "latency"
    LABELS = "labels"
    VOLUME = "volume"
    QUALITY = "quality"


class Expected(StrEnum):
    """What should become of a signal in a scenario."""

    RAISED = "raised"
    SILENT = "silent"
    EITHER = "either"


UNTOUCHED_BY_INPUTS = frozenset({Signal.CONCEPT_DRIFT, Signal.LABELS, Signal.LATENCY, Signal.VOLUME})
"""Where only inputs move, and model and truth follow by the law that was, these stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of failure with its settings, and pure functions from an hour's healthy rows to what happens instead.

    Each function is given the healthy values and gives those that take their place; before the onset they are the
    same. ``rng`` is the scenario's own: what it draws changes nothing of the healthy rows.

    Attributes:
        days: monitored days.
        rows_per_hour: mean predictions in an hour; the number of each hour is Poisson.
        onset_day: days from the start of monitoring until it happens.
        size: how much happens; what it means is the scenario's.
        over_days: how long it takes to grow to its full size, where it grows.
        steps: in how many equal steps it grows, where it grows in steps.
        feature: which input it is applied on.
        task: binary or regression.
        seed: the same seed gives the same bytes.
        label_delay_hours: median time from a prediction to its truth in health.
        labelled_ratio: share of the predictions that ever get one.
        reference_days: healthy days before hour 0, the reference for drift; eight of each weekday by default.

    Raises:
        MonitorError: if a setting is out of its range.
    """

    days: int = 16
    rows_per_hour: int = 60
    onset_day: float = 11.0
    size: float = 1.0
    over_days: float = 3.0
    steps: int = 5
    feature: str = NUMERIC_FEATURE
    task: Task = Task.BINARY
    seed: int = 2025
    label_delay_hours: float = 8.0
    labelled_ratio: float = 0.98
    reference_days: int = 56

    name: ClassVar[str]
    summary: ClassVar[str]
    size_means: ClassVar[str]
    largest_size: ClassVar[float] = 100.0
    raises: ClassVar[frozenset[Signal]] = frozenset()
    """Of each of these something should be raised from the onset on, and stand in the end."""
    silent: ClassVar[frozenset[Signal]] = frozenset()
    """Of these nothing should stand in the end; what is in neither may follow from what is injected, or not."""

    def __post_init__(self) -> None:
        wrong = next(iter(self.problems()), None)
        if wrong is not None:
            raise MonitorError(f"{self.name}: {wrong}")

    def problems(self) -> Iterator[str]:
        """What is wrong with the settings, a sentence each."""
        for name, (lowest, highest) in _RANGES.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                yield f"{name} is {value:g}; allowed are {lowest:g} to {highest:,g}"
        if not self.onset_day < self.days:
            yield f"onset_day is {self.onset_day:g}; it is before the end, which is day {self.days}"
        if not 0 < self.size <= self.largest_size:
            allowed = f"more than 0 and at most {self.largest_size:.3g}"
            yield f"size is {self.size:g} ({self.size_means}); allowed is {allowed}"
        if self.task not in (Task.BINARY, Task.REGRESSION):
            yield f"task is {self.task}; allowed are binary and regression"

    @property
    def is_control(self) -> bool:
        """Whether nothing is injected, so that nothing at all should be raised."""
        return self.silent == frozenset(Signal)

    def expects(self, signal: Signal) -> Expected:
        """What should become of a signal."""
        if signal in self.raises:
            return Expected.RAISED
        return Expected.SILENT if signal in self.silent else Expected.EITHER

    @property
    def onset_hours(self) -> float:
        """Hours from the start of monitoring until it happens."""
        return self.onset_day * HOURS_PER_DAY

    def hour(self, index: int) -> Hour:
        """The hour of that number."""
        return Hour(index, self.onset_hours)

    def accepts(self, profile: FeatureProfile) -> bool:
        """Whether it can be applied on such a feature."""
        del profile
        return True

    def told(self) -> str:
        """What is injected, in words."""
        return self.summary

    def volume_ratio(self, hour: Hour) -> float:
        """How many predictions there are, as a ratio of the healthy number."""
        del hour
        return 1.0

    def inputs(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """What the world puts in; model and truth follow."""
        del profile, hour, rng
        return columns

    def log_odds(self, log_odds: Floats, columns: Columns, profile: FeatureProfile, hour: Hour) -> Floats:
        """What the truth follows; the model keeps to the healthy law."""
        del columns, profile, hour
        return log_odds

    def logged(self, columns: Columns, profile: FeatureProfile, hour: Hour, rng: np.random.Generator) -> Columns:
        """What is written down of the inputs. Wrong types make an object column of a numeric one."""
        del profile, hour, rng
        return columns

    def latency_ms(self, latency_ms: Floats, hour: Hour) -> Floats:
        """How long the answers took."""
        del hour
        return latency_ms

    def label_delay_of(self, delay_hours: Floats, actual: Floats, hour: Hour) -> Floats:
        """How long the truth takes; NaN where it never comes."""
        del actual, hour
        return delay_hours
