"""The ``monitoring.yaml`` of a simulation: what a careful team would write after the healthy stretch.

Every bound comes from what the healthy days show, never from what the scenario does: the same scenario with another
size is judged by the same rules.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from monitoring_pipeline.config.models import FeatureType, Task
from monitoring_pipeline.simulation.scenarios.columns import FeatureProfile, Floats
from monitoring_pipeline.simulation.scenarios.events import MODEL_ID, MONITORING_START
from monitoring_pipeline.simulation.scenarios.reference import HealthyStretch
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.scenario import Signal
from monitoring_pipeline.windows import isoformat

REFERENCE_NAME = "reference.parquet"

# Labels: 99.7 % of those that come have come after four times the median, which lies within the expected delay.
EXPECTED_DELAYS, MATURITIES = 4, 9  # in median delays
MIN_COVERAGE = 0.9

DEVIATIONS = 5.0  # standard errors between a healthy mean and its bound: one window in three million, were it normal
DRIFT_RULES = (
    (Signal.DRIFT, "inputs-moved", "drifted_features"),
    (Signal.PREDICTION_DRIFT, "outputs-moved", "prediction_drift"),
    (Signal.LABEL_DRIFT, "truth-moved", "label_drift"),
    (Signal.CONCEPT_DRIFT, "relation-changed", "concept_drift"),
)
"""What each rule on drift is for, its name, and what it watches."""

LATENCY_RATIO = 1.5  # of the healthy 95 % quantile
VOLUME_RATIO = 0.5  # of the quietest healthy hour
LEAST_LABELLED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRule:
    """A rule, and the signal that it is for."""

    signal: Signal
    rule: dict[str, Any]


def rules(world: World, stretch: HealthyStretch) -> list[WatchedRule]:
    """The rules of the simulated model."""
    day_rows = stretch.rows_per_day
    labelled = max(LEAST_LABELLED, round(day_rows / 4))
    loss = "log_loss" if world.scenario.task is Task.BINARY else "mae"
    losses, latencies = stretch.losses(world.scenario.task), stretch.column("latency_ms")
    low = (stretch.column("confidence") < LOW_CONFIDENCE).astype(np.float64)
    watched = [
        *(_rule(signal, rule_id, metric=metric, above=0, min_labelled=0) for signal, rule_id, metric in DRIFT_RULES),
        _rule(Signal.PERFORMANCE, "errors-grew", metric=loss, above=_bound(losses, labelled), min_labelled=labelled),
        _rule(Signal.LABELS, "labels-missing", metric="coverage", below=MIN_COVERAGE, min_labelled=LEAST_LABELLED),
        _rule(Signal.LABELS, "labels-late", metric="coverage_shortfall", above=0.1, min_labelled=LEAST_LABELLED),
        _rule(
            Signal.CONFIDENCE,
            "unsure",
            metric="low_confidence_rate",
            above=_bound(low, max(LEAST_LABELLED, round(day_rows / 2))),
            min_labelled=max(LEAST_LABELLED, round(day_rows / 2)),
        ),
        _rule(
            Signal.LATENCY,
            "slow",
            metric="latency_p95_ms",
            above=_rounded(float(np.quantile(latencies, 0.95)) * LATENCY_RATIO),
            grain="hour",
            min_labelled=LEAST_LABELLED,
        ),
    ]
    # Where a healthy hour may hold hardly any prediction, few of them say nothing.
    if stretch.quietest_hour_rows * VOLUME_RATIO >= 1:
        below = stretch.quietest_hour_rows * VOLUME_RATIO / 3600
        watched.append(
            _rule(
                Signal.VOLUME,
                "silent",
                metric="predictions_per_second",
                below=_rounded(below),
                grain="hour",
                min_labelled=0,
            )
        )
    return watched


LOW_CONFIDENCE = 0.6


def declaration(world: World, watched: list[WatchedRule]) -> str:
    """The text of ``monitoring.yaml``."""
    delay = world.scenario.label_delay_hours
    model = {
        "id": MODEL_ID,
        "task": world.scenario.task.value,
        "description": f"A simulation: {world.scenario.told()}",
        "features": {name: _feature(profile) for name, profile in sorted(world.profiles.items())},
        "low_confidence": LOW_CONFIDENCE,
        "labels": {
            "expected_delay": f"PT{math.ceil(delay * EXPECTED_DELAYS)}H",
            "maturity": f"PT{maturity_hours(delay)}H",
            "min_coverage": MIN_COVERAGE,
        },
        "reference": {"file": REFERENCE_NAME},
        "rules": [watch.rule for watch in watched],
    }
    config = {
        "start": isoformat(MONITORING_START),
        "debounce_seconds": 0,
        "models": [model],
    }
    text: str = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    return f"# Written by `monitor simulate {world.scenario.name}`.\n{text}"


def maturity_hours(label_delay_hours: float) -> int:
    """The label age at which a window is mature."""
    return math.ceil(label_delay_hours * MATURITIES)


def _feature(profile: FeatureProfile) -> dict[str, Any]:
    """Declared as the healthy rows show it, with as much room again on both sides."""
    declared: dict[str, Any] = {"type": profile.kind.value, "nullable": profile.has_missing}
    if profile.kind is FeatureType.NUMERIC:
        room = max(profile.high - profile.low, profile.scale)
        if math.isfinite(room * 2):
            declared |= {"min": _rounded(profile.low - room), "max": _rounded(profile.high + room)}
    return declared


def _rule(signal: Signal, rule_id: str, **settings: Any) -> WatchedRule:
    return WatchedRule(signal=signal, rule={"id": rule_id, **settings})


def _bound(values: Floats, rows: int) -> float:
    """What the mean of that many healthy rows stays below."""
    return _rounded(float(values.mean()) + DEVIATIONS * float(values.std()) / math.sqrt(rows))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
