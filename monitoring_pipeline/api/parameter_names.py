"""Parameters that an address does not know are refused: a misspelt one would be answered about something else.

So would one that is sent twice where one value is taken: of two models, hours or cursors the last would count.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

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
        self._known: dict[tuple[str, str], Mapping[str, bool]] = {}

    def see_that_known(self, request: Request) -> None:
        """See that the address takes each parameter that was sent.

        Raises:
            Problem: 422 with the parameters that it does not take, and those that it takes, the likeliest first; or
                with those that were sent several times and take one value.
        """
        route = request.scope.get("route")
        if not request.scope["query_string"] or not isinstance(route, APIRoute) or route.path in _OPEN_ADDRESSES:
            return
        known = self._of(route, request.method)
        sent = Counter(name for name, _ in request.query_params.multi_items())
        unknown = [name for name in sent if name not in known and not _belongs_to_pipes(route, name)]
        if unknown:
            raise invalid(*(_refusal(name, tuple(known)) for name in unknown[:MOST_ERRORS]))
        repeated = [name for name, count in sent.items() if count > 1 and not known.get(name, True)]
        if repeated:
            raise invalid(
                *((place_of(("query", name)), "is sent several times, and takes one value") for name in repeated)
            )

    def _of(self, route: APIRoute, method: str) -> Mapping[str, bool]:
        key = (route.path_format, method)
        if key not in self._known:
            self._known[key] = _documented(route, method)
        return self._known[key]


def _documented(route: APIRoute, method: str) -> dict[str, bool]:
    """Each parameter, and whether it takes several values."""
    document = get_openapi(title="", version="", routes=[route])
    parameters = document["paths"][route.path_format][method.lower()].get("parameters", ())
    return {one["name"]: _takes_several(one["schema"]) for one in parameters if one["in"] == "query"}


def _takes_several(schema: Mapping[str, Any]) -> bool:
    return any(choice.get("type") == "array" for choice in (schema, *schema.get("anyOf", ())))


def _belongs_to_pipes(route: APIRoute, name: str) -> bool:
    return route.path.startswith(PIPES) and (name == TOKEN_PARAMETER or name.startswith(_OF_LINKS))


def _refusal(name: str, known: Sequence[str]) -> tuple[str, str]:
    likeliest = sorted(known, key=lambda one: -SequenceMatcher(None, name[:_MOST_COMPARED_CHARS], one).ratio())
    return place_of(("query", name)), f"is no parameter of this address; {allowed_values(name, likeliest)}"
