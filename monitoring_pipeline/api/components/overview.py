"""The parts of the monitor itself, and whether each works: what ``GET /health`` says beside the models.

Nothing here waits for another service: the store is asked, and MLflow and the channels are judged by what waits for
them there.
"""

from monitoring_pipeline.api.components.component import Component, Status, judged
from monitoring_pipeline.api.components.of_server import requests, writer
from monitoring_pipeline.api.components.of_store import ingest, pending_notifications, pipeline, standing_alerts
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.stages.due import due_hours
from monitoring_pipeline.stages.late_hours import LATE_MICROS


def components(service: Service) -> list[Component]:
    """Every part, as of now. Without a store the others cannot be judged."""
    installation = service.installation
    now = installation.clock()
    try:
        span = installation.pipeline.span
        with reading(installation.engine) as connection:
            due = due_hours(connection, now=now, debounce_micros=LATE_MICROS, span=span)
            found = [
                pipeline(connection, due, now=now),
                standing_alerts(connection),
                pending_notifications(connection, now=now),
                ingest(connection, now=now),
            ]
    except MonitorError:
        reason = "the store cannot be used; the server's log says why"
        return [judged("store", unhealthy=reason), writer(service), requests(service)]
    return [judged("store"), writer(service), requests(service), *found]


def overall(found: list[Component]) -> Status:
    """The worst of all parts."""
    order = list(Status)
    return max((component.status for component in found), key=order.index)
