"""The reference of each model, prepared once per subject, grain and segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.comparable import RowsInTime
from monitoring_pipeline.drift.time_structure.season import SEASONS, Season
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.stages.drifting.groups import WHOLE, Segment
from monitoring_pipeline.stages.drifting.prepared.base import PreparedReference
from monitoring_pipeline.stages.drifting.prepared.derived import PreparedColumns, PreparedInstants
from monitoring_pipeline.stages.drifting.prepared.inputs import PreparedClassifier, PreparedTies
from monitoring_pipeline.stages.drifting.prepared.plain import PreparedCategories, PreparedNumbers
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows
from monitoring_pipeline.stages.drifting.subjects import Form, Subject
from monitoring_pipeline.stages.drifting.values import as_numbers, holds_vectors
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a reference is prepared for; equal ones are prepared once.

    Attributes:
        subjects: what is compared.
        grain: the windows that are compared with it.
        season: which windows are compared with which; ``None``: what makes comparisons sharpest.
        in_time: whether the instants of the reference's rows are made use of.
        segment: which of its rows.
    """

    subjects: tuple[Subject, ...]
    grain: Grain
    season: Season | None
    in_time: bool
    segment: Segment = WHOLE

    @classmethod
    def of(cls, model: Model, subjects: Sequence[Subject], grain: Grain, segment: Segment) -> "Wanted":
        """What the model's declaration wants; a season that windows of the grain do not have is none."""
        season = model.drift.season
        return cls(
            subjects=tuple(subjects),
            grain=grain,
            season=Season.NONE if season is not None and season not in SEASONS[grain] else season,
            in_time=not model.drift.independent_rows,
            segment=segment,
        )


@lru_cache(maxsize=128)
def prepare(rows: ReferenceRows, wanted: Wanted) -> Mapping[Subject, PreparedReference]:
    """Each subject's reference from these rows; an optional subject that they lack, or never say, is left out.

    Raises:
        MonitorError: if they lack a column, or hold what is not of its type.
    """
    required = [part for subject in wanted.subjects if not subject.optional for part in subject.parts or (subject,)]
    if missing := sorted({part.file_column for part in required if rows.column(part) is None}):
        raise MonitorError(
            f"{rows.place} has no column for {', '.join(missing)}; "
            "its columns are named as the features, or set drift: false on those features"
        )
    chosen = rows.of_segment(wanted.segment) if wanted.segment.fields else rows
    times = _times(chosen, wanted)
    references = {
        subject: _prepared_together(chosen, subject, times) if subject.parts else _prepared(chosen, subject, times)
        for subject in wanted.subjects
        if all(chosen.column(part) is not None for part in subject.parts or (subject,))
    }
    return {s: reference for s, reference in references.items() if not s.optional or reference.row_count}


def _times(rows: ReferenceRows, wanted: Wanted) -> RowsInTime | None:
    if rows.instants is None or not wanted.in_time:
        return None
    return RowsInTime(windows=rows.instants // wanted.grain.micros, grain=wanted.grain, season=wanted.season)


def _prepared(rows: ReferenceRows, subject: Subject, times: RowsInTime | None) -> PreparedReference:
    """A file is written for its purpose, so a text among its numbers is a mistake; in logged hours it is missing."""
    column = rows.column(subject)
    assert column is not None, "only subjects whose column is there are prepared"
    try:
        if subject.form is Form.NUMERIC:
            return PreparedNumbers.of(subject, column if rows.logged else as_numbers(column), times)
        if subject.form is Form.TEXT:
            return PreparedColumns.of_texts(subject, column, times)
        if subject.form is Form.VECTOR:
            if not rows.logged and not holds_vectors(column.type):
                raise TypeError
            return PreparedColumns.of_vectors(subject, column, times)
        if subject.form is Form.INSTANT:
            return PreparedInstants.of(subject, column, rows.predicted_at, times)
        return PreparedCategories.of(subject, column, times)
    except (pa.ArrowException, TypeError, ValueError):
        # The exception would quote a value of the file.
        raise MonitorError(
            f"column {subject.file_column} of {rows.place} holds {column.type} that cannot be read as {subject.form}; "
            "mend it or the feature's type, or set drift: false on the feature"
        ) from None


def _prepared_together(rows: ReferenceRows, subject: Subject, times: RowsInTime | None) -> PreparedReference:
    """Of columns that can be read, since each has been prepared for itself."""
    columns = {part: column for part in subject.parts if (column := rows.column(part)) is not None}
    if subject.form is Form.TIES:
        return PreparedTies.of(subject, columns, times)
    return PreparedClassifier.of(subject, columns, times)
