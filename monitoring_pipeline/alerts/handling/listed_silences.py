"""Silences as faces list them, page by page."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, or_, select

from monitoring_pipeline.alerts.handling.silences import Silence, SilenceState, silence_of
from monitoring_pipeline.alerts.handling.tables import silences
from monitoring_pipeline.database import Key, beyond, reading

PLACE = (silences.c.created_at, silences.c.silence_id)
"""What silences are listed by, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceSelection:
    """Which silences are wanted; what is ``None`` matches all.

    Args:
        model_ids: silences of one of these models, or of every model.
        states: where they stand.
    """

    model_ids: Collection[str] | None = None
    states: Collection[SilenceState] | None = None

    def conditions(self, now: int) -> list[ColumnElement[bool]]:
        """The selection in SQL, as of an instant."""
        found = []
        if self.model_ids is not None:
            model_id = silences.c.model_id
            found.append(or_(model_id.is_(None), model_id.in_(sorted(self.model_ids))))
        if self.states is not None:
            found.append(or_(*(_stands(state, now) for state in sorted(set(self.states)))))
        return found


def page_of_silences(
    engine: Engine, selection: SilenceSelection, *, now: int, limit: int, after: Key | None = None
) -> tuple[list[Silence], Key | None]:
    """Some of the silences that match, the newest first, and the key behind which the others are.

    Args:
        engine: the store.
        selection: which silences.
        now: the present instant.
        limit: the most silences.
        after: the key that came with the page before; ``None`` for the first.
    """
    place = [] if after is None else [beyond(PLACE, after, descending=True)]
    query = select(silences).where(*selection.conditions(now), *place)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(*(column.desc() for column in PLACE)).limit(limit + 1)).all()
    shown = [silence_of(row) for row in rows[:limit]]
    next_key = (shown[-1].created_at, shown[-1].silence_id) if len(rows) > limit else None
    return shown, next_key


def silenced_models(engine: Engine) -> list[str]:
    """The models that silences were ever made for, in order; also such as nobody knows."""
    query = select(silences.c.model_id).where(silences.c.model_id.is_not(None)).distinct()
    with reading(engine) as connection:
        return sorted(connection.scalars(query))


def _stands(state: SilenceState, now: int) -> ColumnElement[bool]:
    """As :meth:`.Silence.state` says."""
    table = silences.c
    is_over = or_(table.ended_at.is_not(None), table.ends_at <= now)
    if state is SilenceState.OVER:
        return is_over
    return and_(~is_over, table.starts_at <= now if state is SilenceState.HOLDING else table.starts_at > now)
