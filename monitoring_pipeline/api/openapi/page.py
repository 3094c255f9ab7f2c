"""``/docs`` and ``/openapi.json``: what can be asked, for people and for programs.

The page is made here, of the OpenAPI document, without a script and without anything from elsewhere: the usual pages
load theirs from a content network, which the server's machine or its readers may not reach, and should not trust.
"""

import base64
import hashlib
import json
import re
import shlex
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter, Request
from jinja2 import Environment
from starlette.responses import RedirectResponse, Response

from monitoring_pipeline.api.openapi.document import OPEN_PATHS, openapi_of, operations
from monitoring_pipeline.api.openapi.examples import examples_of
from monitoring_pipeline.api.openapi.page_template import STYLE, TEMPLATE
from monitoring_pipeline.api.problems import MEDIA_TYPE

router = APIRouter(include_in_schema=False)

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# First comes what somebody who has just found the server wants to try; tags that are not named follow on these.
_ORDER = ("events", "pipes", "monitor", "models", "results", "alerts", "silences", "labels", "quarantine")
_LAST = ("simulate", "metrics", "health", "probes")
# Nothing that a shell or a reader could mistake for more than a host and a port.
_ADDRESS = re.compile(r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", re.ASCII | re.IGNORECASE)
_LOOPBACK = re.compile(r"(localhost|127\.[\d.]+|\[::1\])(:|$)")
_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI 3.1 document."""
    return Response(orjson.dumps(openapi_of(request.app)), media_type="application/json")


@router.get("/")
async def front() -> Response:
    """Whoever opens the server's bare address in a browser is shown what there is."""
    return RedirectResponse("docs", status_code=HTTPStatus.TEMPORARY_REDIRECT)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The same as a page for people."""
    document = openapi_of(request.app)
    page = _PAGE.render(info=document["info"], style=STYLE, groups=_groups(document, _server(request)))
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(page, headers=headers, media_type="text/html")


def _server(request: Request) -> str:
    """How the reader reached this server, so that its curl lines can be copied as they are."""
    address = request.headers.get("host", "")
    if not _ADDRESS.fullmatch(address):
        return "http://127.0.0.1:8000"
    is_here = _LOOPBACK.match(address) is not None
    return f"{'http' if is_here else 'https'}://{address}"  # elsewhere a proxy speaks TLS


def _groups(document: dict[str, Any], server: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in operations(document):
        tag = next(iter(operation.get("tags", ())), "others")
        groups.setdefault(tag, []).append(
            _told(path, method, operation, schemas=document["components"]["schemas"], server=server)
        )
    return {tag: groups[tag] for tag in sorted(groups, key=_place)}


def _place(tag: str) -> int:
    if tag in _ORDER:
        return _ORDER.index(tag)
    return len(_ORDER) + (1 + _LAST.index(tag) if tag in _LAST else 0)


def _told(path: str, method: str, operation: dict[str, Any], *, schemas: dict[str, Any], server: str) -> dict[str, Any]:
    sent = _examples(operation.get("requestBody", {}).get("content", {}), schemas)
    parameters = [_parameter(parameter, schemas) for parameter in operation.get("parameters", ())]
    # The framework's summary is the name of a function; the first sentence is what it does.
    summary, _, description = _flat(operation.get("description") or operation.get("summary", "")).partition(". ")
    answers = [_answer(status, answer, schemas) for status, answer in sorted(operation["responses"].items())]
    return {
        "path": path,
        "method": method.upper(),
        "summary": summary.removesuffix("."),
        "description": description,
        "parameters": parameters,
        "sent": sent,
        "answers": [answer for answer in answers if not answer["is_problem"]],
        "problems": [answer for answer in answers if answer["is_problem"]],
        "needs_token": path not in OPEN_PATHS,
        "curl": _curl(server + path, method, parameters, sent, needs_token=path not in OPEN_PATHS),
    }


def _flat(text: str) -> str:
    """The text without the line breaks of the source that it comes from."""
    return " ".join(text.split())


def _parameter(parameter: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    branches = [_resolved(branch, schemas) for branch in (schema, *schema.get("anyOf", ()))]
    kinds = [str(branch["type"]) for branch in branches if branch.get("type", "null") != "null"]
    choices: list[str] = next((branch["enum"] for branch in branches if "enum" in branch), [])
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "kind": " or ".join(dict.fromkeys(kinds)),
        "choices": choices,
        "default": schema.get("default"),
        "description": parameter.get("description", schema.get("description", "")),
        "example": parameter.get("example", next(iter(schema.get("examples", ())), schema.get("default"))),
    }


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _answer(status: str, answer: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    content = answer.get("content", {})
    is_problem = MEDIA_TYPE in content  # all look alike: once on the page is enough
    return {
        "status": status,
        "description": answer.get("description", ""),
        "kinds": list(content),
        "examples": [] if is_problem else _examples(content, schemas),
        "is_problem": is_problem,
    }


def _examples(content: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    """An example of each content type, as it would be sent."""
    found = [value for kind in content.values() for value in examples_of(kind, schemas)[:1]]
    return [value if isinstance(value, str) else json.dumps(value, indent=2) for value in found]


def _curl(address: str, method: str, parameters: list[dict[str, Any]], sent: list[str], *, needs_token: bool) -> str:
    """The shortest line that asks; what a reader has to fill in is in capitals."""
    query = []
    for parameter in parameters:
        name = parameter["name"]
        value = str(parameter["example"] or (parameter["choices"] or [name.upper()])[0])
        if parameter["place"] == "path":
            address = address.replace(f"{{{name}}}", value)
        elif parameter["required"]:
            query.append(f"{name}={value}")
    address += f"?{'&'.join(query)}" if query else ""
    words = ["curl", *([] if method == "get" else ["-X", method.upper()]), f'"{address}"']
    words += ['-H "Authorization: Bearer $TOKEN"'] if needs_token else []
    words += [f"-H 'Content-Type: application/json' -d {shlex.quote(_flat(sent[0]))}"] if sent else []
    return " ".join(words)
