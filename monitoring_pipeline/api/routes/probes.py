"""Whether the process lives, and whether it can work: for whoever restarts it or sends it traffic."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import text

from monitoring_pipeline.api.components.of_server import is_filling
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.database import reading

router = APIRouter(tags=["probes"])


class Alive(BaseModel):
    """The answer of a probe that found nothing wrong."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """The answer of a server that works."""

    status: Literal["ok", "filling"] = Field(
        description="filling: events come faster than they are stored; some are refused with 429 or 503 for now."
    )


@router.get("/livez")
async def livez() -> Alive:
    """The process answers. It looks at nothing else: a database that is away is no reason to restart it."""
    return Alive()


@router.get("/readyz")
def readyz(service: ServiceOf) -> Ready:
    """The store answers and the writer takes events.

    A server that is filling up is ready: it refuses what it cannot hold by itself, and goes on answering.
    """
    with reading(service.installation.engine) as connection:
        connection.execute(text("SELECT 1"))
    if not service.writer.is_running:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "events are not taken now", retry_after_seconds=5)
    return Ready(status="filling" if is_filling(service) else "ok")
