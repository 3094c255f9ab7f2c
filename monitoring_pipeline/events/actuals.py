"""Landing actuals: each new piece of truth is one more revision; nothing is ever overwritten.

What an actual says is ``(observed_at, value)``. Saying again what any stored revision says is a repetition and
adds nothing, which makes replays harmless. A truth that returns to an earlier value therefore needs a
``timestamp`` of its own to be told from a replay.

The truth that holds is the one known last, so knowledge time never runs backwards for one key: a revision that
brings none of its own is known no earlier than those before it, even if this host's clock was stepped back or
another host's runs ahead. A ``received_at`` that an event brings is taken as it is: it says what was known when,
as a historical import must, and may put a revision before those that are stored.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from sqlalchemy import Connection, select

from monitoring_pipeline.events import bulk
from monitoring_pipeline.events.lookup import Key, keys_clause
from monitoring_pipeline.events.schema import Actual
from monitoring_pipeline.events.tables import actuals, predictions

Truth = tuple[int | None, float | None, str | None]
"""``(observed_at, actual_value, actual_class)``: what one revision says."""


@dataclass(slots=True, kw_only=True)
class Told:
    """What the revisions of one key say. No two say the same, so their number is the last revision."""

    truths: set[Truth] = field(default_factory=set)
    known_at: int = 0  # when the newest of them became known, microseconds UTC
    holds: Truth | None = None  # the newest of them

    def add(self, truth: Truth, known_at: int) -> None:
        """Take note of the next revision."""
        self.truths.add(truth)
        if known_at >= self.known_at:
            self.known_at, self.holds = known_at, truth

    def returns(self, truth: Truth) -> bool:
        """Whether a repetition may be meant as a correction back: it names no time, and another truth holds."""
        return truth[0] is None and truth != self.holds


@dataclass(slots=True, kw_only=True)
class Growth:
    """What became of the actuals of one transaction; positions count in its list of events."""

    stored_positions: set[int] = field(default_factory=set)
    touched: set[tuple[str, int]] = field(default_factory=set)  # model_id and predicted_at of known predictions
    revised: int = 0
    orphans: int = 0
    returned: int = 0

    def count(self, position: int, *, model_id: str, predicted_at: int | None, revision: int) -> None:
        """Take note of one more stored actual."""
        self.stored_positions.add(position)
        self.revised += revision > 1
        if predicted_at is None:
            self.orphans += 1
        else:
            self.touched.add((model_id, predicted_at))


def land_actuals(
    connection: Connection,
    arrived: Sequence[tuple[int, Actual]],
    *,
    made_at: Mapping[Key, int],
    now: int,
    batch_id: str,
) -> Growth:
    """Append what is new among the actuals that ``arrived``.

    Args:
        connection: an open writing transaction that holds the ingest lock.
        arrived: positions and actuals in order of arrival.
        made_at: when the predictions known to this transaction were made; the others are looked up.
        now: knowledge time of those that bring none of their own, microseconds UTC.
        batch_id: the ingest batch that they belong to.
    """
    keys = {actual[:2] for _, actual in arrived}
    made_at = {**predicted_instants(connection, keys - made_at.keys()), **made_at}
    told = _told(connection, keys)
    growth = Growth()
    rows: list[bulk.Row] = []
    for position, actual in arrived:
        model_id, prediction_id, value, label, observed_at, received_at = actual
        revisions = told.setdefault((model_id, prediction_id), Told())
        truth = (observed_at, value, label)
        if truth in revisions.truths:
            growth.returned += revisions.returns(truth)
            continue
        known_at = max(now, revisions.known_at) if received_at is None else received_at
        revisions.add(truth, known_at)
        revision = len(revisions.truths)
        predicted_at = made_at.get((model_id, prediction_id))
        growth.count(position, model_id=model_id, predicted_at=predicted_at, revision=revision)
        rows.append((model_id, prediction_id, revision, predicted_at, value, label, observed_at, known_at, batch_id))
    bulk.append(connection, actuals, sorted(rows, key=itemgetter(0, 1, 2)))
    return growth


def predicted_instants(connection: Connection, keys: Collection[Key]) -> dict[Key, int]:
    """When the predictions with these keys were made; those that are not stored are left out."""
    if not keys:
        return {}
    wanted, match = keys_clause(connection.dialect.name, list(keys), predictions)
    columns = (predictions.c.model_id, predictions.c.prediction_id, predictions.c.predicted_at)
    rows = connection.execute(select(*columns).select_from(wanted).join(predictions, match))
    return {(model_id, prediction_id): predicted_at for model_id, prediction_id, predicted_at in rows}


def _told(connection: Connection, keys: Collection[Key]) -> dict[Key, Told]:
    """What is stored about these keys."""
    told: dict[Key, Told] = {}
    if not keys:
        return told
    wanted, match = keys_clause(connection.dialect.name, list(keys), actuals)
    names = ("model_id", "prediction_id", "revision", "observed_at", "actual_value", "actual_class", "received_at")
    rows = connection.execute(select(*(actuals.c[name] for name in names)).select_from(wanted).join(actuals, match))
    for model_id, prediction_id, _, *truth, known_at in sorted(map(tuple, rows), key=itemgetter(0, 1, 2)):
        told.setdefault((model_id, prediction_id), Told()).add((truth[0], truth[1], truth[2]), known_at)
    return told
