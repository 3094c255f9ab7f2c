"""Fields beyond the standard ones: which are allowed, and what was probably meant by the others."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import ACTUAL_FIELDS, PREDICTION_FIELDS
from monitoring_pipeline.events.validation import objects


def extras_of(record: Mapping[str, object], *, declared: frozenset[str] | None) -> str | None:
    """The canonical text of a prediction's extra fields, ``None`` if it has none.

    Args:
        record: all fields of the event.
        declared: the extra fields that the model declares; ``None`` allows any.

    Raises:
        Rejected: unknown_field, and what :func:`.objects.scalars` finds wrong.
    """
    names = record.keys() - PREDICTION_FIELDS
    if declared is not None and not names <= declared:
        raise unknown_field(names - declared, allowed=PREDICTION_FIELDS | declared)
    return objects.scalars({name: record[name] for name in names})


def refuse_extras(record: Mapping[str, object]) -> None:
    """An actual carries its standard fields only.

    Raises:
        Rejected: unknown_field.
    """
    if not record.keys() <= ACTUAL_FIELDS:
        raise unknown_field(record.keys() - ACTUAL_FIELDS, allowed=ACTUAL_FIELDS)


def unknown_field(names: Iterable[str], *, allowed: frozenset[str]) -> Rejected:
    """The verdict on fields that nobody declared; it names the first of them and the nearest allowed name."""
    name = min(map(str, names))
    near = get_close_matches(name[:100], allowed, n=1)
    hint = f"did you mean {near[0]}?" if near else "declare what it is in the model, or leave it out"
    return Rejected(QuarantineReason.UNKNOWN_FIELD, name[:100], f"{name[:100]!r} is not a known field; {hint}")
