"""All inputs together: what tells a window's rows from the reference's, and whether they go together as they did.

Both are for windows of whole days, or some hours together: one hour seldom holds the rows that it takes, and trees for
each would be slow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.drift.comparable import ComparableNumbers, RowsInTime
from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.judge import Measured, MeasuredFeature
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.multivariate import domain_classifier
from monitoring_pipeline.drift.multivariate.domain_classifier import DomainClassification
from monitoring_pipeline.drift.multivariate.pca import ReconstructionReference
from monitoring_pipeline.drift.multivariate.samples import DomainReference
from monitoring_pipeline.drift.multivariate.table import Column, Table, row_count
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.season import Season
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason, shortage
from monitoring_pipeline.stages.drifting.prepared.base import WindowRows
from monitoring_pipeline.stages.drifting.prepared.derived import beside
from monitoring_pipeline.stages.drifting.prepared.joint_time import JointTime
from monitoring_pipeline.stages.drifting.subjects import Form, Subject
from monitoring_pipeline.stages.drifting.values import column_of, numbers
from monitoring_pipeline.stages.rows.columns import texts


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedTies:
    """The reconstruction error of several inputs: large in rows whose inputs do not go together as they did."""

    subject: Subject
    reference: ReconstructionReference
    errors: ComparableNumbers

    @classmethod
    def of(
        cls, subject: Subject, columns: Mapping[Subject, pa.ChunkedArray], times: RowsInTime | None
    ) -> "PreparedTies":
        """Prepare the columns of the inputs."""
        reference = ReconstructionReference.fit(_table(columns))
        measured = None if times is None else times.of_rows(reference.reference_rows)
        errors = ComparableNumbers.prepare(reference.reference_errors, measured)
        return cls(subject=subject, reference=reference, errors=errors)

    @property
    def names(self) -> Sequence[str]:
        """One: the subject's."""
        return (self.subject.name,)

    @property
    def reference_id(self) -> str:
        """The hash of the table."""
        return self.reference.content_id()

    @property
    def row_count(self) -> int:
        """How many rows the errors are compared with."""
        return self.errors.whole.values.size

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window's errors as those of any number."""
        errors = self.reference.errors(_window_table(self.subject, rows))
        constant = self.reference.undefined is UndefinedReason.NO_COLUMN_VARIES
        undefined = DriftReason.CONSTANT_REFERENCE if constant else DriftReason.TOO_FEW_REFERENCE_ROWS
        return {
            self.subject.name: beside(self.errors, errors, rows, criteria=criteria, alpha=alpha, undefined=undefined)
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedClassifier:
    """Rows of several inputs, to be told from those of a window of the same weekday or hours.

    Attributes:
        subject: the inputs.
        whole: all rows.
        table: all rows, to take those of a weekday or of some hours from.
        time: how they lie in time, if that is known.
    """

    subject: Subject
    whole: DomainReference
    table: Table
    time: JointTime | None
    _of_strata: dict[tuple[int, ...], DomainReference] = field(default_factory=dict)

    @classmethod
    def of(
        cls, subject: Subject, columns: Mapping[Subject, pa.ChunkedArray], times: RowsInTime | None
    ) -> "PreparedClassifier":
        """Prepare the columns of the inputs."""
        table = _table(columns)
        time = None if times is None or not row_count(table) else JointTime.of(table, times)
        return cls(subject=subject, whole=DomainReference.fit(table), table=table, time=time)

    @property
    def names(self) -> Sequence[str]:
        """One: the subject's."""
        return (self.subject.name,)

    @property
    def reference_id(self) -> str:
        """The hash of the table."""
        return self.whole.content_id()

    @property
    def row_count(self) -> int:
        """How many rows there are, whether all of their inputs are present or not."""
        return self.whole.row_count

    def measure(self, rows: WindowRows, *, criteria: DriftCriteria, alpha: float) -> Mapping[str, MeasuredFeature]:
        """Measure a window against the rows of its own weekday or hours, where they differ."""
        window = _window_table(self.subject, rows)
        sizes, withheld = (None, None) if self.time is None else self.time.sizes(rows.windows)
        reference = self.whole if sizes is None else self._beside(rows.windows)
        used = sizes or Sizes(reference=max(1, reference.row_count), window=row_count(window))
        found = domain_classifier.measure(reference, window, sizes=used, alpha=alpha)
        short = shortage(
            n_reference=reference.row_count,
            n_window=row_count(window),
            window_rows=row_count(window),
            min_samples=criteria.min_samples,
        )
        measured = Measured(
            measure=Measure.DOMAIN_CLASSIFIER,
            minimum_effect=criteria.minimum_effect(Measure.DOMAIN_CLASSIFIER),
            measurement=found.measurement,
            missing=short or withheld or _undefined(found),
            detail=_detail(found),
        )
        feature = MeasuredFeature(
            measured=(measured,),
            n_reference=reference.row_count,
            n_window=row_count(window),
            n_effective=used.window,
            window_count=rows.window_count,
        )
        return {self.subject.name: feature}

    def _beside(self, windows: Counts) -> DomainReference:
        assert self.time is not None, "asked only where instants are known"
        if self.time.season is Season.NONE:
            return self.whole
        wanted = self.time.strata_of(windows)
        if wanted not in self._of_strata:
            self._of_strata[wanted] = DomainReference.fit(self.time.rows_of(self.table, wanted))
        return self._of_strata[wanted]


def _table(columns: Mapping[Subject, pa.ChunkedArray]) -> Table:
    return {part.name: _values(part, column) for part, column in columns.items()}


def _window_table(subject: Subject, rows: WindowRows) -> Table:
    return _table({part: column_of(rows.table, part.column) for part in subject.parts})


def _values(part: Subject, column: pa.ChunkedArray) -> Column:
    return numbers(column) if part.form is Form.NUMERIC else texts(column, boolean=part.form is Form.BOOLEAN)


def _undefined(found: DomainClassification) -> DriftReason | None:
    if found.undefined is None:
        return None
    if found.undefined is not UndefinedReason.TOO_FEW_ROWS:
        return DriftReason.CONSTANT_REFERENCE
    few_window_rows = found.n_window < domain_classifier.FEWEST_ROWS
    return DriftReason.TOO_FEW_WINDOW_ROWS if few_window_rows else DriftReason.TOO_FEW_REFERENCE_ROWS


def _detail(found: DomainClassification) -> Mapping[str, object] | None:
    if found.auc is None:
        return None
    top = [{"feature": one.feature, "importance": one.importance} for one in found.top_features]
    return {"auc": found.auc, "top_features": top}
