"""What the routes work with, and how they get it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, cast

from fastapi import Depends, Request

from monitoring_pipeline.access.book import TokenBook
from monitoring_pipeline.api.components.component import Component
from monitoring_pipeline.api.ingest.allowance import Allowance
from monitoring_pipeline.api.ingest.limits import IngestLimits
from monitoring_pipeline.api.metering.lately import Lately
from monitoring_pipeline.api.parameter_names import ParameterNames
from monitoring_pipeline.api.present.insight import Insight
from monitoring_pipeline.api.present.spared import Spared
from monitoring_pipeline.api.simulations.runner import Simulations
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.live import Live


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of one running server.

    Args:
        installation: config, store, lake, clock.
        writer: lands events, many requests in one transaction.
        tokens: knows who a request comes from.
        limits: of what events may be sent at once.
    """

    installation: Installation
    writer: EventWriter
    tokens: TokenBook
    limits: IngestLimits = field(default_factory=IngestLimits)

    @cached_property
    def allowance(self) -> Allowance:
        """What the requests under way hold in memory."""
        return Allowance(self.limits, clock=self.installation.clock)

    @cached_property
    def lately(self) -> Lately:
        """What was answered in the last minutes."""
        return Lately(self.installation.clock)

    @cached_property
    def parts(self) -> Spared[list[Component]]:
        """How each part of the monitor does; anybody may ask, with or without a token."""
        return Spared()

    @cached_property
    def parameter_names(self) -> ParameterNames:
        """Which parameters each address takes."""
        return ParameterNames()

    @cached_property
    def insight(self) -> Insight:
        """Answers about models that are kept until they are outdated."""
        return Insight(self.installation)

    @cached_property
    def live(self) -> Live:
        """Answers of this moment; what they remember is shared by all requests."""
        home, clock = self.installation.home, self.installation.clock
        return Live.of(self.installation.engine, lake=Lake(root=home.lake), clock=clock)

    @cached_property
    def simulations(self) -> Simulations:
        """Simulations that were started over HTTP, each in a home of its own."""
        return Simulations(self.installation.home, clock=self.installation.clock)


def service_of(request: Request) -> Service:
    """The server's parts."""
    return cast("Service", request.app.state.service)


async def _at_once(request: Request) -> Service:
    # What is not a coroutine, FastAPI calls in a thread, which costs more than most answers do.
    return service_of(request)


ServiceOf = Annotated[Service, Depends(_at_once)]
"""A route's parameter of this type is given the server's parts."""
