"""Parameters that an address does not know are refused: a misspelt one would be answered about something else."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from fastapi import Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from monitoring_pipeline.api.problems import MOST_ERRORS, invalid, place_of
from monitoring_pipeline.config.problems import allowed_values

PIPES = "/v0/pipes/"
TOKEN_PARAMETER = "token"  # noqa: S105  (the parameter's name, no token)

# Scrapers add parameters of their own, and there is nothing that they could mean.
_OPEN_ADDRESSES = frozenset({"/metrics"})
# Links to pipes that were passed on carry these, which say where somebody came from.
_OF_LINKS = "utm_"
_MOST_COMPARED_CHARS = 40


class ParameterNames:
    """Which parameters each address takes: those that the OpenAPI document names."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Sequence[str]] = {}

    def see_that_known(self, request: Request) -> None:
        """See that the address takes each parameter that was sent.

        Raises:
            Problem: 422 with the parameters that it does not take, and those that it takes, the likeliest first.
        """
        route = request.scope.get("route")
        if not request.scope["query_string"] or not isinstance(route, APIRoute) or route.path in _OPEN_ADDRESSES:
            return
        known = self._of(route, request.method)
        unknown = [name for name in request.query_params if name not in known and not _belongs_to_pipes(route, name)]
        if unknown:
            raise invalid(*(_refusal(name, known) for name in unknown[:MOST_ERRORS]))

    def _of(self, route: APIRoute, method: str) -> Sequence[str]:
        key = (route.path_format, method)
        if key not in self._known:
            self._known[key] = _documented(route, method)
        return self._known[key]


def _documented(route: APIRoute, method: str) -> Sequence[str]:
    document = get_openapi(title="", version="", routes=[route])
    parameters = document["paths"][route.path_format][method.lower()].get("parameters", ())
    return [parameter["name"] for parameter in parameters if parameter["in"] == "query"]


def _belongs_to_pipes(route: APIRoute, name: str) -> bool:
    return route.path.startswith(PIPES) and (name == TOKEN_PARAMETER or name.startswith(_OF_LINKS))


def _refusal(name: str, known: Sequence[str]) -> tuple[str, str]:
    likeliest = sorted(known, key=lambda one: -SequenceMatcher(None, name[:_MOST_COMPARED_CHARS], one).ratio())
    return place_of(("query", name)), f"is no parameter of this address; {allowed_values(name, likeliest)}"
