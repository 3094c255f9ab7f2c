"""``POST /simulate/{scenario}``: inject a failure with a known history, in an environment of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Body, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.api.callers import Administrator, require
from monitoring_pipeline.api.problems import Problem, invalid
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.api.simulations.job import Job
from monitoring_pipeline.api.simulations.runner import BusyError
from monitoring_pipeline.config.models import Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios.registry import SCENARIOS, scenario_named
from monitoring_pipeline.simulation.scenarios.scenario import Scenario

MOST_PREDICTIONS = 1_000_000
"""A simulation of as many takes a quarter of an hour or more; 'monitor simulate' knows no such limit."""

RETRY_AFTER_SECONDS = 30


@asynccontextmanager
async def _ended_with_the_server(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.service.simulations.stop)


router = APIRouter(prefix="/simulate", tags=["simulate"], lifespan=_ended_with_the_server)


class Options(BaseModel):
    """The settings of a scenario; what is left out is the scenario's own default."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    days: int | None = Field(None, description="Monitored days (16).")
    onset_day: float | None = Field(None, description="Days until it happens (11).")
    rows_per_hour: int | None = Field(None, description="Mean predictions in an hour (60).")
    size: float | None = Field(None, description="How much happens; 'monitor simulate --list' says what it means.")
    over_days: float | None = Field(None, description="How long it grows, if it grows.")
    steps: int | None = Field(None, description="In how many steps it grows (5).")
    feature: str | None = Field(None, max_length=200, description="Which input it happens to, if it does to one.")
    task: Task | None = Field(None, description="What the model predicts: binary (default) or regression.")
    seed: int | None = Field(None, description="The same seed gives the same events (2025).")
    label_delay_hours: float | None = Field(None, description="Median time until the truth is known (8).")
    labelled_ratio: float | None = Field(None, description="Share of the predictions that ever get it (0.98).")
    reference_days: int | None = Field(None, description="Healthy days before, which drift is measured against (56).")


class Started(BaseModel):
    """A simulation that was started."""

    job_id: str
    state: str
    status_url: str = Field(description="GET it for progress and outcome.")


@router.post("/{scenario}", status_code=HTTPStatus.ACCEPTED)
def simulate(
    request: Request,
    response: Response,
    service: ServiceOf,
    caller: Administrator,
    scenario: str,
    options: Options = Body(default_factory=Options),  # noqa: B008  (how FastAPI declares a body that may be missing)
) -> Started:
    """Start a simulation; it takes about a minute, and touches nothing of this installation.

    One runs at a time. Its events go through the same ingest and stages as real ones, into a store of its own.
    """
    require(caller, Scope.ADMIN)
    settings = options.model_dump(exclude_none=True, mode="json")
    _check(scenario, settings)
    try:
        job_id = service.simulations.start(scenario, settings)
    except BusyError:
        detail = "another simulation is running; start this one when it has ended"
        retry = RETRY_AFTER_SECONDS
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, retry_after_seconds=retry) from None
    status_url = str(request.app.url_path_for("simulation", job_id=job_id))
    response.headers["Location"] = status_url
    return Started(job_id=job_id, state="running", status_url=status_url)


@router.get("/{job_id}")
def simulation(service: ServiceOf, caller: Administrator, job_id: str) -> Job:
    """How a simulation does, and what the monitor noticed once it is finished; the last ten are kept."""
    require(caller, Scope.ADMIN)
    found = service.simulations.job(job_id)
    if found is None:
        detail = "there is no simulation of this id; POST /simulate/{scenario} starts one, the last ten are kept"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-simulation", detail)
    return found


def _check(name: str, settings: dict[str, Any]) -> Scenario:
    """The scenario, if there is such a one and its settings are within their ranges.

    Raises:
        Problem: 404 or 422.
    """
    if name not in SCENARIOS:
        detail = f"there is no such scenario; there are {', '.join(SCENARIOS)}"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-scenario", detail)
    try:
        scenario = scenario_named(name, **settings)
    except MonitorError as error:
        raise invalid(("body", str(error))) from None
    expected = (scenario.days + scenario.reference_days) * 24 * scenario.rows_per_hour
    if expected > MOST_PREDICTIONS:
        detail = f"that would be {expected:,} predictions; over HTTP {MOST_PREDICTIONS:,} are allowed"
        raise invalid(("body", detail))
    return scenario
