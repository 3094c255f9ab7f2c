"""Reading a timestamp: ISO 8601, or the same with a space; one without zone is UTC."""

from datetime import UTC, datetime, timedelta

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.windows import EPOCH, MICROSECOND

_NAIVE_EPOCH = EPOCH.replace(tzinfo=None)
# A zone can push a stamp beyond the calendar's end.
_LAST_MICROS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
_ALLOWED = "write ISO 8601 such as 2026-03-01T12:00:00Z, or 2026-03-01 12:00:00 (UTC)"


def parse_instant(value: object, *, field: str) -> int:
    """Whole microseconds since the epoch; digits beyond microseconds are cut off.

    Numbers are refused: nobody can tell seconds from milliseconds. So is a date alone, because putting a day's
    events on its midnight would be a silent error.

    Raises:
        Rejected: wrong_type, bad_timestamp, or out_of_range (before 1970).
    """
    if isinstance(value, str):
        instant = _from_text(value, field=field)
    elif isinstance(value, datetime) and isinstance(value.year, int):  # the year of pandas' NaT is not a number
        instant = value
    else:
        found = type(value).__name__
        raise Rejected(QuarantineReason.WRONG_TYPE, field, f"{field} is a {found}, not a timestamp text; {_ALLOWED}")
    if instant.tzinfo is UTC:  # what nearly every stamp is; the subtraction below is the slow half otherwise
        elapsed = instant - EPOCH
    else:
        elapsed = instant - (EPOCH if instant.utcoffset() is not None else _NAIVE_EPOCH)
    return _micros(elapsed, field=field)


def _micros(elapsed: timedelta, *, field: str) -> int:
    micros = elapsed // MICROSECOND
    if not 0 <= micros <= _LAST_MICROS:
        found = f"{field} is not between 1970 and 9999; is the producer's clock set?"
        raise Rejected(QuarantineReason.OUT_OF_RANGE, field, found)
    return micros


def _from_text(value: str, *, field: str) -> datetime:
    if value[10:11] in {"T", " "} or "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise Rejected(QuarantineReason.BAD_TIMESTAMP, field, f"{field} is not a date and time; {_ALLOWED}")
