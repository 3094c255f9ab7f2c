"""Every error of the API as ``application/problem+json`` (RFC 9457): what was wrong, where, and what to do.

No answer ever holds a traceback, a statement of SQL, a path of this machine or a value of a feature.
"""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from monitoring_pipeline.errors import MonitorError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:monitoring-pipeline:problem:"

_LOG = logging.getLogger(__name__)


class Problem(Exception):  # noqa: N818  (named as the standard names it)
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
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)
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


def install_problems(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(Problem, _as_told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(MonitorError, _of_monitor)
    app.add_exception_handler(Exception, _unexpected)


async def _as_told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _invalid(_request: Request, error: Exception) -> Response:
    """Wrong parameters: each with its place, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"place": ".".join(str(part) for part in found["loc"]), "message": found["msg"]} for found in error.errors()
    ]
    detail = "; ".join(f"{found['place']}: {found['message']}" for found in errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, errors=errors).response()


async def _of_framework(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; GET /docs shows what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take the method; GET /docs shows which it takes",
    }
    code = status.phrase.lower().replace(" ", "-")
    detail = details.get(status, str(error.detail))
    return Problem(status, code, detail, headers=dict(error.headers or {})).response()


async def _of_monitor(_request: Request, error: Exception) -> Response:
    """Something the operator must mend: the log says what, for it may name addresses of this installation."""
    _LOG.error("a request could not be served: %s", error)
    detail = "the monitor cannot answer now; its log says why"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after_seconds=5).response()


async def _unexpected(_request: Request, error: Exception) -> Response:
    _LOG.error("a request failed", exc_info=error)
    detail = "the monitor failed on this request; its log says how"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail).response()
