"""The rows of a stretch of time as far as errors need them, straight from the event store or, if sealed, the lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, select

from monitoring_pipeline.events.hour_errors.texts import PART_MICROS, Group, Part
from monitoring_pipeline.events.read import ACTUAL_COLUMNS
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.events.truth import Known, in_order, is_retraction
from monitoring_pipeline.events.validation.outcomes import Outcome
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.lake.ledger import LedgerEntry
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_PREDICTION_COLUMNS = ("prediction_id", "predicted_at", "model_version", "environment", "predicted_value")
_LAKE_COLUMNS = (*_PREDICTION_COLUMNS[1:], "actual_value", "actual_received_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRows:
    """Predictions of one model in the order of their time, each with its error.

    Attributes:
        predicted_at: microseconds UTC, ascending.
        groups: the groups that occur, sorted.
        codes: each row's group, a position in ``groups``.
        labelled: whether the truth has arrived.
        errors: predicted minus actual; NaN where the truth has not arrived, or one of the two is no number.
    """

    predicted_at: Integers
    groups: tuple[Group, ...]
    codes: Integers
    labelled: npt.NDArray[np.bool_]
    errors: Floats

    @classmethod
    def of(
        cls, rows: Sequence[tuple[Any, ...]], *, labelled: Sequence[bool], actual: Sequence[float | None]
    ) -> "ErrorRows":
        """From ``(predicted_at, model_version, environment, predicted_value)`` in the order of their time."""
        found = [(row[1], row[2]) for row in rows]
        groups = tuple(sorted(set(found)))
        number = {group: code for code, group in enumerate(groups)}
        predicted = np.array([row[3] for row in rows], np.float64)  # None becomes NaN
        with np.errstate(over="ignore"):  # an overflow is told as one
            errors = predicted - np.array(actual, np.float64)
        return cls(
            predicted_at=np.array([row[0] for row in rows], np.int64),
            groups=groups,
            codes=np.array([number[group] for group in found], np.int64),
            labelled=np.array(labelled, np.bool_),
            errors=errors,
        )

    def __len__(self) -> int:
        return len(self.predicted_at)

    @property
    def byte_count(self) -> int:
        """The bytes of all values."""
        return sum(column.nbytes for column in (self.predicted_at, self.codes, self.labelled, self.errors))

    def between(self, start: int, end: int | None) -> "ErrorRows":
        """The rows of ``[start, end)``; without an end, all from the start on."""
        first = int(np.searchsorted(self.predicted_at, start))
        last = None if end is None else int(np.searchsorted(self.predicted_at, end))
        chosen = slice(first, last)
        return ErrorRows(
            predicted_at=self.predicted_at[chosen],
            groups=self.groups,
            codes=self.codes[chosen],
            labelled=self.labelled[chosen],
            errors=self.errors[chosen],
        )


def errors_of(rows: ErrorRows) -> dict[Group, ErrorSums]:
    """The errors of each group that has rows."""
    found: dict[Group, ErrorSums] = {}
    if not len(rows):
        return found
    # Sorted once, so that many groups do not cost a look at all rows each; those of a group stay in their order.
    order = np.argsort(rows.codes, kind="stable")
    codes, begins = np.unique(rows.codes[order], return_index=True)
    for code, of_group in zip(codes.tolist(), np.split(order, begins[1:]), strict=True):
        instants = rows.predicted_at[of_group]
        errors = rows.errors[of_group]
        errors = errors[~np.isnan(errors)]
        with np.errstate(over="ignore"):  # an overflow is told as one
            squares = errors * errors
        found[rows.groups[code]] = ErrorSums(
            prediction_count=int(instants.size),
            labelled_count=int(rows.labelled[of_group].sum()),
            error_count=int(errors.size),
            absolute=ExactTotal.of(np.abs(errors)),
            squared=ExactTotal.of(squares),
            first_at=int(instants[0]),
            last_at=int(instants[-1]),
        )
    return found


def errors_by_part(rows: ErrorRows) -> dict[Part, ErrorSums]:
    """The errors of each part of an hour and group that has rows."""
    starts = np.unique(rows.predicted_at - rows.predicted_at % PART_MICROS).tolist()
    return {
        (start, *group): sums
        for start in starts
        for group, sums in errors_of(rows.between(start, start + PART_MICROS)).items()
    }


def stored_rows(connection: Connection, model_id: str, start: int, end: int) -> ErrorRows:
    """The rows of ``[start, end)`` that the event store holds.

    Args:
        connection: a reading transaction.
        model_id: the model.
        start: microseconds UTC.
        end: microseconds UTC.
    """
    truth = _truth(connection, model_id, start, end)
    rows = _rows(connection, predictions, _PREDICTION_COLUMNS, model_id, start, end)
    rows.sort(key=itemgetter(1))  # SQLite's index gives them in this order, nobody promises it
    held = [truth.get(row[0]) for row in rows]
    return ErrorRows.of(
        [row[1:] for row in rows],
        labelled=[outcome is not None for outcome in held],
        actual=[None if outcome is None else outcome[0] for outcome in held],
    )


def sealed_rows(lake: Lake, entry: LedgerEntry) -> ErrorRows:
    """The rows of an hour whose events were removed, from its file of joined predictions.

    Raises:
        MonitorError: if the file is missing or damaged.
    """
    assert entry.path is not None, "joined_predictions are files"
    table = lake.read(entry.path, checksum=entry.checksum, columns=_LAKE_COLUMNS)
    columns = [table[name].to_pylist() for name in _LAKE_COLUMNS]
    rows = sorted(zip(*columns, strict=True), key=itemgetter(0))
    return ErrorRows.of(rows, labelled=[row[5] is not None for row in rows], actual=[row[4] for row in rows])


def _rows(
    connection: Connection, table: Table, columns: Sequence[str], model_id: str, start: int, end: int
) -> list[tuple[Any, ...]]:
    query = select(*(table.c[name] for name in columns)).where(
        table.c.model_id == model_id, table.c.predicted_at >= start, table.c.predicted_at < end
    )
    return [tuple(row) for row in connection.execute(query)]


def _truth(connection: Connection, model_id: str, start: int, end: int) -> Mapping[str, Outcome]:
    """The truth that holds now, by prediction; one that is unlabelled is left out."""
    copies: dict[str, list[Known]] = {}
    for prediction_id, *known in _rows(connection, actuals, ACTUAL_COLUMNS, model_id, start, end):
        copies.setdefault(prediction_id, []).append((known[0], known[1], known[2], known[3]))
    last = {prediction_id: said[0] if len(said) == 1 else in_order(said)[-1] for prediction_id, said in copies.items()}
    return {prediction_id: known[2:] for prediction_id, known in last.items() if not is_retraction(known)}
