"""Estimates of yes/no models: from the hours' sums alone, no row is read again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.estimation.confidence import estimate_binary, unlabelled_count
from monitoring_pipeline.performance.estimation.values import Method
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.results.as_of import held_at
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.estimating.groups import Group, GroupEstimate, history_hours
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.groups import ALL, PERFORMANCE
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor


@dataclass(slots=True, kw_only=True)
class _Hours:
    """One group's hours: those of the day, and the scores of those before by day."""

    measured: list[BinarySums] = field(default_factory=list)
    history: dict[int, list[ScoreHistogram]] = field(default_factory=lambda: defaultdict(list))
    known_until: int = 0


def estimate_scores(pipeline: Pipeline, model: Model, day: int) -> list[GroupEstimate]:
    """The estimates of one day, for each version and environment that has unlabelled rows."""
    with reading(pipeline.engine) as connection:
        groups = _hours_by_group(connection, model, day)
    estimates = (_estimate(group, hours) for group, hours in sorted(groups.items()) if hours.measured)
    return [estimate for estimate in estimates if estimate.unlabelled_count]


def _estimate(group: Group, hours: _Hours) -> GroupEstimate:
    measured = merge(hours.measured)
    history = [ScoreHistogram.merged(of_day) for _, of_day in sorted(hours.history.items())]
    return GroupEstimate(
        model_version=group[0],
        environment=group[1],
        method=Method.CONFIDENCE_BASED,
        metrics=estimate_binary(measured, history),
        unlabelled_count=unlabelled_count(measured),
        trained_until=hours.known_until or None,
        trained_count=sum(day.labelled_count for day in history),
    )


def _hours_by_group(connection: Connection, model: Model, day: int) -> Mapping[Group, _Hours]:
    table, past = performance_sums.c, history_hours(model, day)
    [measured_as] = [family.measured_as for family in families(model) if family.name == PERFORMANCE]
    query = select(table.window_start, table.model_version, table.environment, table.known_from, table.sums).where(
        table.model_id == model.id,
        table.window_start.between(past.start, day + DAY_MICROS - HOUR_MICROS),
        table.segment == ALL,
        table.family == PERFORMANCE,
        table.measured_as == measured_as,
        held_at(performance_sums, None),
    )
    groups: dict[Group, _Hours] = defaultdict(_Hours)
    for row in connection.execute(query):
        hours = groups[row.model_version, row.environment]
        if row.window_start in past:
            sums = BinarySums.from_dict(orjson.loads(row.sums))
            hours.history[floor(row.window_start, Grain.DAY)].append(sums.scores)
            hours.known_until = max(hours.known_until, row.known_from)
        elif row.window_start >= day:
            hours.measured.append(BinarySums.from_dict(orjson.loads(row.sums)))
    return groups
