"""Long lists in pages: each answer names a cursor from which the next one goes on."""

import base64
import binascii
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from monitoring_pipeline.api.problems import Problem

T = TypeVar("T")

DEFAULT_LIMIT = 100
MOST = 1_000

Limit = Annotated[int, Query(ge=1, le=MOST, description="The most items of one page.")]
Cursor = Annotated[
    str | None, Query(max_length=2_000, description="Where to go on: next_cursor of the page before this one.")
]
Key = list[str | int | float | None]
"""What tells an item's place in its list."""


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Send this as cursor for the next page; null on the last one.")


def encode_cursor(key: Key) -> str:
    """The cursor that goes on behind an item."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, length: int) -> Key | None:
    """The key of the last item of the page before; ``None`` for the first page.

    Args:
        cursor: what the caller sent.
        length: of the keys of this list.

    Raises:
        Problem: 422 if it is none of this list's cursors.
    """
    if cursor is None:
        return None
    try:
        key: Any = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or len(key) != length or any(isinstance(part, list | dict) for part in key):
        detail = "query.cursor: not a cursor of this list; send next_cursor of the page before"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)
    return key


def page_of(found: Sequence[T], *, limit: int, key: Callable[[T], Key]) -> Page[T]:
    """A page of items that were asked for with one more than ``limit``."""
    items = list(found[:limit])
    more = len(found) > limit
    return Page(items=items, next_cursor=encode_cursor(key(items[-1])) if more else None)
