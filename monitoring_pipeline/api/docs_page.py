"""``/docs`` and ``/openapi.json``: what can be asked, for people and for programs.

The page is made here, of the OpenAPI document, without a script and without anything from elsewhere: the usual pages
load theirs from a content network, which the server's machine or its readers may not reach, and should not trust.
"""

import base64
import hashlib
import json
from typing import Any

import orjson
from fastapi import APIRouter, Request
from jinja2 import Environment
from starlette.responses import Response

from monitoring_pipeline.api.docs_page_template import STYLE, TEMPLATE
from monitoring_pipeline.api.openapi import OPEN_PATHS, openapi_of, operations
from monitoring_pipeline.api.openapi_examples import examples_of
from monitoring_pipeline.api.problems import MEDIA_TYPE

router = APIRouter(include_in_schema=False)

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI 3.1 document."""
    return Response(orjson.dumps(openapi_of(request.app)), media_type="application/json")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The same as a page for people."""
    document = openapi_of(request.app)
    page = _PAGE.render(info=document["info"], style=STYLE, groups=_groups(document))
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(page, headers=headers, media_type="text/html")


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in operations(document):
        tag = next(iter(operation.get("tags", ())), "others")
        groups.setdefault(tag, []).append(_told(path, method, operation, document["components"]["schemas"]))
    return groups


def _told(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    sent = _examples(operation.get("requestBody", {}).get("content", {}), schemas)
    parameters = [_parameter(parameter, schemas) for parameter in operation.get("parameters", ())]
    return {
        "path": path,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": parameters,
        "sent": sent,
        "answers": [_answer(status, answer, schemas) for status, answer in operation["responses"].items()],
        "needs_token": path not in OPEN_PATHS,
        "curl": _curl(path, method, parameters, sent),
    }


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


def _curl(path: str, method: str, parameters: list[dict[str, Any]], sent: list[str]) -> str:
    """The shortest line that asks; what a reader has to fill in is in capitals."""
    address, query = path, []
    for parameter in parameters:
        name = parameter["name"]
        value = str(parameter["example"] or (parameter["choices"] or [name.upper()])[0])
        if parameter["place"] == "path":
            address = address.replace(f"{{{name}}}", value)
        elif parameter["required"]:
            query.append(f"{name}={value}")
    address += f"?{'&'.join(query)}" if query else ""
    words = ["curl", *([] if method == "get" else ["-X", method.upper()]), f'"http://127.0.0.1:8000{address}"']
    words += [] if path in OPEN_PATHS else ['-H "Authorization: Bearer $TOKEN"']
    words += ["-H 'Content-Type: application/json' -d @body.json"] if sent else []
    return " ".join(words)
