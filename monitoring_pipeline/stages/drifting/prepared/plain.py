"""Numbers and categories, compared as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from monitoring_pipeline.drift.comparable import ComparableCategories, ComparableNumbers, RowsInTime
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.verdict import DriftCriteria
from monitoring_pipeline.stages.drifting.prepared.base import WindowRows
from monitoring_pipeline.stages.drifting.subjects import Form, Subject
from monitoring_pipeline.stages.drifting.values import Categories, categories, column_of, numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedNumbers:
    """A column of numbers."""

    subject: Subject
    comparable: ComparableNumbers

    @classmethod
    def of(cls, subject: Subject, column: pa.ChunkedArray, times: RowsInTime | None) -> "PreparedNumbers":
        """Prepare a column; what is not a number in it is missing."""
        return cls(subject=subject, comparable=ComparableNumbers.prepare(numbers(column), times))

    @property
    def names(self) -> Sequence[str]:
        """One: the subject's."""
        return (self.subject.name,)

    @cached_property
    def reference_id(self) -> str:
        """The hash of the content."""
        return self.comparable.whole.content_id()

    @property
    def row_count(self) -> int:
        """How many values are present."""
        return self.comparable.whole.values.size

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window."""
        values = numbers(column_of(rows.table, self.subject.column))
        found = self.comparable.evaluate(
            values, rows.windows, criteria=criteria, alpha=alpha, window_count=rows.window_count
        )
        return {self.subject.name: found}


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedCategories:
    """A column of categories, or of true and false."""

    subject: Subject
    comparable: ComparableCategories

    @classmethod
    def of(cls, subject: Subject, column: pa.ChunkedArray, times: RowsInTime | None) -> "PreparedCategories":
        """Prepare a column."""
        found = _categories(subject, column)
        return cls(subject=subject, comparable=ComparableCategories.prepare(found.codes, found.names, times))

    @property
    def names(self) -> Sequence[str]:
        """One: the subject's."""
        return (self.subject.name,)

    @cached_property
    def reference_id(self) -> str:
        """The hash of the content."""
        return self.comparable.whole.content_id()

    @property
    def row_count(self) -> int:
        """How many values are present."""
        return self.comparable.whole.row_count

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window."""
        found = _categories(self.subject, column_of(rows.table, self.subject.column))
        measured = self.comparable.evaluate(
            found.codes, found.names, rows.windows, criteria=criteria, alpha=alpha, window_count=rows.window_count
        )
        return {self.subject.name: measured}


def _categories(subject: Subject, column: pa.ChunkedArray) -> Categories:
    return categories(column, boolean=subject.form is Form.BOOLEAN)
