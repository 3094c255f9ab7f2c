"""The routes, one module for each subject."""

from collections.abc import Sequence

from fastapi import APIRouter

from monitoring_pipeline.api.routes import events, health, metrics, monitor, pipes, predict, probes, simulate, v1

ROUTERS: Sequence[APIRouter] = (
    probes.router,
    events.router,
    pipes.router,
    metrics.router,
    health.router,
    predict.router,
    monitor.router,
    simulate.router,
    v1.router,
)

__all__ = ["ROUTERS"]
