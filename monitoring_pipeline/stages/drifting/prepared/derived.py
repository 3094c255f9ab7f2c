"""Texts, vectors and instants, compared by columns that are derived from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.comparable import ComparableCategories, ComparableNumbers, RowsInTime
from monitoring_pipeline.drift.derived.content import Rows
from monitoring_pipeline.drift.derived.instants import InstantReference
from monitoring_pipeline.drift.derived.text import TextReference
from monitoring_pipeline.drift.derived.vectors import VectorReference
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason
from monitoring_pipeline.stages.drifting.prepared.base import WindowRows
from monitoring_pipeline.stages.drifting.subjects import Subject
from monitoring_pipeline.stages.drifting.values import column_of, encoded, instants, vectors
from monitoring_pipeline.stages.rows.columns import texts


class RowReference(Protocol):
    """What was learned from one half of a reference's rows, and measured on the other."""

    @property
    def reference_rows(self) -> Rows:
        """Which rows were measured."""
        ...

    @property
    def reference_columns(self) -> Mapping[str, Floats]:
        """The columns of these rows."""
        ...

    def columns(self, values: Sequence[Any], /) -> Mapping[str, Floats]:
        """The same columns of a window's rows."""
        ...

    def content_id(self) -> str:
        """The hash of the rows."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedColumns:
    """A feature that is compared by numbers of its rows: free text, or vectors."""

    subject: Subject
    reference: RowReference
    read: Callable[[pa.ChunkedArray], Sequence[Any]]
    columns: Mapping[str, ComparableNumbers]

    @classmethod
    def of_texts(cls, subject: Subject, column: pa.ChunkedArray, times: RowsInTime | None) -> "PreparedColumns":
        """Prepare free text: its likeness to the reference's, its unknown words, its length."""
        return cls._of(subject, TextReference.fit(texts(column)), texts, times)

    @classmethod
    def of_vectors(cls, subject: Subject, column: pa.ChunkedArray, times: RowsInTime | None) -> "PreparedColumns":
        """Prepare vectors: how far, how odd, in which direction."""
        return cls._of(subject, VectorReference.fit(vectors(column)), vectors, times)

    @classmethod
    def _of(
        cls,
        subject: Subject,
        reference: RowReference,
        read: Callable[[pa.ChunkedArray], Sequence[Any]],
        times: RowsInTime | None,
    ) -> "PreparedColumns":
        measured = None if times is None else times.of_rows(reference.reference_rows)
        found = reference.reference_columns
        # Without any value all stay, to say so: a feature that is silently left out would look healthy.
        defined = {name: values for name, values in found.items() if not np.isnan(values).all()} or found
        columns = {
            _name(subject, name): ComparableNumbers.prepare(values, measured) for name, values in defined.items()
        }
        return cls(subject=subject, reference=reference, read=read, columns=columns)

    @property
    def names(self) -> Sequence[str]:
        """One per derived column."""
        return tuple(self.columns)

    @property
    def reference_id(self) -> str:
        """The hash of the values."""
        return self.reference.content_id()

    @property
    def row_count(self) -> int:
        """How many rows the derived columns are compared with."""
        return max((column.whole.values.size for column in self.columns.values()), default=0)

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window, column by column."""
        found = self.reference.columns(self.read(column_of(rows.table, self.subject.column)))
        values = {_name(self.subject, name): column for name, column in found.items()}
        return {
            name: beside(comparable, values[name], rows, criteria=criteria, alpha=alpha)
            for name, comparable in self.columns.items()
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedInstants:
    """A column of instants: how long before the prediction they lie, and at which hour and weekday."""

    subject: Subject
    reference: InstantReference
    age: ComparableNumbers
    categories: Mapping[str, ComparableCategories]

    @classmethod
    def of(
        cls, subject: Subject, column: pa.ChunkedArray, predicted_at: Floats, times: RowsInTime | None
    ) -> "PreparedInstants":
        """Prepare a column of instants beside the instants of their predictions."""
        reference = InstantReference.fit(instants(column), predicted_at)
        columns = reference.reference_columns
        prepared = {
            name: ComparableCategories.prepare(*encoded(values), times) for name, values in columns.categories.items()
        }
        # Where nobody knows when the prediction was made, the age is not missing: it cannot be asked for.
        known = np.flatnonzero(~np.isnan(predicted_at))
        age = ComparableNumbers.prepare(columns.age_seconds[known], None if times is None else times.of_rows(known))
        return cls(subject=subject, reference=reference, age=age, categories=prepared)

    @property
    def names(self) -> Sequence[str]:
        """The age, and the calendar's columns that can be compared."""
        return (_name(self.subject, "age"), *(_name(self.subject, name) for name in self.categories))

    @property
    def reference_id(self) -> str:
        """The hash of the ages."""
        return self.age.whole.content_id()

    @property
    def row_count(self) -> int:
        """How many instants are present."""
        return self.age.whole.values.size

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window, column by column."""
        predicted_at: Floats = rows.table["predicted_at"].to_numpy().astype(np.float64)
        found = self.reference.columns(instants(column_of(rows.table, self.subject.column)), predicted_at)
        count = rows.window_count
        age = beside(self.age, found.age_seconds, rows, criteria=criteria, alpha=alpha)
        measured = {_name(self.subject, "age"): age}
        for name, comparable in self.categories.items():
            codes, names = encoded(found.categories[name])
            measured[_name(self.subject, name)] = comparable.evaluate(
                codes, names, rows.windows, criteria=criteria, alpha=alpha, window_count=count
            )
        return measured


def beside(
    comparable: ComparableNumbers,
    values: Floats,
    rows: WindowRows,
    *,
    criteria: DriftCriteria,
    alpha: float,
    undefined: DriftReason = DriftReason.TOO_FEW_REFERENCE_ROWS,
) -> MeasuredFeature:
    """Measure a derived column of a window.

    What could not be learned from a reference is missing in every window too, and for the reference's reason.
    """
    found = comparable.evaluate(values, rows.windows, criteria=criteria, alpha=alpha, window_count=rows.window_count)
    if comparable.whole.values.size or not np.isnan(values).all():
        return found
    return replace(found, measured=tuple(replace(m, measurement=None, missing=undefined) for m in found.measured))


def _name(subject: Subject, column: str) -> str:
    return f"{subject.name}: {column}"
