"""How large the errors of some rows are: what whole hours and single rows have in common, and merge into."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal
from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED
from monitoring_pipeline.stages.live.rows import ErrorRows, Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """The errors of some predictions. Merged in any order and division it gives the same bits.

    Attributes:
        prediction_count: all rows, labelled or not.
        labelled_count: rows whose truth has arrived.
        error_count: rows with an error: prediction and truth are numbers.
        absolute: the sum of absolute errors, in the unit of the target.
        squared: the sum of squared errors.
        first_at: the earliest ``predicted_at``, microseconds UTC.
        last_at: the latest one.
    """

    prediction_count: int
    labelled_count: int
    error_count: int
    absolute: ExactTotal
    squared: ExactTotal
    first_at: int
    last_at: int

    @classmethod
    def merged(cls, parts: Iterable["Errors"]) -> Self:
        """All rows together; there is at least one part."""
        parts = list(parts)
        return cls(
            prediction_count=sum(part.prediction_count for part in parts),
            labelled_count=sum(part.labelled_count for part in parts),
            error_count=sum(part.error_count for part in parts),
            absolute=ExactTotal.merged([part.absolute for part in parts]),
            squared=ExactTotal.merged([part.squared for part in parts]),
            first_at=min(part.first_at for part in parts),
            last_at=max(part.last_at for part in parts),
        )

    @property
    def coverage(self) -> float:
        """Label coverage, 0 to 1."""
        return self.labelled_count / self.prediction_count

    @property
    def mae(self) -> float | None:
        """The mean absolute error; ``None`` without errors, or if it is beyond the doubles."""
        return self._mean(self.absolute)

    @property
    def rmse(self) -> float | None:
        """The root of the mean squared error; ``None`` without errors, or if it is beyond the doubles."""
        mean = self._mean(self.squared)
        return None if mean is None else math.sqrt(mean)

    def _mean(self, total: ExactTotal) -> float | None:
        if self.error_count == 0 or total.value == OVERFLOWED:
            return None
        return total.value / self.error_count

    def to_json(self) -> list[Any]:
        """The fields in their order, JSON-safe."""
        return [
            self.prediction_count,
            self.labelled_count,
            self.error_count,
            self.absolute.to_json(),
            self.squared.to_json(),
            self.first_at,
            self.last_at,
        ]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        predictions, labelled, errors, absolute, squared, first_at, last_at = stored
        return cls(
            prediction_count=predictions,
            labelled_count=labelled,
            error_count=errors,
            absolute=ExactTotal.from_json(absolute),
            squared=ExactTotal.from_json(squared),
            first_at=first_at,
            last_at=last_at,
        )


def errors_of(rows: ErrorRows) -> Mapping[Group, Errors]:
    """The errors of each group that has rows."""
    found: dict[Group, Errors] = {}
    for code, group in enumerate(rows.groups):
        of_group = rows.codes == code
        instants = rows.predicted_at[of_group]
        if not instants.size:
            continue
        errors = rows.errors[of_group]
        errors = errors[~np.isnan(errors)]
        with np.errstate(over="ignore"):  # an overflow is told as one
            squares = errors * errors
        found[group] = Errors(
            prediction_count=int(instants.size),
            labelled_count=int(rows.labelled[of_group].sum()),
            error_count=int(errors.size),
            absolute=ExactTotal.of(np.abs(errors)),
            squared=ExactTotal.of(squares),
            first_at=int(instants[0]),
            last_at=int(instants[-1]),
        )
    return found
