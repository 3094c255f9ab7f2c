"""Drift of any stretch of time up to now, from the events as they are stored; nothing is kept."""

from collections import defaultdict

import numpy as np

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.read import predictions_of_hours
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.drifting.groups import group_tables
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows, declared_rows
from monitoring_pipeline.stages.drifting.references import Wanted, prepare
from monitoring_pipeline.stages.drifting.result_rows import Comparison, judged_rows
from monitoring_pipeline.stages.drifting.subjects import input_subjects, output_subjects
from monitoring_pipeline.stages.drifting.windows import comparisons_between
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.columns import logged_table
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor


def look_back(
    pipeline: Pipeline, model: Model, *, start: int, end: int, reference: ReferenceRows | None = None
) -> list[Row]:
    """The verdicts on the predictions of ``[start, end)`` as rows like those of ``drift_results``.

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
    first = floor(start, Grain.HOUR)
    with reading(pipeline.engine) as connection:
        events = predictions_of_hours(connection, model.id, range(first, end, HOUR_MICROS))
    table = logged_table(model, events)
    instants = table["predicted_at"].to_numpy()
    chosen = (instants >= start) & (instants < end)
    table, hours = table.filter(chosen), instants[chosen] // HOUR_MICROS * HOUR_MICROS
    subjects = [*input_subjects(model), *output_subjects(model)]
    together: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for group in group_tables(table, hours.astype(np.int64), splits=model.drift.splits):
        references = prepare(rows, Wanted.of(model, subjects, Grain.HOUR, group.segment))
        found = comparisons_between(model, Grain.HOUR, [(first, end)], group, references)
        together[group.key.model_version, group.key.environment] += found
    if table.num_rows and not any(together.values()):
        raise MonitorError(
            f"nothing of {model.id} can be compared: it declares no feature that is measured for drift, and "
            f"{rows.place} does not say what was predicted; declare its features"
        )
    return [row for judged in together.values() for row in judged_rows(model, Grain.HOUR, judged)]
