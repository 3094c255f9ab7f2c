"""The OpenAPI document and the page made of it: complete, true, and without anything from elsewhere."""

import base64
import hashlib
import html
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import Engine

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.openapi.document import OPEN_PATHS, operations
from monitoring_pipeline.api.openapi.examples import examples_of
from monitoring_pipeline.api.parameter_names import PIPES
from monitoring_pipeline.api.problems import MEDIA_TYPE
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.installation import Installation
from tests.answered_statuses import OF_EVERY_ADDRESS, declared
from tests.compose_file import ROOT
from tests.conftest import FixedClock
from tests.serving import installation_on, served, serving, token_for


@pytest.fixture
def here(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(sqlite_engine, tmp_path, clock=clock)


@pytest.fixture
def client(here: Installation) -> Iterator[httpx.Client]:
    with served(here) as client:
        yield client


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def schema_of(document: dict[str, Any], content: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**content["schema"], "components": document["components"]})


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}


def test_every_route_says_what_it_does_and_which_problems_may_come(document: dict[str, Any]) -> None:
    missing = []

    for path, method, operation in operations(document):
        failing = {status: answer for status, answer in operation["responses"].items() if status >= "4"}
        needed = {"400", "403", "503", "default"} | (set() if path in OPEN_PATHS else {"401", "429"})
        if not operation.get("description") or not operation.get("tags") or not needed <= set(failing):
            missing.append((path, method))
        if any(MEDIA_TYPE not in answer["content"] for answer in failing.values()):
            missing.append((path, method))

    assert missing == []
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_status_that_the_program_raises_is_told_of_some_address() -> None:
    """That each address tells its own, every test that asks one sees to (see ``answered_statuses``)."""
    raised = {
        HTTPStatus[found]
        for file in (ROOT / "monitoring_pipeline/api").rglob("*.py")
        for found in re.findall(r"HTTPStatus\.([A-Z_]+)", file.read_text(encoding="utf-8"))
    }

    told = set().union(*declared().values()) | OF_EVERY_ADDRESS

    assert {status for status in raised if status >= HTTPStatus.BAD_REQUEST} <= told


def test_every_body_has_an_example_that_its_schema_allows(document: dict[str, Any]) -> None:
    without, wrong = [], []

    for path, method, operation in operations(document):
        bodies = {f"{status}": answer.get("content", {}) for status, answer in operation["responses"].items()}
        bodies["sent"] = operation.get("requestBody", {}).get("content", {})
        for place, content in bodies.items():
            if content and not any(examples_of(kind, document["components"]["schemas"]) for kind in content.values()):
                without.append((method, path, place))
            for name, kind in content.items():
                for example in (
                    examples_of(kind, document["components"]["schemas"])
                    if "json" in name and "ndjson" not in name
                    else ()
                ):
                    wrong += [(method, path, place, e.message) for e in schema_of(document, kind).iter_errors(example)]

    assert without == []
    assert wrong == []


def test_every_parameter_is_explained_and_those_in_the_path_have_an_example(document: dict[str, Any]) -> None:
    unexplained = [
        (path, parameter["name"])
        for path, _, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not (parameter.get("description") or parameter["schema"].get("description"))
    ]

    assert unexplained == []


def test_what_it_says_of_tokens_is_what_the_routes_do(here: Installation) -> None:
    token_for(here, "admin")
    wrong: list[tuple[object, ...]] = []

    with served(here) as client:
        document = client.get("/openapi.json").json()
        for path, method, operation in operations(document):
            reply = client.request(method, re.sub(r"\{\w+\}", "json", path), content=b"{}" if method != "get" else None)
            if (reply.status_code == 401) is not ("security" in operation):
                wrong.append((method, path, reply.status_code))
            schemes = [name for scheme in operation.get("security", ()) for name in scheme]
            if ("tokenInAddress" in schemes) is not path.startswith(PIPES):
                wrong.append((method, path, schemes))

    assert wrong == []


