"""Estimates of regressions: what the errors of rows without truth are like, by rows of the past with equal features.

Which rows wait is not by chance (a flight that has not landed is a late one), so they are compared with rows that
were still waiting when their day was as old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.performance.estimation.direct_loss import (
    LabelledRows,
    Learned,
    estimate_regression,
    is_enough,
    learn_losses,
)
from monitoring_pipeline.performance.estimation.values import EstimationReason, Method
from monitoring_pipeline.performance.rows.grouping import Floats
from monitoring_pipeline.stages.drifting.values import numbers
from monitoring_pipeline.stages.estimating.groups import Group, GroupEstimate, history_hours
from monitoring_pipeline.stages.estimating.rows import (
    is_labelled,
    is_waiting,
    joined_rows,
    known_since,
    labelled_sample,
    learning_columns,
    of_group,
)
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.hour_files import HourFiles, hour_files, sampled_one_in, with_features
from monitoring_pipeline.stages.rows.read_lake import together
from monitoring_pipeline.windows import Grain, Window, floor

MAX_HISTORY_ROWS = 20_000  # twelve fits of 0.1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """What was learned of a group, and from what."""

    learned: Learned | EstimationReason
    trained_until: int | None
    trained_count: int


def estimate_losses(pipeline: Pipeline, model: Model, day: int) -> list[GroupEstimate]:
    """The estimates of one day, for each version and environment that has unlabelled rows."""
    present = hour_files(pipeline, model, list(Window(day, Grain.DAY).hours()))
    joined_hours = [joined_rows(pipeline.lake, files) for files in present]
    waiting = together(
        [
            with_features(pipeline.lake, files, rows.filter(pa.array(is_waiting(rows))))
            for files, rows in zip(present, joined_hours, strict=True)
        ]
    )
    if not waiting.num_rows:
        return []
    labelled = together([rows.filter(pa.array(is_labelled(rows))) for rows in joined_hours])
    past = tuple(hour_files(pipeline, model, list(history_hours(model, day))))
    estimated = []
    for group in _groups(waiting):
        known = _of_group(labelled, group)
        lesson = _lesson(pipeline.lake, past, _Declared(model), group, _label_age(known, day))
        estimated.append(_estimate(group, model, lesson, known, _of_group(waiting, group)))
    return estimated


def _label_age(labelled: pa.Table, day: int) -> int | None:
    """How long after its start a day last learned of a truth; ``None`` if it never did.

    The rows that wait are those that were not labelled by then, and rows of the past are taken at the same age. It is
    told by the rows and not by the clock, so that a day computed again learns the same.
    """
    last = pc.max(known_since(labelled)).as_py() if labelled.num_rows else None
    return None if last is None else last - day


def _estimate(group: Group, model: Model, lesson: _Lesson, labelled: pa.Table, waiting: pa.Table) -> GroupEstimate:
    return GroupEstimate(
        model_version=group[0],
        environment=group[1],
        method=Method.DIRECT_LOSS,
        metrics=estimate_regression(
            lesson.learned,
            measured=_errors(labelled),
            unlabelled=learning_columns(model, waiting),
            unlabelled_count=waiting.num_rows,
        ),
        unlabelled_count=waiting.num_rows,
        trained_until=lesson.trained_until,
        trained_count=lesson.trained_count,
    )


class _Declared:
    """A declaration as part of a cache's key: two are equal if their features are."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._features = tuple(sorted((name, feature.type.value) for name, feature in model.features.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Declared) and self._features == other._features

    def __hash__(self) -> int:
        return hash(self._features)


@lru_cache(maxsize=32)  # a day that is computed again learns from the same files again
def _lesson(lake: Lake, past: Sequence[HourFiles], declared: _Declared, group: Group, label_age: int | None) -> _Lesson:
    """What rows of the past say that were still waiting when their day was of this label age."""
    one_in = sampled_one_in(sum(files.joined.row_count for files in past), most_rows=MAX_HISTORY_ROWS)
    samples = [labelled_sample(lake, files, one_in) for files in past]
    days = np.repeat([floor(files.joined.window_start, Grain.DAY) for files in past], [s.num_rows for s in samples])
    rows = together(samples)
    if not rows.num_rows:
        return _Lesson(learned=EstimationReason.NOT_ENOUGH_HISTORY, trained_until=None, trained_count=0)
    rows = _of_group(rows.append_column("day", pa.array(days, type=pa.int64())), group)
    waited = rows if label_age is None else rows.filter(_is_known_after(rows, label_age))
    learned = learn_losses(_history(declared.model, waited))
    if learned is EstimationReason.NOT_ENOUGH_HISTORY and is_enough(_history(declared.model, rows)):
        learned = EstimationReason.TOO_FEW_LABELS_SO_LATE
    return _Lesson(
        learned=learned,
        trained_until=pc.max(waited["actual_received_at"]).as_py(),
        trained_count=waited.num_rows,
    )


def _is_known_after(rows: pa.Table, label_age: int) -> pa.ChunkedArray:
    return pc.greater(known_since(rows), pc.add(rows["day"], label_age))


def _history(model: Model, rows: pa.Table) -> LabelledRows:
    return LabelledRows(columns=learning_columns(model, rows), error=_errors(rows), day=rows["day"].to_numpy())


def _groups(rows: pa.Table) -> list[Group]:
    return sorted(set(zip(rows["model_version"].to_pylist(), rows["environment"].to_pylist(), strict=True)))


def _of_group(rows: pa.Table, group: Group) -> pa.Table:
    return of_group(rows, {"model_version": group[0], "environment": group[1]})


def _errors(rows: pa.Table) -> Floats:
    with np.errstate(over="ignore"):  # an overflow becomes "undefined: overflow"
        errors: Floats = numbers(rows["predicted_value"]) - numbers(rows["actual_value"])
    return errors
