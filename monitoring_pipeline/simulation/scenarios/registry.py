"""Every scenario by its name."""

from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios.category_launch import CategoryLaunch
from monitoring_pipeline.simulation.scenarios.concept_flip import ConceptFlip
from monitoring_pipeline.simulation.scenarios.data_quality import DataQuality
from monitoring_pipeline.simulation.scenarios.gradual_drift import GradualDrift
from monitoring_pipeline.simulation.scenarios.healthy import Healthy
from monitoring_pipeline.simulation.scenarios.label_bias import LabelBias
from monitoring_pipeline.simulation.scenarios.label_delay import LabelDelay
from monitoring_pipeline.simulation.scenarios.latency_spike import LatencySpike
from monitoring_pipeline.simulation.scenarios.scenario import Scenario
from monitoring_pipeline.simulation.scenarios.seasonal import Seasonal
from monitoring_pipeline.simulation.scenarios.silent_model import SilentModel
from monitoring_pipeline.simulation.scenarios.sudden_drift import SuddenDrift

SCENARIOS: dict[str, type[Scenario]] = {
    scenario.name: scenario
    for scenario in (
        GradualDrift,
        SuddenDrift,
        CategoryLaunch,
        ConceptFlip,
        DataQuality,
        LatencySpike,
        LabelDelay,
        LabelBias,
        SilentModel,
        Seasonal,
        Healthy,
    )
}


def scenario_named(name: str, **settings: Any) -> Scenario:
    """The scenario with these settings and its own defaults for the others.

    Raises:
        MonitorError: if there is no such scenario or setting, or a setting is out of its range.

    >>> scenario_named("sudden_drift", size=3.0).told()
    'amount_usd jumps by 3 sd'
    """
    kind = SCENARIOS.get(name)
    if kind is None:
        raise MonitorError(f"there is no scenario {name!r}{_hint(name, list(SCENARIOS))}; `monitor simulate --list`")
    known = [field.name for field in fields(kind)]
    for setting in settings:
        if setting not in known:
            raise MonitorError(f"{name} has no setting {setting!r}{_hint(setting, known)}; it has {', '.join(known)}")
    return kind(**{**settings, **({"task": _task(settings["task"])} if "task" in settings else {})})


def _task(written: str) -> Task:
    try:
        return Task(written)
    except ValueError:
        raise MonitorError(f"task is {written!r}; allowed are binary and regression") from None


def default_size(kind: type[Scenario]) -> float:
    """A scenario's size where none is given."""
    [size] = [field.default for field in fields(kind) if field.name == "size"]
    assert isinstance(size, float), "every scenario has a default size"
    return size


def _hint(written: str, known: list[str]) -> str:
    close = get_close_matches(written, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
