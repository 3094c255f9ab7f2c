"""Watermarks: the highest value of a column up to which a table was read, as JSON and with a step back.

Instants, texts that write instants, and whole numbers are taken. A text is compared as the database compares texts, so
a step back from one is written in its own form: `2026-03-02T11:50:00` stands before everything of that second.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitoring_pipeline.errors import MonitorError

Watermark = datetime | int | str

_ALLOWED = "a watermark is an instant, a text that writes one as 2026-03-01T12:00:00 does, or a whole number"


def checked(value: object, *, where: str) -> Watermark:
    """The watermark that a row holds.

    Raises:
        MonitorError: if it is of another kind.
    """
    if isinstance(value, datetime) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, str) and _instant(value) is not None:
        return value
    found = "a date without time" if isinstance(value, date) else f"a {type(value).__name__}"
    raise MonitorError(f"{where} holds {found}; {_ALLOWED}; name such a column, or write a query that makes one")


def to_json(watermark: Watermark) -> dict[str, Any]:
    """The watermark, so that JSON holds all of it."""
    if isinstance(watermark, datetime):
        return {"instant": watermark.isoformat()}
    return {"text": watermark} if isinstance(watermark, str) else {"whole": str(watermark)}


def from_json(position: Mapping[str, Any] | None) -> Watermark | None:
    """What :func:`to_json` wrote; nothing where nothing was read yet."""
    readers: dict[str, Callable[[str], Watermark]] = {"instant": datetime.fromisoformat, "text": str, "whole": int}
    for name, read in readers.items():
        if position is not None and name in position:
            return read(position[name])
    return None


def stepped_back(watermark: Watermark, *, by: timedelta, by_ids: int) -> Watermark:
    """Where to read again from: rows may be committed later than others whose watermark is higher."""
    if isinstance(watermark, int):
        return watermark - by_ids
    if isinstance(watermark, datetime):
        return _earlier(watermark, by)
    instant = _instant(watermark)
    assert instant is not None, "texts that write no instant are no watermarks"
    return _earlier(instant, by).replace(tzinfo=None).isoformat(sep=watermark[10], timespec="seconds")


def _earlier(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant - by
    except OverflowError:
        return datetime.min.replace(tzinfo=instant.tzinfo)


def _instant(written: str) -> datetime | None:
    """The instant in a text whose order is that of time: with a zone only if that is UTC."""
    if len(written) < len("2026-03-01T12:00") or written[10] not in "T ":
        return None
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return None
    return instant if instant.tzinfo is None or instant.utcoffset() == UTC.utcoffset(None) else None
