"""The application: routes, errors and middleware, put together around one service."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from monitoring_pipeline.api.hardening.requests import Hardening
from monitoring_pipeline.api.ingest.door import PATH as EVENTS_PATH
from monitoring_pipeline.api.ingest.door import EventsDoor
from monitoring_pipeline.api.ingest.intake import Intake
from monitoring_pipeline.api.metering.exposed import Exposed
from monitoring_pipeline.api.metering.meter import Meter
from monitoring_pipeline.api.metering.middleware import Metering
from monitoring_pipeline.api.openapi import page as docs_page
from monitoring_pipeline.api.openapi.document import OPEN_PATHS
from monitoring_pipeline.api.problems import install_problems
from monitoring_pipeline.api.routes import ROUTERS
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.api.threads import bound_threads

TITLE = "Monitoring pipeline"
DESCRIPTION = "How good production models really are: events in, metrics, drift and alerts out."


def create_app(
    service: Service, *, routers: Sequence[APIRouter] = ROUTERS, hosts: Collection[str] | None = ()
) -> FastAPI:
    """The ASGI application of a service; it starts the service's writer and stops it at its end.

    Args:
        service: what the routes work with.
        routers: the routes.
        hosts: names under which it may be addressed besides loopback; ``None`` for any name.
    """

    meter = Meter()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await bound_threads()
        with service.writer as writer, meter.counting(service.installation.engine, writer.engine):
            yield
        writer.engine.dispose()

    # Programs that do not follow redirects would take the empty answer to a slash too many for success.
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version="0",
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.intake = Intake(service)
    app.state.exposed = Exposed(service.installation, meter)
    install_problems(app)
    # Innermost first: a request passes them from the last to the first.
    app.add_middleware(EventsDoor, intake=app.state.intake, handlers=app.exception_handlers)
    app.add_middleware(Hardening, hosts=hosts)
    app.add_middleware(
        Metering, meter=meter, lately=service.lately, writer=service.writer, doors=(EVENTS_PATH,), probes=OPEN_PATHS
    )
    for router in (docs_page.router, *routers):
        app.include_router(router)
    return app
