"""A model's days of labelled rows beside its reference, as rows of ``drift_results``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.drifting.groups import GroupRows, group_tables
from monitoring_pipeline.stages.drifting.result_rows import judged_rows
from monitoring_pipeline.stages.drifting.truth.compared import PreparedTruth, labelled_of
from monitoring_pipeline.stages.drifting.truth.level import PreparedStream, prepared_stream
from monitoring_pipeline.stages.drifting.truth.reference import (
    MOST_SAMPLED_ROWS,
    OUTCOME_COLUMNS,
    LabelledReference,
    labelled_with_features,
)
from monitoring_pipeline.stages.drifting.truth.streams import DAYS_BEFORE, stream_rows
from monitoring_pipeline.stages.rows.hour_files import HourFiles, sampled_one_in
from monitoring_pipeline.stages.rows.read_lake import hour_tables, together
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything that a model's days are compared with.

    Attributes:
        truth: the truth's distribution, and errors at equal inputs.
        stream: the level of the errors; ``None`` where rows have no error of their own.
    """

    truth: PreparedTruth
    stream: PreparedStream | None

    @classmethod
    def of(cls, model: Model, reference: LabelledReference) -> "Prepared":
        """Prepare a reference; each part once."""
        return cls(
            truth=PreparedTruth.of(model, reference, Grain.DAY),
            stream=prepared_stream(reference, model.task, model.threshold),
        )


def hours_of(days: Collection[int]) -> list[int]:
    """The hours that are read for some days: their own and those of the days before."""
    before = DAYS_BEFORE * DAY_MICROS
    return sorted({hour for day in days for hour in range(day - before, day + DAY_MICROS, HOUR_MICROS)})


def rows_of_days(
    lake: Lake, model: Model, days: Collection[int], files: Sequence[HourFiles], prepared: Prepared
) -> dict[int, list[Row]]:
    """The rows of each day: of every version and environment with predictions, whatever is known of their truth.

    Args:
        lake: where the files are.
        model: the declaration.
        days: their starts.
        files: of :func:`hours_of` the days, in order.
        prepared: the reference.
    """
    table, hours = hour_tables(lake, [of_hour.joined for of_hour in files], columns=OUTCOME_COLUMNS)
    if not table.num_rows:
        return {day: [] for day in days}
    # An hour's file is in the order of ids, which a stable sort keeps among predictions of one instant.
    order = np.argsort(table["predicted_at"].to_numpy(), kind="stable")
    groups = list(group_tables(table.take(pa.array(order)), hours[order], splits=()))
    return {day: _day_rows(lake, model, day, _of_day(files, day), groups, prepared) for day in days}


def _day_rows(
    lake: Lake, model: Model, day: int, files: Sequence[HourFiles], groups: Sequence[GroupRows], prepared: Prepared
) -> list[Row]:
    predicting = [group for group in groups if group.count(day, day + DAY_MICROS)]
    if not predicting:
        return []
    features = _with_features(lake, model, files) if prepared.truth.concept is not None else pa.table({})
    return [row for group in predicting for row in _group_rows(model, day, group, features, prepared)]


def _group_rows(model: Model, day: int, group: GroupRows, features: pa.Table, prepared: Prepared) -> list[Row]:
    end = day + DAY_MICROS
    labelled = labelled_of(model, group)
    key = group.key.within(day)
    rows = judged_rows(model, Grain.DAY, prepared.truth.compare(model, (day, end), key, labelled, features))
    if prepared.stream is not None:
        replayed, _ = labelled.between(day - DAYS_BEFORE * DAY_MICROS, end)
        rows += stream_rows(model, key, replayed, prepared.stream)
    return rows


def _with_features(lake: Lake, model: Model, files: Sequence[HourFiles]) -> pa.Table:
    one_in = sampled_one_in(sum(of_hour.joined.row_count for of_hour in files), most_rows=MOST_SAMPLED_ROWS)
    return together([labelled_with_features(lake, of_hour, model.task, one_in=one_in) for of_hour in files])


def _of_day(files: Sequence[HourFiles], day: int) -> list[HourFiles]:
    return [of_hour for of_hour in files if day <= of_hour.joined.window_start < day + DAY_MICROS]
