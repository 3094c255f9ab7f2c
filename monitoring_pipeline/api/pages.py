"""Long lists in pages: each answer names a cursor from which the next one goes on."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from monitoring_pipeline.api.problems import invalid

T = TypeVar("T")

DEFAULT_LIMIT = 100
MOST = 1_000
_INTEGER_END = 2**63

Limit = Annotated[int, Query(ge=1, le=MOST, description="The most items of one page.")]
Cursor = Annotated[
    str | None, Query(max_length=2_000, description="Where to go on: next_cursor of the page before this one.")
]
Key = list[str | int]
"""What tells an item's place in its list."""


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Send this as cursor for the next page; null on the last one.")


def encode_cursor(key: Key) -> str:
    """The cursor that goes on behind an item."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, kinds: Sequence[type[str] | type[int]]) -> tuple[str | int, ...] | None:
    """The key of the last item of the page before; ``None`` for the first page.

    Args:
        cursor: what the caller sent.
        kinds: what the keys of this list are made of.

    Raises:
        Problem: 422 if it is none of this list's cursors.
    """
    if cursor is None:
        return None
    try:
        key: Any = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not _is_key(key, kinds):
        raise invalid(("query.cursor", "not a cursor of this list; send next_cursor of the page before"))
    return tuple(key)


def page_of(items: Sequence[T], next_key: Sequence[str | int] | None) -> Page[T]:
    """A page, and the cursor of the next one if there are more items."""
    return Page(items=list(items), next_cursor=None if next_key is None else encode_cursor(list(next_key)))


def _is_key(key: object, kinds: Sequence[type[str] | type[int]]) -> bool:
    """Whether the parts are of the right kinds, and such as every database takes."""
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        return False
    return all("\0" not in part if isinstance(part, str) else abs(part) < _INTEGER_END for part in key)
