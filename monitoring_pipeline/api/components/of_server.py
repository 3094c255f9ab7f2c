"""The parts that are in this process: the writer of events, and the requests that are answered."""

from dataclasses import asdict

from monitoring_pipeline.api.components.component import Component, judged
from monitoring_pipeline.api.metering.lately import LATELY_SECONDS
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.events.submissions import MOST_WAITING_BYTES
from monitoring_pipeline.reports.health import Health, check
from monitoring_pipeline.windows import SECOND_MICROS, isoformat

FULL_RATIO = 0.8  # of what may wait to be stored


REFUSED_SINCE_MICROS = 60 * SECOND_MICROS
"""Whoever was refused for want of room comes again after a second: a minute without it, and there is room."""


def is_filling(service: Service) -> bool:
    """Whether events come faster than they are stored, so that some are refused, or soon will be."""
    held, limits, refused_at = service.allowance, service.limits, service.allowance.refused_at
    return (
        held.held_bytes > FULL_RATIO * limits.held_bytes
        or held.held_lines > FULL_RATIO * limits.held_lines
        or service.writer.waiting_bytes > FULL_RATIO * MOST_WAITING_BYTES
        or (refused_at is not None and service.installation.clock() - refused_at < REFUSED_SINCE_MICROS)
    )


def writer(service: Service) -> Component:
    """Whether events are taken, and how much waits to be stored."""
    held = service.allowance
    stopped = None if service.writer.is_running else "events are not taken now; start the server again"
    full = "events come faster than they are stored, and clients are refused; send larger batches, or use PostgreSQL"
    figures = {
        "waiting_bytes": service.writer.waiting_bytes,
        "held_bytes": held.held_bytes,
        "held_lines": held.held_lines,
        "last_refused_at": None if held.refused_at is None else isoformat(held.refused_at),
    }
    return judged("writer", figures, unhealthy=stopped, degraded=full if is_filling(service) else None)


def requests(service: Service) -> Component:
    """What the server answered lately. Nothing here is unhealthy: the parts that cause errors say so themselves."""
    found = service.lately.answered()
    reason = (
        f"{found.errors} of {found.requests} requests of the last {LATELY_SECONDS // 60} minutes could not be served; "
        "the server's log says why"
    )
    failing = check("error_rate", found.error_rate).health in {Health.WARNING, Health.CRITICAL}
    figures = {**asdict(found), "error_rate": found.error_rate, "look_back_seconds": LATELY_SECONDS}
    return judged("requests", figures, degraded=reason if failing else None)
