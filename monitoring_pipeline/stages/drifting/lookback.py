"""Drift of any stretch of time up to now, from the events as they are stored; nothing is kept.

Everything is compared as hours are, also inputs together and the truth: a stretch of six hours at night beside those
hours of the reference, as a day of the pipeline is beside its weekday. Detectors that read row by row are the
pipeline's alone: they need the days before.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.arrays import Counts
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.read import predictions_of_hours
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.drifting.groups import GroupRows, group_tables
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows, declared_rows
from monitoring_pipeline.stages.drifting.references import Wanted, prepare
from monitoring_pipeline.stages.drifting.result_rows import Comparison, judged_rows
from monitoring_pipeline.stages.drifting.subjects import input_subjects, joint_subjects, output_subjects
from monitoring_pipeline.stages.drifting.truth.compared import PreparedTruth, labelled_of
from monitoring_pipeline.stages.drifting.truth.outcomes import outcomes_of
from monitoring_pipeline.stages.drifting.truth.reference import (
    MOST_SAMPLED_ROWS,
    LabelledReference,
    labelled_reference,
    labelled_rows,
)
from monitoring_pipeline.stages.drifting.windows import comparisons_between
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.columns import logged_table
from monitoring_pipeline.stages.rows.hour_files import sampled, sampled_one_in
from monitoring_pipeline.stages.rows.joined import current_truth, with_truth
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stretch:
    """The rows from where to where, with the truth that is known of them now.

    Attributes:
        look: the start of the first hour, and the end.
        table: the rows, with features and truth.
        hours: the hour of each row.
    """

    look: tuple[int, int]
    table: pa.Table
    hours: Counts

    @classmethod
    def read(cls, pipeline: Pipeline, model: Model, start: int, end: int) -> "_Stretch":
        first = floor(start, Grain.HOUR)
        hours = range(first, end, HOUR_MICROS)
        with reading(pipeline.engine) as connection:
            events = predictions_of_hours(connection, model.id, hours)
            truth = current_truth(connection, model.id, hours)
        table = with_truth(logged_table(model, events), truth)
        instants = table["predicted_at"].to_numpy()
        chosen = (instants >= start) & (instants < end)
        found: Counts = instants[chosen] // HOUR_MICROS * HOUR_MICROS
        return cls(look=(first, end), table=table.filter(pa.array(chosen)), hours=found)

    def groups(self, splits: Sequence[Sequence[str]]) -> list[GroupRows]:
        return list(group_tables(self.table, self.hours.astype(np.int64), splits=splits))


def look_back(
    pipeline: Pipeline, model: Model, *, start: int, end: int, reference: ReferenceRows | None = None
) -> list[Row]:
    """The verdicts on the predictions of ``[start, end)`` as rows like those of ``drift_results``.

    Labels that are too few are not enough data; where the reference has no truth, or knows of no error, there is no row
    of it.

    Args:
        pipeline: the installation.
        model: the declaration.
        start: microseconds UTC.
        end: microseconds UTC.
        reference: what to compare with; what the model declares where not given.

    Returns:
        The rows; none if there were no predictions.

    Raises:
        MonitorError: if the reference cannot be read, lacks a feature, or has nothing that can be compared.
    """
    rows = reference if reference is not None else declared_rows(pipeline, model)
    assert rows is not None, "the caller has seen to it that there is a reference"
    stretch = _Stretch.read(pipeline, model, start, end)
    if not stretch.table.num_rows:
        return []
    truth = labelled_reference(pipeline, model) if reference is None else labelled_rows(reference, model)
    together: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for comparison in [*_said_and_seen(model, stretch, rows), *_known(model, stretch, truth)]:
        together[comparison.key.model_version, comparison.key.environment].append(comparison)
    if not together:
        raise MonitorError(
            f"nothing of {model.id} can be compared: it declares no feature that is measured for drift, and "
            f"{rows.place} does not say what was predicted; declare its features"
        )
    return [row for judged in together.values() for row in judged_rows(model, Grain.HOUR, judged)]


def _said_and_seen(model: Model, stretch: _Stretch, rows: ReferenceRows) -> Iterator[Comparison]:
    """Inputs, each and together as the model asks for, and outputs."""
    subjects = [*input_subjects(model), *joint_subjects(model, Grain.DAY), *output_subjects(model)]
    for group in stretch.groups(model.drift.splits):
        references = prepare(rows, Wanted.of(model, subjects, Grain.HOUR, group.segment))
        yield from comparisons_between(model, Grain.HOUR, [stretch.look], group, references)


def _known(model: Model, stretch: _Stretch, reference: LabelledReference | None) -> Iterator[Comparison]:
    """The truth, and its relation to the inputs."""
    if reference is None:
        return
    prepared = PreparedTruth.of(model, reference, Grain.HOUR)
    labelled = stretch.table.filter(pa.array(outcomes_of(model.task).is_labelled(stretch.table)))
    features = sampled(labelled, sampled_one_in(labelled.num_rows, most_rows=MOST_SAMPLED_ROWS))
    for group in stretch.groups(()):
        yield from prepared.compare(model, stretch.look, group.key, labelled_of(model, group), features)
