"""Calls become lines: one JSON object each, as the server's events are written.

Only what cannot be written as an event at all is refused here. Whether it suits the model is the server's to judge:
its quarantine keeps what it rejects, with the reason, to be mended.
"""

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import orjson

MAX_TEXT_CHARS = 200
"""The longest id that the server takes."""

MAX_LINE_BYTES = 1_000_000
"""The longest event that the server takes."""

Clock = Callable[[], datetime]
"""Returns the present instant, with its zone."""

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


class Kind(StrEnum):
    """Where events go: the names by which the server tells predictions from truth."""

    PREDICTIONS = "ml_model_predictions"
    ACTUALS = "ml_model_actuals"


class InvalidEventError(ValueError):
    """Something that cannot be written as an event; its text names the field, never the value."""


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def new_prediction_id() -> str:
    """A UUID of version 7 (RFC 9562): ids made later sort later, which keeps databases' indexes small.

    Its random part comes from the operating system, so that processes forked from one never make the same.
    """
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    return str(
        UUID(int=(millis & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (random & 0xFFF) << 64 | 0x2 << 62 | random >> 18)
    )


def id_text(value: object, *, field: str) -> str:
    """An id as text; integers are turned to text.

    Raises:
        InvalidEventError: if it is no text of 1 to 200 characters that names something.
    """
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidEventError(f"{field} is a {type(value).__name__}, not a text")
    if not value or value.isspace() or len(value) > MAX_TEXT_CHARS:
        raise InvalidEventError(f"{field} is blank or longer than {MAX_TEXT_CHARS} characters")
    return value


def scalar(value: object, *, field: str) -> object:
    """One value as JSON can write it; of numpy's scalars, and of arrays and tensors of one element, that element.

    Raises:
        InvalidEventError: if it is missing, not finite, or more than one value.
    """
    if hasattr(value, "item"):  # numpy, torch and others, without importing them
        try:
            value = value.item()
        except (ValueError, RuntimeError):
            raise InvalidEventError(f"{field} holds several values; log one prediction for each") from None
    if isinstance(value, Decimal):
        value = float(value)
    if not isinstance(value, str | int | float):
        raise InvalidEventError(f"{field} is a {type(value).__name__}, not a number, a text or a boolean")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEventError(f"{field} is not a finite number")
    return value


def line_of(record: Mapping[str, object]) -> bytes:
    """The line of an event; what is ``None`` is left out, and NaN inside of objects is written as unknown.

    Raises:
        InvalidEventError: if JSON cannot write it, or the server would not read it.
    """
    present = {name: value for name, value in record.items() if value is not None}
    try:
        line = orjson.dumps(present, default=_plain, option=_OPTIONS)
    except TypeError as error:  # its texts name types, not values
        raise InvalidEventError(f"the event cannot be written as JSON: {error}") from None
    if b"null" in line:  # orjson writes infinities so, as well as NaN
        _refuse_infinite(present, path="")
    if len(line) > MAX_LINE_BYTES:
        raise InvalidEventError(f"the event has {len(line)} bytes; allowed are {MAX_LINE_BYTES}")
    # A copy: what orjson gives keeps the room it was written in, so that 100,000 waiting lines held 393 MB, not 18.
    return memoryview(line).tobytes()


def _plain(value: object) -> object:
    if isinstance(value, datetime):  # pandas' own kind; exact ones are written by orjson
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a {type(value).__name__}")


def _refuse_infinite(value: object, *, path: str) -> None:
    if isinstance(value, float | Decimal) and math.isinf(value):
        raise InvalidEventError(f"{path} is infinite; leave out what is unknown")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_infinite(inner, path=f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_infinite(inner, path=path)
