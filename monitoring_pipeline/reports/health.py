"""Whether a model is healthy by a few thresholds that are the same for every model, declared or not.

A quick look, and no more: whether a change is real, rules and their intervals say.

======================= ============ ============== ============
check                   healthy      warning        critical
======================= ============ ============== ============
average_confidence      above 0.8    0.6 to 0.8     below 0.6
low_confidence_rate     below 0.1    0.1 to 0.3     above 0.3
latency_p95_ms          below 100    100 to 500     above 500
error_rate              0            up to 0.01     above 0.01
model_status            1            -              0
======================= ============ ============== ============

``error_rate`` is the share of requests that the server could not serve, of the last minutes: of the monitor, not of a
model.
``model_status`` is 1 if the model predicted at all in the hours that are looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.reports.present_operations import Operations


class Health(StrEnum):
    """What a check says."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """From where on a value is a warning, and beyond where it is critical.

    Attributes:
        healthy: the bound that a healthy value stays within, and does not reach unless it is 0.
        critical: the bound that a critical value lies beyond.
        low_is_good: whether healthy values are the small ones.
    """

    healthy: float
    critical: float
    low_is_good: bool

    def health_of(self, value: float) -> Health:
        """What a value means.

        >>> Threshold(healthy=0.8, critical=0.6, low_is_good=False).health_of(0.6).value
        'warning'
        """
        sign = 1.0 if self.low_is_good else -1.0
        if sign * value > sign * self.critical:
            return Health.CRITICAL
        if sign * value < sign * self.healthy or value == self.healthy == 0:
            return Health.HEALTHY
        return Health.WARNING


THRESHOLDS: Mapping[str, Threshold] = {
    "average_confidence": Threshold(healthy=0.8, critical=0.6, low_is_good=False),
    "low_confidence_rate": Threshold(healthy=0.1, critical=0.3, low_is_good=True),
    "latency_p95_ms": Threshold(healthy=100, critical=500, low_is_good=True),
    "error_rate": Threshold(healthy=0, critical=0.01, low_is_good=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One value and what it means.

    Attributes:
        name: see the table above.
        value: ``None`` where nothing was measured.
        health: what it means.
    """

    name: str
    value: float | None
    health: Health


def check(name: str, value: float | None) -> Check:
    """A value beside its threshold; nothing measured is not healthy."""
    health = Health.NOT_ENOUGH_DATA if value is None else THRESHOLDS[name].health_of(value)
    return Check(name=name, value=value, health=health)


def model_checks(served: Operations) -> tuple[Check, ...]:
    """The checks of a model's last hours; of several versions and environments the worst counts."""
    predicted = served.prediction_count > 0
    status = Check(name="model_status", value=float(predicted), health=Health.HEALTHY if predicted else Health.CRITICAL)
    return (status, *(_worst_check(name, served) for name in THRESHOLDS if name != "error_rate"))


def worst(healths: Iterable[Health]) -> Health:
    """The worst of some; one that could not speak makes none of the others worse, and all of them no answer."""
    found = set(healths)
    order = (Health.CRITICAL, Health.WARNING, Health.HEALTHY)
    return next((health for health in order if health in found), Health.NOT_ENOUGH_DATA)


def _worst_check(name: str, served: Operations) -> Check:
    values = [
        metric.value
        for group in served.groups
        for metric in group
        if metric.metric == name and metric.value is not None
    ]
    if not values:
        return check(name, None)
    return check(name, max(values) if THRESHOLDS[name].low_is_good else min(values))
