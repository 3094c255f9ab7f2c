"""Sees to it that the OpenAPI document names every status that a route answers, whichever test makes it answer."""

from collections.abc import Mapping, Set
from functools import lru_cache

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring_pipeline.api.ingest.door import PATH as EVENTS_PATH
from monitoring_pipeline.api.openapi.document import openapi_of, operations
from monitoring_pipeline.api.routes import ROUTERS

# Of every address alike, said under "default": the method, the request's head, a failure of the program.
OF_EVERY_ADDRESS = frozenset({405, 414, 431, 500})

Operation = tuple[str, str]
"""Method and path."""


@lru_cache(maxsize=1)
def declared() -> Mapping[Operation, Set[int]]:
    """The statuses of each operation, as the document tells them."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return {
        (method.upper(), path): {int(status) for status in operation["responses"] if status != "default"}
        for path, method, operation in operations(openapi_of(app))
    }


class AnswersNoted:
    """ASGI middleware around an application: what it answers and its document does not tell.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answered: set[tuple[Operation, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note the status of its answer."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["type"] == "http":
                self._answered.add(((scope["method"], _template(scope)), message["status"]))
            await send(message)

        await self._app(scope, receive, noting)

    @property
    def undeclared(self) -> set[tuple[Operation, int]]:
        """Answers with a status that the document does not name."""
        known = declared()
        return {
            (operation, status)
            for operation, status in self._answered
            if operation in known and status not in known[operation] | OF_EVERY_ADDRESS
        }


def _template(scope: Scope) -> str:
    route = scope.get("route")
    if route is not None:
        return str(route.path_format)  # as the document writes it
    return EVENTS_PATH if scope["path"] == EVENTS_PATH else "no route"
