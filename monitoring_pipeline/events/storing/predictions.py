"""Landing predictions: the first one of a key stands, and stands for ever."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection, select, update

from monitoring_pipeline.events.schema import Event, Prediction
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.events.sql.lookup import Key, keys_clause
from monitoring_pipeline.events.tables import actuals, predictions

_PAYLOAD = [predictions.c[name] for name in Prediction._fields if name != "received_at"]
_OBJECT_COLUMNS = tuple(Prediction._fields.index(name) for name in ("probabilities", "features", "extras"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the predictions of one transaction; positions count in its list of events."""

    standing: dict[Key, Prediction]  # the prediction that stands for each key of the batch
    new: list[Prediction] = field(default_factory=list)
    new_positions: set[int] = field(default_factory=set)
    conflict_positions: set[int] = field(default_factory=set)
    adopted: set[Key] = field(default_factory=set)  # new predictions about which something was said before


def land_predictions(
    connection: Connection, events: Sequence[Event], *, now: int, batch_id: str, expects_new: bool = False
) -> Settled:
    """Store the predictions among ``events`` that are new; tell conflicts from plain repetitions.

    Orphaned actuals of a new prediction learn when it was made.

    Args:
        connection: an open writing transaction that holds the ingest lock.
        events: valid rows in order of arrival; those without a prediction are passed over.
        now: knowledge time of those that bring none of their own, microseconds UTC.
        batch_id: the ingest batch that they belong to.
        expects_new: look for none of them in the store, which saves a sixth of the work.

    Raises:
        IntegrityError: of SQLAlchemy or of the driver, if none was looked for and one is stored: the transaction is
            lost, and another must look.
    """
    arrived = {position: event.prediction for position, event in enumerate(events) if event.prediction is not None}
    by_key = {prediction[:2]: prediction for prediction in arrived.values()}
    standing = {} if expects_new else _stored(connection, by_key.keys())
    if not standing and len(by_key) == len(arrived):  # nearly always: all are new, and need no look one by one
        settled = Settled(standing=by_key, new=list(arrived.values()), new_positions=set(arrived))
    else:
        settled = _settled(arrived, standing)
    # In the order of the primary key: neighbours land on the same page.
    rows = [(*new[:-1], now if new[-1] is None else new[-1], batch_id) for new in sorted(settled.new)]
    bulk.append(connection, predictions, rows)
    settled.adopted.update(_adopt_orphans(connection, settled.new))
    return settled


def _settled(arrived: Mapping[int, Prediction], standing: dict[Key, Prediction]) -> Settled:
    settled = Settled(standing=standing)
    for position, prediction in arrived.items():
        _settle(settled, position, prediction)
    return settled


def _settle(settled: Settled, position: int, prediction: Prediction) -> None:
    standing = settled.standing.setdefault(prediction[:2], prediction)
    if standing is prediction:
        settled.new.append(prediction)
        settled.new_positions.add(position)
    elif not _same(standing, prediction):
        settled.conflict_positions.add(position)


def _same(standing: Prediction, other: Prediction) -> bool:
    """Whether both say the same; knowledge time is not part of what is said, and 1 equals 1.0 in JSON, too."""
    if standing[:-1] == other[:-1]:
        return True
    return _comparable(standing) == _comparable(other)


def _comparable(prediction: Prediction) -> list[object]:
    values: list[object] = list(prediction[:-1])
    for column in _OBJECT_COLUMNS:
        text = prediction[column]
        values[column] = orjson.loads(text) if isinstance(text, str) else None
    return values


def _stored(connection: Connection, keys: Collection[Key]) -> dict[Key, Prediction]:
    if not keys:
        return {}
    wanted, match = keys_clause(connection.dialect.name, list(keys), predictions)
    rows = connection.execute(select(*_PAYLOAD).select_from(wanted).join(predictions, match))
    return {(row[0], row[1]): Prediction._make((*row, None)) for row in rows}


def _any_orphan(connection: Connection, model_ids: Collection[str]) -> bool:
    # Without the models SQLite would look through all truth that there is, in every transaction.
    of_models = actuals.c.model_id.in_(sorted(model_ids))
    query = select(actuals.c.model_id).where(of_models, actuals.c.predicted_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _adopt_orphans(connection: Connection, new: Sequence[Prediction]) -> set[Key]:
    if not new or not _any_orphan(connection, {prediction.model_id for prediction in new}):
        return set()
    wanted, match = keys_clause(connection.dialect.name, [prediction[:2] for prediction in new], predictions)
    made_at = (
        select(predictions.c.model_id, predictions.c.prediction_id, predictions.c.predicted_at)
        .select_from(wanted)
        .join(predictions, match)
        .cte("made")
    )
    adopted = connection.execute(
        update(actuals)
        .where(
            actuals.c.predicted_at.is_(None),
            actuals.c.model_id == made_at.c.model_id,
            actuals.c.prediction_id == made_at.c.prediction_id,
        )
        .values(predicted_at=made_at.c.predicted_at)
        .returning(actuals.c.model_id, actuals.c.prediction_id)
    )
    return {(model_id, prediction_id) for model_id, prediction_id in adopted}
