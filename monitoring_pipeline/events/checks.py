"""Checks of one value: each returns it as it will be stored, or raises what is wrong with it."""

from decimal import Decimal
from math import isfinite
from numbers import Integral, Real

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import MAX_TEXT_CHARS

NOT_NUMBERS = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
"""How programs write what is no finite number (in lower case)."""


def text(value: object, *, field: str) -> str:
    """An id, version or environment: 1 to 200 characters, not all blank; integers are turned to text.

    Raises:
        Rejected: missing_value, wrong_type, empty_id, too_long, bad_text.
    """
    if value is None:
        raise Rejected(QuarantineReason.MISSING_VALUE, field, f"{field} is null; it must be a text")
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is {_kind(value)}, not a text")
        return str(int(value))
    if not value or value.isspace():
        raise Rejected(QuarantineReason.EMPTY_ID, field, f"{field} is empty; it must name something")
    return _storable(value, field=field)


def number(value: object, *, field: str) -> float:
    """A finite number; ``-0.0`` becomes ``0.0``, which is what every database gives back.

    Raises:
        Rejected: wrong_type, not_finite.
    """
    if type(value) is float and isfinite(value):  # nearly always
        return value + 0.0
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        if isinstance(value, str) and value.strip().lower() in NOT_NUMBERS:
            raise _not_finite(field)
        raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is {_kind(value)}, not a number")
    try:
        converted = float(value)
    except OverflowError:
        raise _not_finite(field) from None
    if not isfinite(converted):
        raise _not_finite(field)
    return converted + 0.0


def ratio(value: object, *, field: str) -> float:
    """A number from 0 to 1.

    Raises:
        Rejected: as :func:`number`, or out_of_range.
    """
    converted = number(value, field=field)
    if not 0 <= converted <= 1:
        raise Rejected(QuarantineReason.OUT_OF_RANGE, field, f"{field} is {converted:g}; allowed is 0 to 1")
    return converted


def not_negative(value: object, *, field: str) -> float:
    """A number of at least 0.

    Raises:
        Rejected: as :func:`number`, or out_of_range.
    """
    converted = number(value, field=field)
    if converted < 0:
        raise Rejected(QuarantineReason.OUT_OF_RANGE, field, f"{field} is {converted:g}; allowed is 0 or more")
    return converted


def outcome(value: object, *, field: str, numeric: bool) -> tuple[float | None, str | None]:
    """What was predicted or became true: a number (booleans are 0 and 1) or a class name, never both.

    Args:
        value: what the event says.
        field: its name.
        numeric: whether the model is declared a regression, for which a class name is an error.

    Raises:
        Rejected: missing_value, wrong_type, not_finite, too_long, bad_text.
    """
    if value is None or value == "":
        raise Rejected(QuarantineReason.MISSING_VALUE, field, f"{field} is empty; it must be a number or a class name")
    if isinstance(value, bool):
        return float(value), None
    if numeric or not isinstance(value, str) or value.strip().lower() in NOT_NUMBERS:
        return number(value, field=field), None
    return None, _storable(value, field=field)


def _storable(value: str, *, field: str) -> str:
    if len(value) > MAX_TEXT_CHARS:
        found = f"{field} has {len(value)} characters; allowed are {MAX_TEXT_CHARS}"
        raise Rejected(QuarantineReason.TOO_LONG, field, found)
    if "\0" in value or not _encodes(value):
        raise bad_text(field)
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def bad_text(field: str) -> Rejected:
    """The verdict on text that a database cannot hold."""
    return Rejected(QuarantineReason.BAD_TEXT, field, f"{field} holds a NUL or a character that is not Unicode text")


def _not_finite(field: str) -> Rejected:
    return Rejected(QuarantineReason.NOT_FINITE, field, f"{field} is not a finite number; leave out what is unknown")


def _kind(value: object) -> str:
    names = {bool: "a boolean", str: "a text", dict: "an object", list: "a list", float: "a number", int: "a number"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
