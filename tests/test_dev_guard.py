"""The guard before the Dagster webserver: what a browser may send from the UI itself, and nothing else."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from monitoring_pipeline.services.guard import BrowserGuard

HOST = ("host", "localhost:3000")
# What browsers add to requests of the page itself.
FROM_THE_UI = (HOST, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin"))


async def _behind(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "passed"})


def _ask(*headers: tuple[str, str], method: str = "POST", path: str = "/graphql", kind: str = "http") -> list[Message]:
    sent: list[Message] = []
    scope: dict[str, Any] = {
        "type": kind,
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(BrowserGuard(_behind, hosts=["monitor.example"])(scope, receive, send))
    return sent


def _passes(*headers: tuple[str, str], method: str = "POST", path: str = "/graphql", kind: str = "http") -> bool:
    sent = _ask(*headers, method=method, path=path, kind=kind)
    if sent == [{"type": "passed"}]:
        return True
    assert sent[0].get("status") == 403 or sent[0].get("code") == 1008
    return False


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST", "monitor.example"])
def test_a_known_host_passes(host: str) -> None:
    assert _passes(("host", host))


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("rebound.example:3000",),
        ("localhost.rebound.example",),
        ("127.0.0.1.rebound.example:3000",),
        ("rebound.example:3000@localhost",),
        ("localhost:3000, rebound.example",),
        ("localhost:3000", "rebound.example"),
        ("0.0.0.0:3000",),
    ],
)
def test_another_host_none_or_two_are_refused(hosts: tuple[str, ...]) -> None:
    headers = [("host", host) for host in hosts]

    assert not _passes(*headers)
    assert not _passes(*headers, method="GET", path="/")
    assert not _passes(*headers, kind="websocket")


@pytest.mark.parametrize(
    "origin", ["https://foreign.example", "http://localhost:5000", "http://localhost", "null", "", "localhost:3000"]
)
def test_another_origin_is_refused_even_on_the_same_machine(origin: str) -> None:
    assert not _passes(HOST, ("origin", origin))
    assert not _passes(HOST, ("origin", origin), kind="websocket")


def test_the_ui_itself_passes_by_http_and_websocket() -> None:
    assert _passes(*FROM_THE_UI)
    assert _passes(*FROM_THE_UI, method="GET", kind="websocket")
    assert _passes(("host", "monitor.example"), ("origin", "https://monitor.example"))  # TLS ends at a proxy


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_or_form_on_another_page_is_refused(site: str) -> None:
    assert not _passes(HOST, ("sec-fetch-site", site), method="GET", path="/runs")
    assert not _passes(HOST, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"))


def test_a_link_may_be_followed_but_not_into_a_frame() -> None:
    link = (HOST, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"))

    assert _passes(*link, ("sec-fetch-dest", "document"), method="GET", path="/runs")
    assert not _passes(*link, ("sec-fetch-dest", "iframe"), method="GET", path="/runs")


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_graphql_is_asked_by_post(path: str, method: str) -> None:
    assert not _passes(HOST, method=method, path=path)
    assert _passes(HOST, method="POST", path=path)


def test_the_query_editor_is_a_page_and_passes() -> None:
    assert _passes(HOST, ("accept", "text/html,*/*"), method="GET")


def test_the_servers_own_start_and_end_pass() -> None:
    assert _passes(kind="lifespan")
