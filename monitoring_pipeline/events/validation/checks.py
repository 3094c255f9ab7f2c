"""Checks of one value: each returns it as it will be stored, or raises what is wrong with it."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import MAX_TEXT_CHARS

NOT_NUMBERS = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
"""How programs write what is no finite number (in lower case)."""

# Python's and numpy's: the latter is no number to Python, and numpy is not imported for its sake.
_BOOLEANS = {"bool", "bool_"}

# 1 and 1.0 are the same key as True; a column of booleans with gaps is written as 1.0 and 0.0 by pandas.
_TRUTHS: Mapping[object, bool] = {
    True: True,
    "true": True,
    "1": True,
    "1.0": True,
    False: False,
    "false": False,
    "0": False,
    "0.0": False,
}


def text(value: object, *, field: str) -> str:
    """An id, version or environment: 1 to 200 characters, not all blank; integers are turned to text.

    Raises:
        Rejected: missing_value, wrong_type, empty_id, too_long, bad_text.
    """
    if value is None:
        raise Rejected(QuarantineReason.MISSING_VALUE, field, f"{field} is null; it must be a text")
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is {kind_of(value)}, not a text")
        return str(int(value))
    if not value or value.isspace():
        raise Rejected(QuarantineReason.EMPTY_ID, field, f"{field} is empty; it must name something")
    return storable(value, field=field)


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
        raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is {kind_of(value)}, not a number")
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


def number_in(written: str, *, field: str) -> float:
    """The finite number that a text writes in full: ``17``, ``-1.5``, ``1e3``.

    Raises:
        Rejected: wrong_type, not_finite.
    """
    if written.isascii() and "_" not in written:  # float() takes 1_000 and other alphabets' digits, too
        with suppress(ValueError):
            return number(float(written), field=field)
    raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is a text that is not a number")


def boolean(value: object, *, field: str) -> bool:
    """True or false, and nothing that merely resembles them.

    Raises:
        Rejected: wrong_type.
    """
    if type(value).__name__ in _BOOLEANS:
        return bool(value)
    raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is {kind_of(value)}; it must be true or false")


def yes_or_no(value: object) -> bool | None:
    """What true, false, 0, 1 and their texts say; ``None`` for everything else."""
    if isinstance(value, str):
        return _TRUTHS.get(value.lower())
    if isinstance(value, Real | Decimal) or type(value).__name__ in _BOOLEANS:
        return _TRUTHS.get(value)
    return None


def storable(value: str, *, field: str) -> str:
    """A text as every database takes it, at most 200 characters long.

    Raises:
        Rejected: too_long, bad_text.
    """
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


def kind_of(value: object) -> str:
    """What a value is, in words."""
    names = {bool: "a boolean", str: "a text", dict: "an object", list: "a list", float: "a number", int: "a number"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
