"""Landing actuals: each new piece of truth is one more revision; nothing is ever overwritten.

What an actual says is a statement (see :mod:`.truth`): a value, or that the truth is taken back. Saying again what
any stored revision says is a repetition and adds nothing, which makes replays harmless; only a copy that was known
earlier than all of those stored is kept as a further revision. A truth that returns to an earlier value therefore
needs a ``timestamp`` of its own to be told from a replay.

The truth that holds is the one known last, so a statement that brings no knowledge time of its own is known later
than all that was said about its prediction before it, even if this host's clock was stepped back, another host's
runs ahead, or several arrive at once. A ``received_at`` that an event brings is taken as it is: it says what was
known when, as a historical import must, and may put a statement before those that are stored.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from sqlalchemy import Connection, select

from monitoring_pipeline.events.changes import Change, Made
from monitoring_pipeline.events.schema import Actual, Prediction
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.events.sql.lookup import Key, keys_clause
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.events.truth import Statement, rank


@dataclass(slots=True, kw_only=True)
class Told:
    """What the revisions of one key say, and since when each statement is known."""

    known: dict[Statement, int] = field(default_factory=dict)  # microseconds UTC, the earliest of its copies
    revisions: int = 0

    def add(self, statement: Statement, known_at: int) -> None:
        """Take note of the next revision."""
        self.known[statement] = min(known_at, self.known.get(statement, known_at))
        self.revisions += 1

    def news(self, statement: Statement, received_at: int | None, *, now: int) -> int | None:
        """The knowledge time of a statement that is new, or was known earlier than was said till now; else ``None``.

        One that brings no knowledge time of its own became known after all that was said before it.
        """
        if not self.known:
            return now if received_at is None else received_at
        known_at = self.known.get(statement)
        if received_at is None:
            return max(now, max(self.known.values()) + 1) if known_at is None else None
        return received_at if known_at is None or received_at < known_at else None

    def returns(self, statement: Statement) -> bool:
        """Whether a repetition may be meant as a correction back: it names no time, and another truth holds."""
        return statement[0] is None and statement != self.holds()

    def holds(self) -> Statement | None:
        """The statement that holds."""
        if len(self.known) < 2:  # nearly always
            return next(iter(self.known), None)
        return max(self.known, key=lambda statement: rank((self.known[statement], *statement)))


@dataclass(slots=True, kw_only=True)
class Growth:
    """What became of the actuals of one transaction; positions count in its list of events."""

    stored_positions: set[int] = field(default_factory=set)
    touched: set[tuple[str, int]] = field(default_factory=set)  # model_id and predicted_at of known predictions
    changes: dict[Key, Change] = field(default_factory=dict)
    revised: int = 0
    retracted: int = 0
    orphans: int = 0
    returned: int = 0

    def count(self, position: int, actual: Actual, *, predicted_at: int | None, revision: int) -> None:
        """Take note of one more stored actual."""
        self.stored_positions.add(position)
        self.revised += revision > 1
        self.retracted += actual.actual_value is None and actual.actual_class is None
        if predicted_at is None:
            self.orphans += 1
        else:
            self.touched.add((actual.model_id, predicted_at))


def land_actuals(
    connection: Connection,
    arrived: Sequence[tuple[int, Actual]],
    *,
    made: Mapping[Key, Made | Prediction],
    now: int,
    batch_id: str,
) -> Growth:
    """Append what is new among the actuals that ``arrived``.

    Args:
        connection: an open writing transaction that holds the ingest lock.
        arrived: positions and actuals in order of arrival.
        made: the predictions known to this transaction; the others are looked up.
        now: knowledge time of those that bring none of their own, microseconds UTC.
        batch_id: the ingest batch that they belong to.
    """
    keys = {actual[:2] for _, actual in arrived}
    made = {**_made(connection, keys - made.keys()), **made}
    told = told_of(connection, keys)
    held: dict[Key, Statement | None] = {}
    growth = Growth()
    rows: list[bulk.Row] = []
    for position, actual in arrived:
        model_id, prediction_id, value, label, observed_at, received_at = actual
        key = (model_id, prediction_id)
        so_far = told.setdefault(key, Told())
        statement = (observed_at, value, label)
        known_at = so_far.news(statement, received_at, now=now)
        if known_at is None:
            growth.returned += so_far.returns(statement)
            continue
        if key not in held:
            held[key] = so_far.holds()
        so_far.add(statement, known_at)
        revision = so_far.revisions
        found = made.get(key)
        predicted_at = None if found is None else found.predicted_at
        growth.count(position, actual, predicted_at=predicted_at, revision=revision)
        rows.append((model_id, prediction_id, revision, predicted_at, value, label, observed_at, known_at, batch_id))
    bulk.append(connection, actuals, sorted(rows, key=itemgetter(0, 1, 2)))
    growth.changes = {key: Change(made.get(key), before, told[key].holds()) for key, before in held.items()}
    return growth


def predicted_instants(connection: Connection, keys: Collection[Key]) -> dict[Key, int]:
    """When the predictions with these keys were made; those that are not stored are left out."""
    if not keys:
        return {}
    wanted, match = keys_clause(connection.dialect.name, list(keys), predictions)
    columns = (predictions.c.model_id, predictions.c.prediction_id, predictions.c.predicted_at)
    rows = connection.execute(select(*columns).select_from(wanted).join(predictions, match))
    return {(model_id, prediction_id): predicted_at for model_id, prediction_id, predicted_at in rows}


def _made(connection: Connection, keys: Collection[Key]) -> dict[Key, Made]:
    """The predictions with these keys, as far as they are stored."""
    if not keys:
        return {}
    wanted, match = keys_clause(connection.dialect.name, list(keys), predictions)
    columns = (predictions.c[name] for name in ("model_id", "prediction_id", *Made._fields))
    rows = connection.execute(select(*columns).select_from(wanted).join(predictions, match))
    return {(row[0], row[1]): Made._make(row[2:]) for row in rows}


def told_of(connection: Connection, keys: Collection[Key]) -> dict[Key, Told]:
    """What is stored about these keys."""
    told: dict[Key, Told] = {}
    if not keys:
        return told
    wanted, match = keys_clause(connection.dialect.name, list(keys), actuals)
    names = ("model_id", "prediction_id", "observed_at", "actual_value", "actual_class", "received_at")
    rows = connection.execute(select(*(actuals.c[name] for name in names)).select_from(wanted).join(actuals, match))
    for model_id, prediction_id, observed_at, value, label, known_at in rows:
        told.setdefault((model_id, prediction_id), Told()).add((observed_at, value, label), known_at)
    return told
