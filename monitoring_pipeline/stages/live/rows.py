"""The rows of an hour as far as errors need them, straight from the event store."""

from collections.abc import Collection
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from monitoring_pipeline.events.outcomes import Outcome
from monitoring_pipeline.events.read import actuals_of_hours
from monitoring_pipeline.events.tables import predictions
from monitoring_pipeline.events.truth import Known, in_order, is_retraction
from monitoring_pipeline.windows import HOUR_MICROS, Grain, spans

Group = tuple[str, str]
"""A model's version and the environment that it ran in."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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

    def between(self, start: int, end: int) -> "ErrorRows":
        """The rows of ``[start, end)``."""
        first, last = np.searchsorted(self.predicted_at, (start, end))
        chosen = slice(int(first), int(last))
        return ErrorRows(
            predicted_at=self.predicted_at[chosen],
            groups=self.groups,
            codes=self.codes[chosen],
            labelled=self.labelled[chosen],
            errors=self.errors[chosen],
        )


def read_hours(connection: Connection, model_id: str, hours: Collection[int]) -> dict[int, ErrorRows]:
    """The rows of each hour; one without predictions has an entry without rows.

    Args:
        connection: a reading transaction.
        model_id: the model.
        hours: starts of hours.
    """
    truth = _truth(connection, model_id, hours)
    rows = _predictions(connection, model_id, hours)
    rows.sort(key=itemgetter(1))  # SQLite's index gives them in this order, nobody promises it
    instants = np.array([row[1] for row in rows], np.int64)
    found = [(row[2], row[3]) for row in rows]
    groups = tuple(sorted(set(found)))
    number = {group: code for code, group in enumerate(groups)}
    codes = np.array([number[group] for group in found], np.int64)
    predicted = np.array([row[4] for row in rows], np.float64)  # None becomes NaN
    held = [truth.get(row[0]) for row in rows]
    labelled = np.array([outcome is not None for outcome in held], np.bool_)
    actual = np.array([None if outcome is None else outcome[0] for outcome in held], np.float64)
    with np.errstate(over="ignore"):  # an overflow is told as one
        errors = predicted - actual
    together = ErrorRows(predicted_at=instants, groups=groups, codes=codes, labelled=labelled, errors=errors)
    return {hour: together.between(hour, hour + HOUR_MICROS) for hour in hours}


def _predictions(
    connection: Connection, model_id: str, hours: Collection[int]
) -> list[tuple[str, int, str, str, float | None]]:
    table = predictions.c
    columns = (table.prediction_id, table.predicted_at, table.model_version, table.environment, table.predicted_value)
    query = select(*columns).where(table.model_id == model_id)
    rows: list[tuple[str, int, str, str, float | None]] = []
    for start, end in spans(hours, Grain.HOUR):
        of_span = query.where(table.predicted_at >= start, table.predicted_at < end)
        rows += [tuple(row) for row in connection.execute(of_span)]
    return rows


def _truth(connection: Connection, model_id: str, hours: Collection[int]) -> dict[str, Outcome]:
    """The truth that holds now, by prediction; one that is unlabelled is left out."""
    copies: dict[str, list[Known]] = {}
    for prediction_id, known_at, observed_at, value, label in actuals_of_hours(connection, model_id, hours):
        copies.setdefault(prediction_id, []).append((known_at, observed_at, value, label))
    last = {prediction_id: said[0] if len(said) == 1 else in_order(said)[-1] for prediction_id, said in copies.items()}
    return {prediction_id: known[2:] for prediction_id, known in last.items() if not is_retraction(known)}
