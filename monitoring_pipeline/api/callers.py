"""Who sends a request, and whether it may: one dependency for every route.

A token comes in the header, ``Authorization: Bearer …``. Reading pipes also takes ``?token=…``, as dashboards send it;
an address ends up in logs and histories, so only a token that grants ``pipes:read`` by name is taken there, and it
opens reading only, whatever else it grants.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from monitoring_pipeline.access.book import TokenBook
from monitoring_pipeline.access.scopes import ANYBODY, Caller, Scope
from monitoring_pipeline.api.missing_scope import creating, missing_scope
from monitoring_pipeline.api.parameter_names import PIPES, TOKEN_PARAMETER
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import service_of

_READING = (Scope.PIPES_READ, Scope.METRICS_READ)


def identify(request: Request) -> Caller:
    """Whoever holds the request's token.

    Raises:
        Problem: 401 if there is none, or it opens nothing; 403 if it came in an address, where it does not belong.
    """
    secret, is_in_address = _secret_of(request)
    caller = _known(service_of(request).tokens, secret)
    return _only_reading(caller) if is_in_address and caller is not ANYBODY else caller


async def caller_of(tokens: TokenBook, secret: str | None, scope: Scope) -> Caller:
    """A caller that may do the work on some model at least, without a query in the event loop.

    Args:
        tokens: the server's.
        secret: the token that was sent.
        scope: the work.

    Raises:
        Problem: 401 if nobody holds the token, 403 if it does not grant the work.
        MonitorError: if the store is out of reach.
    """
    await _refreshed(tokens)
    return _granted(_known(tokens, secret), scope)


def require(caller: Caller, scope: Scope, model_id: str | None = None) -> None:
    """See that the caller may do the work on a model, or on all models.

    Raises:
        Problem: 403 if not.
    """
    if not caller.may(scope, model_id):
        raise missing_scope(scope, model_id)


def require_of_found(caller: Caller, scope: Scope, model_id: str | None, *, otherwise: Problem) -> None:
    """See that the caller may do the work on the model of a thing that was found by its id.

    Ids could be tried out if a thing of a model that the caller may not read were told apart from none at all.

    Args:
        caller: who asks.
        scope: the work.
        model_id: of the thing; ``None`` for a thing of no model, which takes a token for all.
        otherwise: what is told of an id that names nothing.

    Raises:
        Problem: ``otherwise`` if the caller may not even read it, 403 if it may do no more than that.
    """
    if not caller.may(Scope.METRICS_READ, model_id):
        raise otherwise
    require(caller, scope, model_id)


def allowed(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: a caller that may do the work on some model at least; which ones is the route's to check.

    Whoever may ask is also told of parameters that the route does not know; nobody else has any use for that.

    Use as ``caller: Annotated[Caller, Depends(allowed(Scope.METRICS_READ))]``, or one of the names below.
    """

    async def caller_with(request: Request) -> Caller:
        service = service_of(request)
        await _refreshed(service.tokens)
        caller = _granted(identify(request), scope)
        service.parameter_names.see_that_known(request)
        return caller

    return caller_with


Appender = Annotated[Caller, Depends(allowed(Scope.EVENTS_APPEND))]
PipeReader = Annotated[Caller, Depends(allowed(Scope.PIPES_READ))]
MetricsReader = Annotated[Caller, Depends(allowed(Scope.METRICS_READ))]
Administrator = Annotated[Caller, Depends(allowed(Scope.ADMIN))]


def bearer(authorization: str) -> str | None:
    """The token in the header ``Authorization``; ``None`` if there is none.

    >>> bearer("Bearer abc")
    'abc'
    """
    scheme, _, credentials = authorization.partition(" ")
    return (credentials.strip() or None) if scheme.lower() == "bearer" else None


async def _refreshed(tokens: TokenBook) -> None:
    if tokens.is_due:
        # Not in one of the threads that answer: those may all be at slow answers.
        await asyncio.get_running_loop().run_in_executor(None, tokens.refresh)


def _known(tokens: TokenBook, secret: str | None) -> Caller:
    caller = tokens.caller(secret)
    if caller is None:
        what = "this token opens nothing" if secret else "this needs a token"
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "unauthorized",
            f"{what}; send Authorization: Bearer TOKEN with one that 'monitor token create' made",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return caller


def _granted(caller: Caller, scope: Scope) -> Caller:
    if not caller.may_somewhere(scope):
        raise missing_scope(scope, is_for_all=False)
    return caller


def _only_reading(caller: Caller) -> Caller:
    """What a token opens that came in the address."""
    if not any(grant.scope is Scope.PIPES_READ for grant in caller.grants):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "token-in-address",
            "an address ends up in logs, so only a token that grants pipes:read is taken there, and this one does not: "
            "send it in the header Authorization, revoke it if others may have seen the address, and make one for "
            f"addresses with '{creating(Scope.PIPES_READ)}'",
        )
    return Caller(name=caller.name, grants=tuple(grant for grant in caller.grants if grant.scope in _READING))


def _secret_of(request: Request) -> tuple[str | None, bool]:
    """The token, and whether it came in the address."""
    if secret := bearer(request.headers.get("authorization", "")):
        return secret, False
    if request.method == "GET" and request.scope["path"].startswith(PIPES):
        in_address = request.query_params.get(TOKEN_PARAMETER) or None
        return in_address, in_address is not None
    return None, False
