"""Every error of the API as ``application/problem+json`` (RFC 9457): what was wrong, where, and what to do.

No answer ever holds a traceback, a statement of SQL, a path of this machine or a value of a feature.
"""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from monitoring_pipeline.database import without_values
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.text import one_line

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:monitoring-pipeline:problem:"

# What a caller got wrong is named so often at most, and by so much of a name that the caller made up.
MOST_ERRORS = 20
MOST_PLACE_CHARACTERS = 200
MOST_DETAIL_CHARACTERS = 5_000

_UNREAD = "was not said to be JSON; send it with the header Content-Type: application/json"

_LOG = logging.getLogger(__name__)


class Problem(HTTPException):  # the framework lets these through wherever they are raised
    """An answer that says why a request was not served.

    Args:
        status: the HTTP status.
        code: a stable word for programs, the end of ``type``.
        detail: one sentence for people: what was wrong and what to do.
        retry_after_seconds: when trying again may help.
        headers: further headers of the answer.
        extra: further members of the document.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        retry_after_seconds: int | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        retry = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
        # It may name what the caller made up: no line breaks, no lone surrogates, no novel.
        told = one_line(detail, max_length=MOST_DETAIL_CHARACTERS)
        super().__init__(status.value, told, {**(headers or {}), **retry})
        self.status = status
        self.code = code
        self.extra = extra

    def response(self) -> Response:
        """The answer."""
        document = {
            "type": TYPE_PREFIX + self.code,
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            **self.extra,
        }
        return Response(orjson.dumps(document), self.status.value, self.headers, MEDIA_TYPE)


def unexpected() -> Problem:
    """What is told to a caller on whose request the program failed."""
    detail = "the monitor failed on this request; its log says where"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail)


def invalid(*errors: tuple[str, str]) -> Problem:
    """What is told of a request that is well formed and cannot be meant, or of one that is not well formed.

    Args:
        errors: each with its place, such as ``query.limit``, and what is wrong there and what to do.
    """
    told = [{"place": place, "message": one_line(message)} for place, message in errors]
    detail = "; ".join(f"{error['place']}: {error['message']}" for error in told)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, errors=told)


def install_problems(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(Problem, _as_told)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(MonitorError, _unserved)
    app.add_exception_handler(OperationalError, _unserved)
    app.add_exception_handler(NoConnectionError, _unserved)


async def _as_told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _not_valid(_request: Request, error: Exception) -> Response:
    """Wrong parameters: each with its place, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    is_unread = isinstance(error.body, bytes)  # as it is if it was not said to be JSON
    told = (
        (place_of(found["loc"]), _UNREAD if is_unread and found["loc"] == ("body",) else found["msg"])
        for found in error.errors()[:MOST_ERRORS]
    )
    return invalid(*told).response()


def place_of(location: tuple[str | int, ...]) -> str:
    """Where something is wrong, such as ``query.limit``."""
    # Keys and names are made up by the caller, lone surrogates and line breaks included.
    return one_line(".".join(str(part) for part in location), max_length=MOST_PLACE_CHARACTERS)


async def _of_framework(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.BAD_REQUEST: "the body cannot be read as what its Content-Type says",
        HTTPStatus.NOT_FOUND: "there is nothing at this address; GET /docs shows what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take the method; GET /docs shows which it takes",
    }
    code = status.phrase.lower().replace(" ", "-")
    detail = details.get(status, str(error.detail))
    return Problem(status, code, detail, headers=dict(error.headers or {})).response()


async def _unserved(_request: Request, error: Exception) -> Response:
    """Something the operator must mend: the log says what, for it may name addresses of this installation."""
    _LOG.error("a request could not be served: %s", one_line(without_values(error)))
    return _unavailable().response()


def _unavailable() -> Problem:
    detail = "the monitor cannot answer now; its log says why"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after_seconds=5)