def curl_lines() -> Iterator[tuple[str, str, dict[str, str], str | None]]:
    """Method, address, headers and body of each curl line of the page on serving, once there are tokens."""
    page = Path(__file__).parents[1] / "docs" / "how-to" / "serve.md"
    _, _, with_tokens = page.read_text(encoding="utf-8").partition("\n## Send events\n")
    for line in with_tokens.replace("$NOW", "2026-03-02T11:30:00Z").splitlines():
        if not line.startswith("curl "):
            continue
        words = iter(shlex.split(line)[1:])
        method, address, headers, body = "GET", "", {}, None
        for word in words:
            if word == "-X":
                method = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            elif word == "-d":
                body = next(words)
            else:
                address = word.removeprefix("http://127.0.0.1:8000")
        yield method, address, headers, body


def test_the_curl_lines_of_the_page_on_serving_work_and_need_the_token_they_send(here: Installation) -> None:
    secret = token_for(here, "admin", "pipes:read")["Authorization"].removeprefix("Bearer ")
    failed, open_to_all = [], []

    with served(here) as client:
        for method, address, headers, body in curl_lines():
            sent = {name: value.replace("$TOKEN", secret) for name, value in headers.items()}
            reply = client.request(method, address.replace("$TOKEN", secret), headers=sent, content=body)
            if not reply.is_success:
                failed.append((address, reply.status_code, reply.text))
            if client.request(method, address.replace("$TOKEN", ""), content=body).is_success:
                open_to_all.append(address)

    assert failed == []
    assert set(open_to_all) == OPEN_PATHS


class Loaded(HTMLParser):
    """All that a page would load, run or send."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.styles: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in {"script", "link", "img", "iframe", "object", "embed", "form", "base", "svg"}:
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attrs if name in {"src", "style"} or name.startswith("on")]
        self.found += [f"{value}" for name, value in attrs if name == "href" and "//" in (value or "")]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.styles.append(data)
            self._in_style = False


def test_the_page_shows_every_route_and_loads_nothing(client: httpx.Client, document: dict[str, Any]) -> None:
    reply = client.get("/docs")
    page = Loaded()
    page.feed(reply.text)

    shown = [path for path, method, _ in operations(document) if f"<code>{path}</code>" in reply.text]

    assert len(shown) == sum(1 for _ in operations(document))
    assert page.found == []
    [style] = page.styles
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in reply.headers["content-security-policy"]
    assert "script-src" not in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]


def test_the_pages_of_the_framework_that_load_from_elsewhere_are_off(client: httpx.Client) -> None:
    assert {client.get(path).status_code for path in ("/redoc", "/docs/oauth2-redirect")} == {404}


def test_what_a_route_says_of_itself_is_text_on_the_page_and_no_html(here: Installation) -> None:
    hostile = APIRouter(tags=["<b>tag</b>"])

    @hostile.get("/<i>path</i>", description="<script>alert(1)</script>. {{ 7 * 7 }}<img src=x>")
    async def route() -> None:
        return None

    app = create_app(service_of(here, open_to_anybody=True))
    app.include_router(hostile)
    with serving(app) as client:
        text = client.get("/docs").text
        page = Loaded()
        page.feed(text)

    assert page.found == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7 * 7 }}" in text


def test_a_line_of_the_page_can_be_copied_as_it_is(client: httpx.Client) -> None:
    lines = re.findall(r"^<pre>(curl .*)</pre>$", client.get("/docs").text, re.MULTILINE)
    [words] = [shlex.split(html.unescape(line)) for line in lines if "/v0/events" in line]
    [body] = [body for option, body in pairwise(words) if option == "-d"]

    reply = client.request(words[2], words[3], content=body)

    assert reply.status_code == httpx.codes.ACCEPTED
    assert reply.json() == {"successful_rows": 1, "quarantined_rows": 0}


def test_the_page_names_no_host_that_a_shell_would_read_as_more(client: httpx.Client) -> None:
    page = client.get("/docs", headers={"Host": "localhost:99$(id)"})

    assert "$(id)" not in page.text


def test_the_bare_address_leads_to_the_page(client: httpx.Client) -> None:
    reply = client.get("/", follow_redirects=True)

    assert (reply.url.path, reply.headers["content-type"]) == ("/docs", "text/html; charset=utf-8")
