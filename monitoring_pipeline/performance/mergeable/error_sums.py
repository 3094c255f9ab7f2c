"""How large the errors of some predictions are, in a form that merges and takes back: exactly, in any order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal

# Squares are below what they should be by more than this share only where they underflow.
_ROUNDING = Fraction(1, 2**40)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSums:
    """The errors of some predictions. Merged in any order and division it gives the same bits.

    A *change* has the same form: late truth adds an error without a prediction, a correction adds one and takes
    another back. Merged with what it changes, it gives the bits of the rows as they are afterwards.

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
    def merged(cls, parts: Sequence["ErrorSums"]) -> Self:
        """All rows together; there is at least one part."""
        return cls(
            prediction_count=sum([part.prediction_count for part in parts]),
            labelled_count=sum([part.labelled_count for part in parts]),
            error_count=sum([part.error_count for part in parts]),
            absolute=ExactTotal.merged([part.absolute for part in parts]),
            squared=ExactTotal.merged([part.squared for part in parts]),
            first_at=min([part.first_at for part in parts]),
            last_at=max([part.last_at for part in parts]),
        )

    @property
    def is_known(self) -> bool:
        """Whether both sums are doubles: what overflowed cannot be changed any more, only computed anew."""
        return self.absolute.is_known and self.squared.is_known

    @property
    def coverage(self) -> float:
        """Label coverage, 0 to 1; there is at least one prediction."""
        return self.labelled_count / self.prediction_count

    @property
    def mae(self) -> float | None:
        """The mean absolute error; ``None`` without errors, or if their sum is beyond what is kept."""
        return self._mean(self.absolute)

    @property
    def rmse(self) -> float | None:
        """The root of the mean squared error; ``None`` without errors, or if their sum is beyond what is kept."""
        mean = self._mean(self.squared)
        return None if mean is None else math.sqrt(mean)

    @property
    def mae_variance(self) -> float | None:
        """The variance that the mean absolute error has over samples, if rows are independent.

        The squares' sum less the squared sum over the count would cancel to noise in doubles: both are exact here.

        Returns:
            ``None`` for fewer than two errors, beyond the doubles, or where errors are so small that their squares
            are zero.
        """
        count = self.error_count
        if count < 2 or not self.is_known:
            return None
        squares, squared_sum = count * self.squared.fraction, self.absolute.fraction**2
        if squares < squared_sum * (1 - _ROUNDING):
            return None
        # Each square was rounded once, which may tip the spread of a constant below zero.
        return float(max(Fraction(0), squares - squared_sum) / (count * count * (count - 1)))

    def _mean(self, total: ExactTotal) -> float | None:
        return total.value / self.error_count if self.error_count and total.is_known else None

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
    def from_json(cls, stored: Sequence[Any]) -> Self:
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
