"""How a model served lately, as of now, whatever is known of the truth: what a quick look at its health needs.

It is asked for every few seconds while events come in. Predictions never change, so late truth makes nothing of this
outdated, and of an hour with many rows only the parts are read again to which rows came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.read import count_by_part, revisions_between
from monitoring_pipeline.events.serving import Served, served_between
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.reports.hour_rows import MOST_ROWS_AT_ONCE, merged_parts, stretches
from monitoring_pipeline.reports.kept_sums import KeptSums
from monitoring_pipeline.stages.measuring.families.operations import OPERATIONS, operations
from monitoring_pipeline.stages.measuring.groups import ALL, GroupKey
from monitoring_pipeline.stages.measuring.merging import merge_hours
from monitoring_pipeline.stages.measuring.performance_results import HOURLY
from monitoring_pipeline.stages.measuring.stored_sums import stored_sums
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS, Grain, floor

PART_MICROS = 60 * SECOND_MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """How a model served in its last hours.

    Attributes:
        prediction_count: of all versions and environments.
        groups: the metrics of each version in each environment that predicted.
    """

    prediction_count: int
    groups: tuple[tuple[MetricValue, ...], ...]


class PresentOperations:
    """Answers about the last hours of models; one for each process, used by all its threads.

    Args:
        pipeline: the installation.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._hours = KeptSums()
        self._parts = KeptSums()

    def of_last_hours(self, model_id: str, hours: int) -> Operations:
        """How a model served in the whole hours before the present one, and in the present one as far as it has come.

        Args:
            model_id: a model, declared or not.
            hours: how many, at least 1; the present one is not counted.

        Raises:
            MonitorError: if the store cannot be reached.
        """
        now = self._pipeline.clock()
        start = floor(now, Grain.HOUR) - hours * HOUR_MICROS
        # What an undeclared model predicts makes no difference here, and to infer it may take a look at every row.
        model = self._pipeline.config.model(model_id) or Model(id=model_id, task=Task.REGRESSION)
        with reading(self._pipeline.engine) as connection:
            # Revisions first, rows after: what lands in between makes the hour newer than what is kept of it.
            revisions = revisions_between(connection, model_id, start, now, predictions_only=True)
            found = _stored(connection, model, revisions)
            stored = {key.window_start for key in found}
            changed = {hour: revision for hour, revision in revisions.items() if hour not in stored}
            for of_hour in self._hours.each(model.id, changed, partial(self._of_hour, connection, model)):
                found |= of_hour
        merged = merge_hours(found, lambda _hour: start)
        return Operations(
            prediction_count=sum(sums.prediction_count for sums in merged.values()),
            groups=tuple(tuple(evaluate(sums)) for sums in merged.values()),
        )

    def _of_hour(self, connection: Connection, model: Model, hour: int) -> dict[GroupKey, Sums]:
        end = hour + HOUR_MICROS
        of_stretch = partial(_of_stretch, connection, model, hour)
        counts = count_by_part(connection, model.id, hour, end, part_micros=PART_MICROS)
        if sum(counts.values()) <= MOST_ROWS_AT_ONCE:
            return of_stretch(hour, end)

        def of_part(part: int) -> dict[GroupKey, Sums]:
            pieces = stretches(connection, model.id, part, part + PART_MICROS)
            return merged_parts([of_stretch(*piece) for piece in pieces])

        # Rows come and never change or go while an hour is looked back at: a part of as many rows is the same part.
        return merged_parts(self._parts.each(model.id, counts, of_part))


def _stored(connection: Connection, model: Model, revisions: Mapping[int, int]) -> dict[GroupKey, Sums]:
    """The stored sums of hours to which no prediction came since, as far as they are of the present declaration."""
    entries = ledger.entries(connection, HOURLY, revisions.keys(), model_id=model.id)
    computed = [hour for (_, hour), entry in entries.items() if entry.revision >= revisions[hour]]
    return stored_sums(connection, model, computed, wanted=[operations(model)])


def _of_stretch(connection: Connection, model: Model, hour: int, start: int, end: int) -> dict[GroupKey, Sums]:
    groups = served_between(connection, model.id, start, end)
    if not groups:
        return {}
    found = operations_sums(
        np.repeat(np.arange(len(groups)), [len(group.confidence) for group in groups]),
        len(groups),
        latency_ms=np.concatenate([group.latency_ms for group in groups]),
        confidence=np.concatenate([group.confidence for group in groups]),
        low_confidence=model.low_confidence,
        resources={},
        window_seconds=HOUR_MICROS // SECOND_MICROS,
    )
    return {_key(hour, group): sums for group, sums in zip(groups, found, strict=True)}


def _key(hour: int, group: Served) -> GroupKey:
    return GroupKey(
        window_start=hour,
        model_version=group.model_version,
        environment=group.environment,
        segment=ALL,
        family=OPERATIONS,
    )
