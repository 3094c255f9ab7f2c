"""What the routes work with, and how they get it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from monitoring_pipeline.access.book import TokenBook
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.installation import Installation


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of one running server.

    Args:
        installation: config, store, lake, clock.
        writer: lands events, many requests in one transaction.
        tokens: knows who a request comes from.
    """

    installation: Installation
    writer: EventWriter
    tokens: TokenBook


def service_of(request: Request) -> Service:
    """The server's parts."""
    return cast("Service", request.app.state.service)


ServiceOf = Annotated[Service, Depends(service_of)]
"""A route's parameter of this type is given the server's parts."""
