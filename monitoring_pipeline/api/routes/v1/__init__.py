"""``/v1``: what the monitor knows, in pages, and what people do about it."""

from fastapi import APIRouter

from monitoring_pipeline.api.routes.v1 import alerts, labels, models, quarantine, results, silences

# Each part says "/v1" itself: requests are counted by the path of the route, which knows nothing of this one's.
router = APIRouter()
for _part in (models, results, alerts, silences, quarantine, labels):
    router.include_router(_part.router)
