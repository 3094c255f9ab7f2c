"""The labelled rows of a model's reference: of its file, or of the joined hours of its window.

Truth that reaches the window's hours later makes another reference: days that were measured before stand as they are,
days that are measured from then on name another ``reference_id``.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.config.models import FeatureType, Model, Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows, file_reference
from monitoring_pipeline.stages.drifting.truth.outcomes import CLASS_COLUMNS, NUMBER_COLUMNS, outcomes_of
from monitoring_pipeline.stages.drifting.values import as_numbers
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.rows.hour_files import (
    HourFiles,
    hour_files,
    sampled,
    sampled_one_in,
    with_features,
)
from monitoring_pipeline.stages.rows.read_lake import hour_tables, together
from monitoring_pipeline.windows import HOUR_MICROS, to_micros

OUTCOME_COLUMNS = ("model_version", "environment", "predicted_at", *NUMBER_COLUMNS, *CLASS_COLUMNS)
LEARNABLE_TYPES = {FeatureType.NUMERIC, FeatureType.CATEGORICAL, FeatureType.BOOLEAN}

MOST_SAMPLED_ROWS = 50_000
"""Rows whose features are read, of a reference or of a day: what the smallest concept drift that counts needs."""

Features = tuple[tuple[str, FeatureType], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledReference:
    """Labelled rows in the columns of hour files.

    Attributes:
        rows: all of them, without features.
        sample: some of them, with features.
        features: the inputs that the rows know, by name.
    """

    rows: ReferenceRows
    sample: ReferenceRows
    features: Features


def labelled_reference(pipeline: Pipeline, model: Model) -> LabelledReference | None:
    """The labelled rows; ``None`` if the model declares no reference, or its file has no column of truth.

    Raises:
        MonitorError: if its file cannot be read, or holds what is no number where one is needed.
    """
    declared = model.reference
    if declared is None:
        return None
    if declared.file is not None:
        return labelled_rows(file_reference((pipeline.base / declared.file).resolve(), model_id=model.id), model)
    assert declared.start is not None, "the config demands a window or a file"
    assert declared.end is not None, "the config demands a window or a file"
    hours = range(to_micros(declared.start), to_micros(declared.end), HOUR_MICROS)
    return _of_window(pipeline.lake, tuple(hour_files(pipeline, model, hours)), model.task, _features(model))


def labelled_rows(rows: ReferenceRows, model: Model) -> LabelledReference | None:
    """The labelled ones of rows that are named as the features; ``None`` if they have no column of truth.

    Raises:
        MonitorError: if they hold what is no number where one is needed.
    """
    return _of_file(rows, model.task, _features(model))


def labelled_with_features(lake: Lake, files: HourFiles, task: Task, *, one_in: int) -> pa.Table:
    """The labelled rows of an hour, those one in ``one_in`` whose id has the right hash, with their features."""
    assert files.joined.path is not None, "joined_predictions always has a file"
    columns = ["prediction_id", *OUTCOME_COLUMNS]
    rows = lake.read(files.joined.path, checksum=files.joined.checksum, columns=columns)
    return with_features(lake, files, sampled(_labelled(rows, task), one_in))


@lru_cache(maxsize=8)
def _of_window(lake: Lake, files: tuple[HourFiles, ...], task: Task, features: Features) -> LabelledReference:
    one_in = sampled_one_in(sum(of_hour.joined.row_count for of_hour in files), most_rows=MOST_SAMPLED_ROWS)
    place = "the reference window"
    table, hours = hour_tables(lake, [of_hour.joined for of_hour in files], columns=OUTCOME_COLUMNS)
    table, hours = (table, hours) if files else (_nothing(), hours)
    chosen = outcomes_of(task).is_labelled(table)
    samples = [labelled_with_features(lake, of_hour, task, one_in=one_in) for of_hour in files]
    counts = [sample.num_rows for sample in samples]
    sample_hours = np.repeat(np.array([f.joined.window_start for f in files], dtype=np.int64), counts)
    return LabelledReference(
        rows=ReferenceRows(table=table.filter(pa.array(chosen)), instants=hours[chosen], logged=True, place=place),
        sample=ReferenceRows(
            table=together(samples) if files else _nothing(), instants=sample_hours, logged=True, place=place
        ),
        features=features,
    )


@lru_cache(maxsize=8)
def _of_file(rows: ReferenceRows, task: Task, features: Features) -> LabelledReference | None:
    names = rows.table.column_names
    if outcomes_of(task).actual.file_column not in names:
        return None
    known = tuple((name, kind) for name, kind in features if name in names)
    table = pa.table(
        {
            **{name: _numbers(rows, name) for name in NUMBER_COLUMNS},
            **{name: _classes(rows, name) for name in CLASS_COLUMNS},
            **{FEATURE_PREFIX + name: rows.table[name] for name, _ in known},
        }
    )
    chosen = outcomes_of(task).is_labelled(table)
    labelled = _in_time(
        ReferenceRows(
            table=table.filter(pa.array(chosen)),
            instants=None if rows.instants is None else rows.instants[chosen],
            logged=True,
            place=rows.place,
        )
    )
    return LabelledReference(rows=labelled, sample=_every(labelled, MOST_SAMPLED_ROWS), features=known)


def _in_time(rows: ReferenceRows) -> ReferenceRows:
    """The rows in the order of time, those of one instant in that of their contents: a file may be sorted anyhow.

    A file that does not say its rows' instants is taken as it is.
    """
    if rows.instants is None:
        return rows
    keys = [column for column in rows.table.columns if pa.types.is_primitive(column.type) or _is_text(column.type)]
    columns = {"instant": rows.instants, **{str(number): column for number, column in enumerate(keys)}}
    order = pc.sort_indices(pa.table(columns), [(name, "ascending") for name in columns])
    return replace(rows, table=rows.table.take(order), instants=rows.instants[order.to_numpy()])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _features(model: Model) -> Features:
    return tuple((name, f.type) for name, f in sorted(model.features.items()) if f.type in LEARNABLE_TYPES)


def _labelled(rows: pa.Table, task: Task) -> pa.Table:
    return rows.filter(pa.array(outcomes_of(task).is_labelled(rows)))


def _every(rows: ReferenceRows, most_rows: int) -> ReferenceRows:
    """Rows at equal distances, so that all of the file's time is in them."""
    step = max(1, -(-rows.table.num_rows // most_rows))
    if step == 1:
        return rows
    kept = np.arange(0, rows.table.num_rows, step)
    instants = None if rows.instants is None else rows.instants[kept]
    return ReferenceRows(table=rows.table.take(pa.array(kept)), instants=instants, logged=True, place=rows.place)


def _nothing() -> pa.Table:
    numbers = {name: pa.array([], type=pa.float64()) for name in NUMBER_COLUMNS}
    return pa.table({**numbers, **{name: pa.array([], type=pa.string()) for name in CLASS_COLUMNS}})


def _numbers(rows: ReferenceRows, name: str) -> pa.ChunkedArray:
    if name not in rows.table.column_names:
        return pa.chunked_array([pa.nulls(rows.table.num_rows, pa.float64())])
    column = rows.table[name]
    try:
        return as_numbers(column)
    except pa.ArrowException:
        # The exception would quote a value of the file.
        raise MonitorError(
            f"column {name} of {rows.place} holds {column.type} that cannot be read as numbers; mend it or leave it out"
        ) from None


def _classes(rows: ReferenceRows, name: str) -> pa.Array:
    if name not in rows.table.column_names:
        return pa.nulls(rows.table.num_rows, pa.string())
    return pa.array(texts(rows.table[name]), type=pa.string())
