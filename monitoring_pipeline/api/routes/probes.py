"""Whether the process lives, and whether it can work: for whoever restarts it or sends it traffic."""

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.database import reading

router = APIRouter(tags=["probes"])


class Alive(BaseModel):
    """The answer of a probe that found nothing wrong."""

    status: str = "ok"


@router.get("/livez")
async def livez() -> Alive:
    """The process answers. It looks at nothing else: a database that is away is no reason to restart it."""
    return Alive()


@router.get("/readyz")
def readyz(service: ServiceOf) -> Alive:
    """The store answers and the writer takes events."""
    with reading(service.installation.engine) as connection:
        connection.execute(text("SELECT 1"))
    if not service.writer.is_running:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "events are not taken now", retry_after_seconds=5)
    return Alive()
