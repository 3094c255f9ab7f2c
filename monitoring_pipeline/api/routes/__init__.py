"""The routes, one module for each subject."""

from collections.abc import Sequence

from fastapi import APIRouter

from monitoring_pipeline.api.routes import events, probes

ROUTERS: Sequence[APIRouter] = (probes.router, events.router)

__all__ = ["ROUTERS"]
