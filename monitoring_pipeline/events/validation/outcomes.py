"""What was predicted or became true: a number or a class name, never both, as the model's task wants it.

A declared task is held to here, at the door. A prediction that does not fit its task could never be used, and as
predictions are not corrected, its hour would fail its quality checks for ever. Of an undeclared model nobody said
what is right: numbers and booleans are numbers, texts are class names.
"""

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.validation import checks

Outcome = tuple[float | None, str | None]
"""A number, or a class name; the other is ``None``."""

OutcomeCheck = Callable[[object, str], Outcome]
"""Takes a value and the name of its field; raises :class:`.Rejected`."""


def outcome_checks(model: Model | None) -> tuple[OutcomeCheck, OutcomeCheck]:
    """How to read ``predicted_value`` and ``actual_value`` of a model; ``None`` is one that nobody declared."""
    if model is None:
        return undeclared, undeclared
    if model.task is Task.MULTICLASS:
        return (multiclass if model.classes is None else _one_of(model.classes)), multiclass
    one = binary if model.task is Task.BINARY else regression
    return one, one


def undeclared(value: object, field: str) -> Outcome:
    """A number (booleans are 0 and 1) or a class name.

    Raises:
        Rejected: missing_value, wrong_type, not_finite, too_long, bad_text.
    """
    if type(value) is float and isfinite(value):  # nearly always
        return value + 0.0, None
    if isinstance(value, bool):
        return float(value), None
    if not isinstance(value, str) or value.strip().lower() in checks.NOT_NUMBERS:
        return checks.number(value, field=field), None
    return None, _class_name(value, field)


def regression(value: object, field: str) -> Outcome:
    """A number.

    Raises:
        Rejected: missing_value, wrong_type, not_finite.
    """
    if type(value) is float and isfinite(value):
        return value + 0.0, None
    _refuse_empty(value, field)
    return checks.number(value, field=field), None


def binary(value: object, field: str) -> Outcome:
    """0 or 1, which may be written as false and true.

    Raises:
        Rejected: missing_value, wrong_type, not_finite, out_of_range.
    """
    said = checks.yes_or_no(value)
    if said is not None:
        return float(said), None
    _refuse_empty(value, field)
    if isinstance(value, str) and value.strip().lower() not in checks.NOT_NUMBERS:
        remedy = "write 0 or 1 (or false, true), or declare the model's task as multiclass"
        raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is a text and the model is binary; {remedy}")
    found = checks.number(value, field=field)
    remedy = "allowed is 0 or 1, and a probability belongs in prediction_proba"
    raise Rejected(QuarantineReason.OUT_OF_RANGE, field, f"{field} is {found:g} and the model is binary; {remedy}")


def multiclass(value: object, field: str) -> Outcome:
    """A class name. Numbers and booleans name classes as JSON writes them: ``2`` and ``2.0`` are class "2".

    Raises:
        Rejected: missing_value, wrong_type, not_finite, too_long, bad_text.
    """
    if isinstance(value, str):
        if value.strip().lower() in checks.NOT_NUMBERS:
            checks.number(value, field=field)
        return None, _class_name(value, field)
    if isinstance(value, bool):
        return None, "true" if value else "false"
    if isinstance(value, Integral):
        return None, checks.text(value, field=field)
    if not isinstance(value, Real | Decimal):
        found = f"{field} is {checks.kind_of(value)}, not a class name"
        raise Rejected(QuarantineReason.WRONG_TYPE, field, found)
    found_number = checks.number(value, field=field)
    return None, str(int(found_number)) if found_number.is_integer() else repr(found_number)


def _one_of(classes: list[str]) -> OutcomeCheck:
    known = frozenset(classes)

    def declared_class(value: object, field: str) -> Outcome:
        number, name = multiclass(value, field)
        if name not in known:
            found = f"{field} {name!r} is not one of the model's {len(known)} classes; add it to classes if it is right"
            raise Rejected(QuarantineReason.OUT_OF_RANGE, field, found)
        return number, name

    return declared_class


def _class_name(value: str, field: str) -> str:
    _refuse_empty(value, field)
    return checks.storable(value, field=field)


def _refuse_empty(value: object, field: str) -> None:
    if value == "":
        raise Rejected(QuarantineReason.MISSING_VALUE, field, f"{field} is empty; it must be a number or a class name")
