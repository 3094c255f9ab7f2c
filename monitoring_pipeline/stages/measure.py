"""From joined rows to the sums of every group: whole models and the values of each declared segment."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows.columns import probability_of_actual
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.stages.columns import SEGMENT_PREFIX
from monitoring_pipeline.stages.groups import ALL, GroupKey, Groups, group_rows


def grouped_sums(model: Model, table: pa.Table, windows: npt.NDArray[np.int64]) -> dict[GroupKey, Sums]:
    """The sums of each group.

    Args:
        model: names the task and the segments.
        table: rows of ``joined_predictions``.
        windows: each row's window.
    """
    if not table.num_rows:
        return {}
    compute = _task_function(model, table)
    result = _by_key(group_rows(table, windows), compute)
    for name in model.segments:
        column = SEGMENT_PREFIX + name
        if column in table.column_names:
            groups = group_rows(table, windows, segment_column=column)
            result |= _within_limit(_by_key(groups, compute), model.max_segment_values)
    return result


def complete_segments(sums: Mapping[GroupKey, Sums]) -> dict[GroupKey, Sums]:
    """Drop segments that do not account for every prediction of their model, version and environment.

    An hour leaves a segment out when it has more values than the model allows. In a day merged from such
    hours its values would be short of rows and still look whole; they are absent instead.
    """
    counted: dict[tuple[int, str, str, str], int] = defaultdict(int)
    for key, value in sums.items():
        counted[(*_owner(key), _segment_field(key.segment))] += value.prediction_count
    return {
        key: value
        for key, value in sums.items()
        if counted[(*_owner(key), _segment_field(key.segment))] == counted[(*_owner(key), ALL)]
    }


def _segment_field(segment: str) -> str:
    """The field that a segment ``field=value`` splits by; ``all`` for whole models."""
    return segment.split("=", 1)[0]


def _owner(key: GroupKey) -> tuple[int, str, str]:
    return key.window_start, key.model_version, key.environment


def _by_key(groups: Groups, compute: Callable[[Groups], Sequence[Sums]]) -> dict[GroupKey, Sums]:
    return dict(zip(groups.keys, compute(groups), strict=True))


def _within_limit(found: dict[GroupKey, Sums], most_values: int) -> dict[GroupKey, Sums]:
    values: dict[int, set[str]] = defaultdict(set)
    for key in found:
        values[key.window_start].add(key.segment)
    return {key: sums for key, sums in found.items() if len(values[key.window_start]) <= most_values}


def measured_as(model: Model) -> str:
    """What of the declaration the sums depend on; sums of different kinds must not be merged.

    >>> from monitoring_pipeline.config.models import Model
    >>> measured_as(Model(id="churn", task="binary", threshold=0.3))
    'binary at 0.3'
    """
    return f"{model.task} at {model.threshold!r}" if model.task is Task.BINARY else model.task.value


def _task_function(model: Model, table: pa.Table) -> Callable[[Groups], Sequence[Sums]]:
    """The task's function from groups to sums, with the table's columns bound."""
    labelled = table["actual_received_at"].is_valid().to_numpy()
    if model.task is Task.MULTICLASS:
        said, true = table["predicted_class"].to_pylist(), table["actual_class"].to_pylist()
        probabilities = [orjson.loads(text) if text else None for text in table["probabilities"].to_pylist()]
        of_actual = probability_of_actual(true, probabilities)
        return lambda g: multiclass_sums(
            g.codes, len(g.keys), predicted=said, actual=true, actual_probability=of_actual, labelled=labelled
        )
    predicted, actual = _floats(table, "predicted_value"), _floats(table, "actual_value")
    if model.task is Task.REGRESSION:
        return lambda g: regression_sums(g.codes, len(g.keys), predicted=predicted, actual=actual, labelled=labelled)
    proba = _floats(table, "prediction_proba")
    return lambda g: binary_sums(
        g.codes,
        len(g.keys),
        predicted=predicted,
        actual=actual,
        proba=proba,
        threshold=model.threshold,
        labelled=labelled,
    )


def _floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """A numeric column with NaN where there is no value."""
    values: npt.NDArray[np.float64] = table[name].to_numpy()
    return values
