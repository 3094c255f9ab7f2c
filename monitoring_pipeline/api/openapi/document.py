"""The OpenAPI document: what the framework knows of the routes, and what is the same for all of them.

That is how a token is sent, and which problem documents may come instead of an answer. A test sees to it that what is
said of tokens here is what the routes do.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from monitoring_pipeline.api.openapi.examples import add_examples, complete_models
from monitoring_pipeline.api.parameter_names import PIPES
from monitoring_pipeline.api.problems import MEDIA_TYPE, TYPE_PREFIX

OPEN_PATHS = frozenset({"/livez", "/readyz", "/health"})
"""What is answered without a token: whoever restarts the server or sends it traffic holds none."""

# Said by HTTP itself, not by a route.
_STANDARD_HEADERS = frozenset({"accept", "content-type", "authorization"})
_MEANINGS = {
    "model_id": "The model.",
    "scenario": "What happens; `monitor simulate --list` names them.",
    "job_id": "The simulation, as POST named it.",
}
_METHODS = ("get", "put", "post", "delete", "patch")
_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that `monitor token create` printed. A server on loopback asks for none as long as "
        "none was ever made.",
    },
    "tokenInAddress": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "For dashboards that cannot send headers: GET of pipes only. It must grant `pipes:read`, and "
        "opens reading only.",
    },
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request was not served (RFC 9457). An error may have further members.",
    "properties": {
        "type": {"type": "string", "description": f"`{TYPE_PREFIX}` and a stable word for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong and what to do, for people."},
        "errors": {
            "type": "array",
            "description": "Of wrong parameters: each with its place.",
            "items": {
                "type": "object",
                "properties": {"place": {"type": "string"}, "message": {"type": "string"}},
                "required": ["place", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_WORDS = {
    "400": ("bad-request", "The request cannot be read."),
    "401": ("unauthorized", "The token is missing or opens nothing."),
    "403": ("forbidden", "The token does not grant this, or the request comes from another page."),
    "404": ("not-found", "There is no such thing."),
    "413": ("body-too-large", "The body is longer than this address takes."),
    "422": ("invalid-request", "A parameter or the body is wrong, or a parameter is none of this address."),
    "429": ("overloaded", "Too much is asked at once; Retry-After says when to come again."),
    "503": ("unavailable", "The server cannot answer now; Retry-After says when to come again."),
    "default": (
        "internal-error",
        "Any other: the method (405), the address (414) or the headers (431) are not taken; the monitor failed (500).",
    ),
}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    document: dict[str, Any] = app.openapi()
    components = document.setdefault("components", {})
    if "Problem" in components.get("schemas", {}):
        return document
    components["securitySchemes"] = _SCHEMES
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    complete_models(components["schemas"])
    for path, method, operation in operations(document):
        if path not in OPEN_PATHS:
            operation["security"] = [{"token": []}]
            if path.startswith(PIPES):
                operation["security"].append({"tokenInAddress": []})
        _declare_problems(path, method, operation)
        _explain_parameters(operation)
        add_examples(path, method, operation, components["schemas"])
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of everything that can be asked."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _declare_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    declared: dict[str, Any] = operation["responses"]
    possible = {"400", "403", "503", "default"} | (set() if path in OPEN_PATHS else {"401", "429"})
    if "{" in path or _names_a_model(operation):
        possible |= {"404"}
    if method != "get":
        possible |= {"413"}
    if operation.get("parameters") or "requestBody" in operation:
        possible |= {"422"}
    for status in sorted(possible | {status for status in declared if status >= "4"}):
        own = declared.get(status, {})
        # The framework announces its own form of 422, which is answered as a problem as everything is.
        told = _WORDS["422"][1] if status == "422" else own.get("description")
        declared[status] = _response(status, told or _WORDS.get(status, _WORDS["default"])[1])
        others = {} if status == "422" else own.get("content", {})
        declared[status]["content"] = {**others, **declared[status]["content"]}


def _names_a_model(operation: dict[str, Any]) -> bool:
    """Whether it may be asked about one model, of which nobody may have heard."""
    return any(parameter["name"] == "model_id" for parameter in operation.get("parameters", ()))


def _explain_parameters(operation: dict[str, Any]) -> None:
    parameters = [one for one in operation.get("parameters", ()) if one["name"].lower() not in _STANDARD_HEADERS]
    for parameter in parameters:
        if "description" not in parameter["schema"]:
            parameter.setdefault("description", _MEANINGS.get(parameter["name"], ""))
    if parameters:
        operation["parameters"] = parameters
    else:
        operation.pop("parameters", None)


def _response(status: str, description: str) -> dict[str, Any]:
    code = _WORDS.get(status, _WORDS["default"])[0]
    number = 500 if status == "default" else int(status)
    example = {
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(number).phrase,
        "status": number,
        "detail": description,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    answer: dict[str, Any] = {"description": description, "content": {MEDIA_TYPE: content}}
    if status in {"429", "503"}:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return answer
