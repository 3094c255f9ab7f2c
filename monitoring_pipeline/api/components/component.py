"""One part of the monitor, and how it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Figures = Mapping[str, int | float | str | None]


class Status(StrEnum):
    """How a component does, the best first."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the monitor.

    Attributes:
        name: store, writer, requests, pipeline, alerts, notifications, ingest.
        status: of the part.
        reason: why it is not healthy and what to do; ``None`` where it is.
        figures: what it was judged by; instants are ISO 8601.
    """

    name: str
    status: Status
    reason: str | None
    figures: Figures


def judged(
    name: str, figures: Figures | None = None, *, unhealthy: str | None = None, degraded: str | None = None
) -> Component:
    """A component, by the worst that is said of it."""
    status = Status.UNHEALTHY if unhealthy else Status.DEGRADED if degraded else Status.HEALTHY
    return Component(name=name, status=status, reason=unhealthy or degraded, figures=dict(figures or {}))
