"""The application: routes, errors and middleware, put together around one service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from monitoring_pipeline.api.problems import install_problems
from monitoring_pipeline.api.routes import ROUTERS
from monitoring_pipeline.api.service import Service

TITLE = "Monitoring pipeline"
DESCRIPTION = "How good production models really are: events in, metrics, drift and alerts out."


def create_app(service: Service, *, routers: Sequence[APIRouter] = ROUTERS) -> FastAPI:
    """The ASGI application of a service; it starts the service's writer and stops it at its end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with service.writer:
            yield

    app = FastAPI(title=TITLE, description=DESCRIPTION, version="0", lifespan=lifespan)
    app.state.service = service
    install_problems(app)
    for router in routers:
        app.include_router(router)
    return app
