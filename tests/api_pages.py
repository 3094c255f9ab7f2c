"""Walking through the pages of a list of the API."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx

# As a caller who has no token sees a server without tokens.
NOBODY: dict[str, str] = {}


def items(
    client: httpx.Client,
    path: str,
    *,
    limit: int = 100,
    headers: dict[str, str] = NOBODY,
    between: Callable[[], object] = lambda: None,
    **parameters: Any,
) -> list[dict[str, Any]]:
    """All items of a list; something may happen between the pages."""
    return [item for page in pages(client, path, limit, headers, between, parameters) for item in page]


def pages(
    client: httpx.Client,
    path: str,
    limit: int,
    headers: dict[str, str],
    between: Callable[[], object],
    parameters: dict[str, Any],
) -> Iterator[list[dict[str, Any]]]:
    """The pages, each asked for with the cursor of the one before."""
    cursor: dict[str, str] = {}
    while True:
        reply = client.get(path, params={**parameters, "limit": limit, **cursor}, headers=headers)
        assert reply.status_code == httpx.codes.OK, reply.text
        page = reply.json()
        assert len(page["items"]) <= limit
        yield page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}
        between()


def problem(reply: httpx.Response) -> tuple[int, str]:
    """Status and word of a problem document."""
    assert reply.headers["content-type"] == "application/problem+json", reply.text
    document = reply.json()
    assert document["status"] == reply.status_code
    return reply.status_code, document["type"].rpartition(":")[2]
