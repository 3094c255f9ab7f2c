"""``/v1``: what the monitor knows, in pages, and what people do about it."""

from fastapi import APIRouter

from monitoring_pipeline.api.routes.v1 import alerts, labels, models, quarantine, results, silences

router = APIRouter(prefix="/v1")
for _part in (models, results, alerts, silences, quarantine, labels):
    router.include_router(_part.router)
