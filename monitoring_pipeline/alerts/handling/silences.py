"""Silences: for a while people want to hear nothing of some alerts, with a reason and a name.

The alerts open and change as ever; only their messages are held back (see :mod:`.held_back`). A silence always ends:
one that nobody remembers must not hide a failure for ever.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from monitoring_pipeline.alerts.handling import held_back
from monitoring_pipeline.alerts.handling.tables import silences
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import DAY_MICROS, isoformat

LONGEST_DAYS = 90
MAX_REASON_CHARS = 1_000


class UnusableSilenceError(MonitorError):
    """A silence that says too little, or could never hold."""


class NoSuchSilenceError(MonitorError):
    """An id names no silence."""


class SilenceState(StrEnum):
    """Where a silence stands at an instant."""

    PLANNED = "planned"
    HOLDING = "holding"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which alerts a silence is for; what is ``None`` matches all.

    Args:
        model_id: of one model.
        rule_id: of one rule.
        segment: of one segment, such as ``all`` or ``carrier=UA``.
    """

    model_id: str | None = None
    rule_id: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence; instants are microseconds UTC.

    Args:
        silence_id: names it.
        subject: which alerts are meant.
        starts_at: from when on it holds.
        ends_at: the first instant at which it holds no more.
        reason: why.
        created_at: when it was made.
        created_by: who made it.
        ended_at: when somebody ended it before its time.
        ended_by: who that was.
    """

    silence_id: str
    subject: Subject
    starts_at: int
    ends_at: int
    reason: str
    created_at: int
    created_by: str
    ended_at: int | None = None
    ended_by: str | None = None

    def state(self, now: int) -> SilenceState:
        """Where it stands."""
        if self.ended_at is not None or now >= self.ends_at:
            return SilenceState.OVER
        return SilenceState.HOLDING if now >= self.starts_at else SilenceState.PLANNED

    def to_dict(self, now: int) -> dict[str, Any]:
        """The silence ready for JSON."""
        return {
            "silence_id": self.silence_id,
            **asdict(self.subject),
            "state": self.state(now).value,
            "starts_at": isoformat(self.starts_at),
            "ends_at": isoformat(self.ends_at),
            "reason": self.reason,
            "created_at": isoformat(self.created_at),
            "created_by": self.created_by,
            "ended_at": None if self.ended_at is None else isoformat(self.ended_at),
            "ended_by": self.ended_by,
        }


def create_silence(
    engine: Engine, subject: Subject, *, ends_at: int, reason: str, by: str, clock: Clock, starts_at: int | None = None
) -> Silence:
    """Hold back the messages of some alerts, those included that wait already.

    Args:
        engine: the store.
        subject: which alerts.
        ends_at: until when, microseconds UTC.
        reason: why; people who miss an alert will read it.
        by: who wants it.
        clock: what time it is.
        starts_at: from when on; now where ``None``.

    Raises:
        UnusableSilenceError: if it has no reason, or would end before it starts, in the past, or too late.
    """
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        raise UnusableSilenceError(f"a silence needs a reason, 1 to {MAX_REASON_CHARS} characters")
    with writing(engine) as connection:
        now = clock()
        silence = Silence(
            silence_id=token_hex(6),
            subject=subject,
            starts_at=now if starts_at is None else starts_at,
            ends_at=ends_at,
            reason=reason,
            created_at=now,
            created_by=by,
        )
        _check_times(silence, now)
        connection.execute(insert(silences), _row(silence))
        held_back.review(connection, now=now)
    return silence


def list_silences(engine: Engine) -> list[Silence]:
    """All silences that ever were, the newest first."""
    with reading(engine) as connection:
        query = select(silences).order_by(silences.c.created_at.desc(), silences.c.silence_id.desc())
        return [silence_of(row) for row in connection.execute(query)]


def find_silence(engine: Engine, silence_id: str) -> Silence:
    """One silence.

    Raises:
        NoSuchSilenceError: if there is none with this id.
    """
    with reading(engine) as connection:
        row = connection.execute(select(silences).where(silences.c.silence_id == silence_id)).first()
    if row is None:
        raise NoSuchSilenceError(f"there is no silence {silence_id!r}; 'monitor alerts silences' shows them")
    return silence_of(row)


def end_silence(engine: Engine, silence_id: str, *, by: str, clock: Clock) -> Silence:
    """End a silence before its time; the alerts that stand are told at the next delivery.

    One that is over stays as it is.

    Raises:
        NoSuchSilenceError: if there is none with this id.
    """
    find_silence(engine, silence_id)
    with writing(engine) as connection:
        now = clock()
        still_to_end = (silences.c.silence_id == silence_id, silences.c.ended_at.is_(None), silences.c.ends_at > now)
        connection.execute(update(silences).where(*still_to_end).values(ended_at=now, ended_by=by))
        held_back.review(connection, now=now)
    return find_silence(engine, silence_id)


def silence_of(row: Row[Any]) -> Silence:
    """The silence that a row of the table is."""
    columns = row._asdict()
    subject = Subject(**{name: columns.pop(name) for name in ("model_id", "rule_id", "segment")})
    return Silence(subject=subject, **columns)


def _check_times(silence: Silence, now: int) -> None:
    if silence.ends_at <= max(now, silence.starts_at):
        raise UnusableSilenceError("the silence would end before it starts, or has ended already; give a later end")
    if silence.ends_at - max(now, silence.starts_at) > LONGEST_DAYS * DAY_MICROS:
        remedy = "take the rule out of the config if nobody wants to hear of it"
        raise UnusableSilenceError(f"a silence lasts {LONGEST_DAYS} days at most; {remedy}")


def _row(silence: Silence) -> dict[str, Any]:
    row = asdict(silence)
    return {**row.pop("subject"), **row}
