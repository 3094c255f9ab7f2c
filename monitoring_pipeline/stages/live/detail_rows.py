"""Single predictions beside the truth that holds, from the event store or, where events were removed, from the lake."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, select

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.storing.actuals import told_of
from monitoring_pipeline.events.tables import predictions
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.rows import joined, logged
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX
from monitoring_pipeline.windows import Grain, spans

_COLUMNS = (
    "predicted_at",
    "prediction_id",
    "features",
    "predicted_value",
    "predicted_class",
    "prediction_proba",
    "confidence",
    "latency_ms",
    "entity_id",
)

MOST_CHARS = 20_000_000
"""Of the features of one answer: those of a single prediction may have a million."""

_ROWS_AT_ONCE = 50  # that the database hands out together, for the same reason


class AnswerTooLargeError(MonitorError):
    """What was asked for is more than one answer may hold.

    Args:
        fitting: so many of the newest rows would fit.
    """

    def __init__(self, fitting: int) -> None:
        whole = f"more than {MOST_CHARS:,} characters of features, the most of one answer"
        super().__init__(f"the newest {fitting + 1} predictions have {whole}; ask for {fitting} at most")


@dataclass(slots=True, kw_only=True)
class Room:
    """How much more one answer may hold."""

    chars: int = MOST_CHARS
    rows: int = 0

    def take(self, features: str) -> None:
        """Make room for one more row.

        Raises:
            AnswerTooLargeError: if there is none.
        """
        self.chars -= len(features)
        if self.chars < 0:
            raise AnswerTooLargeError(self.rows - 1)  # one row more than is asked for is read
        self.rows += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailRow:
    """One prediction.

    Attributes:
        timestamp: when it was made, microseconds UTC.
        model_id: the model.
        prediction_id: its own id.
        features: JSON of the inputs; of an hour whose events were removed, as its file holds them.
        predicted_value: the predicted number.
        actual_value: the number that turned out to be true, as is known now.
        model_version: the model's version.
        environment: where it ran.
        predicted_class: the predicted class, of models that predict classes.
        actual_class: the class that turned out to be true.
        prediction_error: predicted minus actual number.
        prediction_proba: probability of the positive class.
        confidence: the model's own.
        latency_ms: how long it took.
        entity_id: what it is about.
    """

    timestamp: int
    model_id: str
    prediction_id: str
    features: str
    predicted_value: float | None
    actual_value: float | None
    model_version: str
    environment: str
    predicted_class: str | None
    actual_class: str | None
    prediction_error: float | None
    prediction_proba: float | None
    confidence: float | None
    latency_ms: float | None
    entity_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRows:
    """The predictions that one version made in a stretch of time, read where the store still has them or no longer."""

    live: Live
    connection: Connection
    model_id: str
    version: str
    environment: str
    stretch: Stretch
    room: Room = field(default_factory=Room)

    def stored(self, hours: Sequence[int], limit: int) -> list[DetailRow]:
        """From the event store, out of hours that stand newest first."""
        rows: list[dict[str, Any]] = []
        for start, end in reversed(spans(hours, Grain.HOUR)):  # what lies between scattered hours is not read
            if len(rows) < limit:
                rows += self._stored_in(start, end, limit - len(rows))
        truth = told_of(self.connection, [(self.model_id, row["prediction_id"]) for row in rows])
        found = []
        for row in rows:
            told = truth.get((self.model_id, row["prediction_id"]))
            holds = None if told is None else told.holds()
            _, value, label = holds or (None, None, None)
            found.append(self._row({**row, "actual_value": value, "actual_class": label}))
        return found

    def _stored_in(self, start: int, end: int, limit: int) -> list[dict[str, Any]]:
        table = predictions.c
        query = (
            select(*(table[name] for name in _COLUMNS))
            .where(
                table.model_id == self.model_id,
                table.predicted_at >= max(start, self.stretch.start),
                table.predicted_at < (end if self.stretch.end is None else min(end, self.stretch.end)),
                table.model_version == self.version,
                table.environment == self.environment,
            )
            .order_by(table.predicted_at.desc(), table.prediction_id.desc())
            .limit(limit)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        with self.connection.execute(query) as streamed:
            return [self._with_room(row._asdict()) for row in streamed]

    def _with_room(self, row: dict[str, Any]) -> dict[str, Any]:
        self.room.take(row["features"])
        return row

    def sealed(self, hours: Sequence[int], limit: int) -> list[DetailRow]:
        """From the files of hours whose events were removed, which stand newest first."""
        files = [
            ledger.entries(self.connection, dataset, hours, model_id=self.model_id)
            for dataset in (joined.DATASET, logged.DATASET)
        ]
        found: list[DetailRow] = []
        for hour in hours:
            if len(found) < limit:
                # Both files hold the same predictions in the same order.
                tables = [self._read(of_dataset[self.model_id, hour]) for of_dataset in files]
                rows = [{**slim, **_inputs(full)} for slim, full in zip(*tables, strict=True)]
                rows = [row for row in rows if self._is_asked_for(row)]
                rows.sort(key=itemgetter("predicted_at", "prediction_id"), reverse=True)
                found += [self._row(self._with_room(row)) for row in rows[: limit - len(found)]]
        return found

    def _read(self, entry: ledger.LedgerEntry) -> list[dict[str, Any]]:
        assert entry.path is not None, "these datasets are files"
        rows: list[dict[str, Any]] = self.live.lake.read(entry.path, checksum=entry.checksum).to_pylist()
        return rows

    def _is_asked_for(self, row: Mapping[str, Any]) -> bool:
        group = (row["model_version"], row["environment"])
        return group == (self.version, self.environment) and self.stretch.holds(row["predicted_at"], length=1)

    def _row(self, row: Mapping[str, Any]) -> DetailRow:
        predicted, actual = row["predicted_value"], row["actual_value"]
        return DetailRow(
            timestamp=row["predicted_at"],
            model_id=self.model_id,
            prediction_id=row["prediction_id"],
            features=row["features"],
            predicted_value=predicted,
            actual_value=actual,
            model_version=self.version,
            environment=self.environment,
            predicted_class=row["predicted_class"],
            actual_class=row["actual_class"],
            prediction_error=_error(predicted, actual),
            prediction_proba=row["prediction_proba"],
            confidence=row["confidence"],
            latency_ms=row["latency_ms"],
            entity_id=row["entity_id"],
        )


def _error(predicted: float | None, actual: float | None) -> float | None:
    if predicted is None or actual is None:
        return None
    error = predicted - actual
    return error if math.isfinite(error) else None


def _inputs(logged_row: Mapping[str, Any]) -> dict[str, Any]:
    """What only the file of logged predictions holds: its features have columns of their own."""
    features = {
        name.removeprefix(FEATURE_PREFIX): value
        for name, value in logged_row.items()
        if name.startswith(FEATURE_PREFIX) and value is not None
    }
    return {"features": orjson.dumps(features).decode(), "entity_id": logged_row["entity_id"]}
