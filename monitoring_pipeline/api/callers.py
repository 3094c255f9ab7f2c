"""Who sends a request, and whether it may: one dependency for every route.

A token comes in the header, ``Authorization: Bearer …``. Reading pipes also takes ``?token=…``, as dashboards send it;
an address ends up in logs and histories, so such a token opens reading only, whatever else it grants.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import service_of

TOKEN_PARAMETER = "token"  # noqa: S105  (the parameter's name, no token)
_PIPES = "/v0/pipes/"
_READING = (Scope.PIPES_READ, Scope.METRICS_READ)


def identify(request: Request) -> Caller:
    """Whoever holds the request's token.

    Raises:
        Problem: 401 if there is none, or it opens nothing.
    """
    secret, reading_only = _secret_of(request)
    caller = service_of(request).tokens.caller(secret)
    if caller is None:
        what = "this token opens nothing" if secret else "this needs a token"
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "unauthorized",
            f"{what}; send Authorization: Bearer TOKEN with one that 'monitor token create' made",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if not reading_only:
        return caller
    return Caller(name=caller.name, grants=tuple(grant for grant in caller.grants if grant.scope in _READING))


def require(caller: Caller, scope: Scope, model_id: str | None = None) -> None:
    """See that the caller may do the work on a model, or on all models.

    Raises:
        Problem: 403 if not.
    """
    if not caller.may(scope, model_id):
        on = "all models" if model_id is None else "this model"
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"this token does not grant {scope.value} on {on}")


def allowed(scope: Scope) -> Callable[[Request], Caller]:
    """A dependency: a caller that may do the work on some model at least; which ones is the route's to check.

    Use as ``caller: Annotated[Caller, Depends(allowed(Scope.METRICS_READ))]``, or one of the names below.
    """

    def caller_with(request: Request) -> Caller:
        caller = identify(request)
        if not caller.may_somewhere(scope):
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"this token does not grant {scope.value}")
        return caller

    return caller_with


Appender = Annotated[Caller, Depends(allowed(Scope.EVENTS_APPEND))]
PipeReader = Annotated[Caller, Depends(allowed(Scope.PIPES_READ))]
MetricsReader = Annotated[Caller, Depends(allowed(Scope.METRICS_READ))]
Administrator = Annotated[Caller, Depends(allowed(Scope.ADMIN))]


def _secret_of(request: Request) -> tuple[str | None, bool]:
    """The token, and whether it came in the address."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip(), False
    if request.method == "GET" and request.url.path.startswith(_PIPES):
        return request.query_params.get(TOKEN_PARAMETER) or None, True
    return None, False
