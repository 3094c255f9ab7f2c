"""What can be read of a row that was refused: whose it is, and its record once more."""

from collections.abc import Mapping

import orjson

from monitoring_pipeline.events.formats.ndjson import parse_object
from monitoring_pipeline.events.quarantine import QuarantinedRow, QuarantineReason, Rejected
from monitoring_pipeline.events.validation import checks

TEXT_AT_FAULT = frozenset(
    {
        QuarantineReason.BROKEN_JSON,
        QuarantineReason.BROKEN_ROW,
        QuarantineReason.NOT_AN_OBJECT,
        QuarantineReason.DUPLICATE_KEY,
        QuarantineReason.NOT_FINITE,
        QuarantineReason.TOO_LARGE,
        QuarantineReason.BAD_TEXT,
    }
)
"""Reasons that no time and no config mends: the row must be written anew.

What is kept of such a row may also say less than the row did: escaped bytes, a beginning, ``null`` for NaN.
"""


def model_in(row: QuarantinedRow) -> str | None:
    """The model that a refused row names; ``None`` where it cannot be read, or the row names two."""
    if row.reason is QuarantineReason.DUPLICATE_KEY:
        return None
    try:
        record = _loaded(row.raw)
        return checks.text(record.get("model_id"), field="model_id") if isinstance(record, dict) else None
    except Rejected:
        return None


def _loaded(raw: str) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return record_in(raw)  # slower, and takes NaN


def record_in(raw: str) -> Mapping[str, object] | None:
    """The record that a kept row writes; ``None`` where its text is none, as of values that JSON cannot write."""
    try:
        return parse_object(raw.encode())
    except Rejected:
        return None
