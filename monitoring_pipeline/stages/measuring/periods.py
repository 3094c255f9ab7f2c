"""Metrics of any period, merged exactly from the sums of its hours: weeks, months, or all of a range at once.

Nothing is averaged: a week's RMSE or AUC is that of its rows. Hours are merged in one step, never from days, so that
a period has the same bits however it is asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.results.as_of import held_at, settled
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.stages.measuring.merging import merge_hours
from monitoring_pipeline.stages.measuring.stored_sums import stored_sums, sums_as_of
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, Grain, Period, floor, from_micros, isoformat, to_micros

PeriodRow = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which periods are wanted.

    Attributes:
        period: how the hours are gathered. A period that reaches beyond ``start`` or ``end`` holds only the hours
            between them.
        model_id: one model, or ``None`` for every model that has sums.
        start: hours that start at or after this instant (microseconds UTC).
        end: hours that start before this instant.
        segment: one segment, or with a star at its end every one that starts so; ``None`` for all.
        as_of: merge the sums that the monitor held to be true at this instant.
    """

    period: Period
    model_id: str | None = None
    start: int | None = None
    end: int | None = None
    segment: str | None = None
    as_of: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The sums of one period of a model.

    Attributes:
        model: its present declaration.
        spans: by family, the start of the first and the end of the last hour that was merged: hours that were measured
            under other settings are left out, and another family may not be.
        sums: by group.
    """

    model: Model
    spans: Mapping[str, tuple[int, int]]
    sums: Mapping[GroupKey, Sums]


def merged_periods(pipeline: Pipeline, asked: Asked) -> Iterator[Merged]:
    """The sums of each period, model by model and in order of time.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    instant = settled(pipeline.engine, performance_sums, asked.as_of, clock=pipeline.clock)
    with reading(pipeline.engine) as connection:
        for name in [asked.model_id] if asked.model_id is not None else _measured_models(connection):
            model = declaration(connection, pipeline.config, name)
            for hours in _gathered(_hours(connection, name, asked, instant), asked.period):
                stored = (
                    stored_sums(connection, model, hours)
                    if instant is None
                    else sums_as_of(connection, name, hours, instant=instant)
                )
                sums = _merged(stored, hours[0], asked.segment)
                yield Merged(model=model, spans=_spans(stored), sums=sums)


def period_metrics(pipeline: Pipeline, asked: Asked) -> list[PeriodRow]:
    """Metrics of each period, one row per period, group and metric.

    Returns:
        Rows as :func:`monitoring_pipeline.results.read.read_metrics` gives them; ``grain`` is the period,
        ``window_start`` and ``window_end`` enclose the hours that were merged.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    return [
        _row(merged, asked.period, key, sums, result)
        for merged in merged_periods(pipeline, asked)
        for key, sums in merged.sums.items()
        for result in evaluate(sums)
    ]


def group_of(merged: Merged, period: Period, key: GroupKey) -> PeriodRow:
    """The keys that every row about a group of a period begins with."""
    start, end = merged.spans[key.family]
    return {
        "model_id": merged.model.id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": period.value,
        "window_start": isoformat(start),
        "window_end": isoformat(end),
    }


def _measured_models(connection: Connection) -> list[str]:
    return sorted(connection.scalars(select(performance_sums.c.model_id).distinct()))


def _hours(connection: Connection, model_id: str, asked: Asked, as_of: int | None) -> list[int]:
    table = performance_sums.c
    query = select(table.window_start).where(table.model_id == model_id, held_at(performance_sums, as_of)).distinct()
    if asked.start is not None:
        query = query.where(table.window_start >= asked.start)
    if asked.end is not None:
        query = query.where(table.window_start < asked.end)
    return sorted(connection.scalars(query))


def _gathered(hours: Sequence[int], period: Period) -> list[list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for hour in hours:
        found[_period_start(hour, period)].append(hour)
    return [found[start] for start in sorted(found)]


def _period_start(hour: int, period: Period) -> int:
    """The start of the period that holds an hour, microseconds UTC.

    >>> isoformat(_period_start(1_371_600_000_000_000, Period.WEEK))
    '2013-06-17T00:00:00Z'
    """
    day = floor(hour, Grain.DAY)
    if period is Period.HOUR:
        return hour
    if period is Period.DAY:
        return day
    if period is Period.WEEK:
        return to_micros(from_micros(day) - timedelta(days=from_micros(day).weekday()))
    return to_micros(from_micros(day).replace(day=1)) if period is Period.MONTH else 0


def _spans(found: Iterable[GroupKey]) -> dict[str, tuple[int, int]]:
    hours: dict[str, set[int]] = defaultdict(set)
    for key in found:
        hours[key.family].add(key.window_start)
    return {family: (min(starts), max(starts) + HOUR_MICROS) for family, starts in hours.items()}


def _merged(found: Mapping[GroupKey, Sums], start: int, segment: str | None) -> dict[GroupKey, Sums]:
    whole = merge_hours(found, lambda _hour: start)
    ordered = sorted(whole, key=lambda key: (key.model_version, key.environment, key.segment, key.family))
    return {key: whole[key] for key in ordered if segment is None or _matches(key.segment, segment)}


def _matches(name: str, wanted: str) -> bool:
    return name.startswith(wanted.removesuffix("*")) if wanted.endswith("*") else name == wanted


def _row(merged: Merged, period: Period, key: GroupKey, sums: Sums, result: MetricValue) -> PeriodRow:
    needs_labels = sums.labelled_count > 0 or result.value is None  # a latency has a value without any label
    return {
        **group_of(merged, period, key),
        "metric": result.metric,
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "detectable_change": result.detectable_change,
        "error_bound": result.error_bound,
        "prediction_count": sums.prediction_count,
        "labelled_count": sums.labelled_count,
        "coverage": sums.labelled_count / sums.prediction_count if needs_labels and sums.prediction_count else None,
        "undefined_reason": None if result.undefined is None else result.undefined.value,
    }
