"""Rows that cannot be accepted, kept with the reason, so that a person can mend and replay them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import orjson


class QuarantineReason(StrEnum):
    """Why a row was not accepted."""

    BROKEN_JSON = "broken_json"
    BROKEN_ROW = "broken_row"  # a CSV row with more or fewer cells than its header, or with a quote left open
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_FIELD = "missing_field"
    MISSING_VALUE = "missing_value"  # the field is there, and null
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    CONTRADICTION = "contradiction"  # the row says that something is true, and takes it back
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIMESTAMP = "bad_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    EMPTY_ID = "empty_id"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    BAD_TEXT = "bad_text"
    CONFLICTING_PREDICTION = "conflicting_prediction"
    PAST_RETENTION = "past_retention"  # about an hour that retention.events_days has sealed, or may seal


class Rejected(Exception):  # noqa: N818  (a verdict on a row, not a failure of the program)
    """Raised by a check on the first thing that is wrong with a row.

    Args:
        reason: what kind of fault it is.
        field: the column at fault, where one can be named.
        detail: one sentence for people: what was found and what is allowed. It never repeats a feature's value.
    """

    def __init__(self, reason: QuarantineReason, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """One rejected row: where it stood (1-based line), what was wrong, and its text.

    ``part`` tells which of the submissions that share a transaction it came with.
    """

    line: int
    reason: QuarantineReason
    field: str | None
    detail: str
    raw: str
    fingerprint: str | None = None  # given when ``raw`` is only the beginning of the row
    part: int = 0

    @classmethod
    def of(
        cls, rejected: Rejected, *, line: int, raw: object, fingerprint: str | None = None, part: int = 0
    ) -> "QuarantinedRow":
        """The row that ``rejected`` was raised for."""
        return cls(
            line=line,
            reason=rejected.reason,
            field=rejected.field and storable_text(rejected.field),
            detail=storable_text(rejected.detail),
            raw=storable_text(raw),
            fingerprint=fingerprint,
            part=part,
        )

    def quarantine_id(self, kind: str) -> str:
        """The row's identity: equal for equal text of the same kind, so a replayed file adds nothing."""
        content = self.fingerprint or self.raw
        return hashlib.sha256(f"{kind}\n{content}".encode()).hexdigest()


def storable_text(raw: object) -> str:
    """The row as text that every database takes: no line end; NUL, lone surrogates, undecodable bytes are escaped."""
    if isinstance(raw, bytes):
        text = raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    elif isinstance(raw, str):
        text = raw
    else:
        text = _as_json(raw)
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _as_json(record: object) -> str:
    try:
        return orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError:  # lone surrogates, huge integers, bottomless nesting: Python's own notation shows them all
        return repr(record)
