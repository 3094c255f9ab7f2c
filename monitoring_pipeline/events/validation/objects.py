"""JSON objects inside an event (features, class probabilities, extras), checked and written canonically.

Canonical means sorted keys and no spaces: equal objects are equal text, whatever order a producer wrote.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite

import orjson

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.validation import checks

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY


def canonical(value: object, *, field: str) -> str:
    """The text of a JSON object that comes as an object or as its text.

    Raises:
        Rejected: broken_json, wrong_type, not_finite, bad_text, out_of_range.
    """
    found = as_object(value, field=field)
    try:
        written = orjson.dumps(found, default=_plain, option=_CANONICAL).decode()
    except TypeError as error:
        raise _unwritable(error, field=field) from None
    if "null" in written:  # orjson writes NaN and infinities as null
        _refuse_non_finite(found, path=field)
    if "\\u0000" in written:
        raise checks.bad_text(field)
    return written


def as_object(value: object, *, field: str) -> Mapping[str, object]:
    """The object itself.

    Raises:
        Rejected: broken_json, wrong_type.
    """
    if type(value) is dict:  # the usual case; asking for a Mapping is ten times slower
        return value
    parsed = _parse(value, field=field) if isinstance(value, str) else value
    if not isinstance(parsed, Mapping):
        found = f"{field} is a {type(parsed).__name__}; it must be a JSON object of names and values"
        raise Rejected(QuarantineReason.WRONG_TYPE, field, found)
    return parsed


def probabilities(value: object, *, field: str) -> str | None:
    """The canonical text of an object of class names and their probabilities; empty means absent.

    Raises:
        Rejected: as :func:`canonical`, and out_of_range for what is not in 0 to 1.
    """
    found = as_object(value, field=field)
    checked = {
        checks.text(name, field=field): checks.ratio(share, field=f"{field}.{name}") for name, share in found.items()
    }
    return canonical(checked, field=field) if checked else None


def scalars(values: Mapping[str, object]) -> str | None:
    """The canonical text of extra fields; ``None`` values are absent.

    Raises:
        Rejected: wrong_type for lists and objects, and as :func:`canonical`.
    """
    present = {name: value for name, value in values.items() if value is not None}
    for name, value in present.items():
        checks.text(name, field=str(name))
        if isinstance(value, float):
            checks.number(value, field=name)
        elif not isinstance(value, str | int | Decimal):
            found = f"{name} is a {type(value).__name__}; an extra field is a text, a number or a boolean"
            raise Rejected(QuarantineReason.WRONG_TYPE, name, found)
        canonical({name: value}, field=name)
    return canonical(present, field="extras") if present else None


def _parse(text: str, *, field: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)  # takes NaN and 1e400, so that the reason can be named
    except (ValueError, RecursionError):
        raise Rejected(QuarantineReason.BROKEN_JSON, field, f"{field} is a text that is not JSON") from None


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


def _unwritable(error: TypeError, *, field: str) -> Rejected:
    message = str(error)
    if "surrogates" in message:
        return checks.bad_text(field)
    if "64-bit" in message:
        return Rejected(QuarantineReason.OUT_OF_RANGE, field, f"{field} holds an integer beyond 64 bits")
    if "Recursion" in message:
        return Rejected(QuarantineReason.BROKEN_JSON, field, f"{field} is nested too deeply")
    return Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} holds something JSON cannot write")


def _refuse_non_finite(value: object, *, path: str) -> None:
    if isinstance(value, float | Decimal) and not isfinite(value):
        raise Rejected(QuarantineReason.NOT_FINITE, path, f"{path} is not a finite number; write null for unknown")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_non_finite(inner, path=f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_non_finite(inner, path=path)
