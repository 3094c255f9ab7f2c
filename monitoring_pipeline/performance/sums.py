"""What an hour keeps of a group of rows: sums that merge into any window and from which every metric follows.

Truth arrives late: a row without an actual counts as a prediction and enters nothing else. A row whose truth is
there but cannot be judged (a class name where a number is needed, an actual of 2 for a binary model) is counted
in ``unusable_count``, never among the errors and never silently dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

from monitoring_pipeline.performance.confusion import Confusion
from monitoring_pipeline.performance.moments import Moments


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What all tasks share."""

    prediction_count: int
    unusable_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe: integers, finite doubles (which read back bit-equal), lists and nulls."""
        return {name: _to_json(getattr(self, name)) for name in self._kinds()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` wrote, bit for bit.

        Raises:
            ValueError: if the keys are not those of this kind of sums.
        """
        kinds = cls._kinds()
        if stored.keys() != kinds.keys():
            raise ValueError(
                f"{cls.__name__} has the keys {', '.join(kinds)}; the stored sums have {', '.join(stored)}"
            )
        return cls(
            **{name: int(stored[name]) if kind is int else kind.from_json(stored[name]) for name, kind in kinds.items()}
        )

    @classmethod
    def _kinds(cls) -> dict[str, Any]:
        return {field.name: field.type for field in fields(cls)}


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionSums(Sums):
    """Sums of a regression model; ``error`` is predicted - actual, in the unit of the target.

    ``percentage_error`` is abs(error / actual) over the rows whose actual is not zero; the others are counted in
    ``zero_actual_count``.
    """

    error: Moments
    absolute_error: Moments
    squared_error: Moments
    percentage_error: Moments
    actual: Moments
    zero_actual_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.actual.count


@dataclass(frozen=True, kw_only=True, slots=True)
class BinarySums(Sums):
    """Sums of a yes/no model at one threshold; the scores are over the rows that carry a probability."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    squared_score: Moments
    log_score: Moments

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives


@dataclass(frozen=True, kw_only=True, slots=True)
class MulticlassSums(Sums):
    """Sums of a classifier over named classes; the log score is over the rows that carry probabilities."""

    confusion: Confusion
    log_score: Moments

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        return self.confusion.count


SUMS_OF_TASK: Mapping[str, type[Sums]] = {
    "regression": RegressionSums,
    "binary": BinarySums,
    "multiclass": MulticlassSums,
}

S = TypeVar("S", bound=Sums)


def merge(parts: Sequence[S]) -> S:
    """The sums of all parts together: the same bits for every order of the parts.

    Regrouping (a week from its days instead of its hours) may differ in the last bits of totals and spreads, so
    merge any window from its hours.

    Raises:
        ValueError: if there is no part, or parts of different tasks.
    """
    if not parts:
        raise ValueError("merge needs at least one part")
    kind = type(parts[0])
    if any(type(part) is not kind for part in parts):
        raise ValueError("sums of different tasks cannot be merged")
    return kind(**{field.name: _merged([getattr(part, field.name) for part in parts]) for field in fields(kind)})


def sums_from_dict(task: str, stored: Mapping[str, Any]) -> Sums:
    """The stored sums of a model of this task ("regression", "binary" or "multiclass").

    Raises:
        KeyError: if there is no such task.
        ValueError: if the keys are not those of this task's sums.
    """
    return SUMS_OF_TASK[task].from_dict(stored)


def _to_json(value: int | Moments | Confusion) -> object:
    return value if isinstance(value, int) else value.to_json()


def _merged(values: Sequence[Any]) -> Any:
    return sum(values) if isinstance(values[0], int) else type(values[0]).merged(values)
