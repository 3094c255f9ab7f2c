"""Hourly and daily partitions over all models: the model is a column, not a partition.

8,760 hours a year stay far below the number of keys that Dagster advises; times the models they would not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from monitoring_pipeline.stages.span import MonitoredSpan
from monitoring_pipeline.windows import Grain, from_micros, to_micros

HOUR_FORMAT = "%Y-%m-%d-%H:%M"
DAY_FORMAT = "%Y-%m-%d"

# Windows of one run. A range run that dies is started again whole, so a month of hours is enough.
LONGEST_RANGE = {Grain.HOUR: 744, Grain.DAY: 92}


@dataclass(frozen=True, kw_only=True)
class Partitions:
    """The two time partitions of one installation."""

    hourly: dg.HourlyPartitionsDefinition
    daily: dg.DailyPartitionsDefinition

    def of(self, grain: Grain) -> dg.TimeWindowPartitionsDefinition:
        """The partitions of a grain."""
        return self.hourly if grain is Grain.HOUR else self.daily


def partitions_for(span: MonitoredSpan) -> Partitions:
    """Partitions from the first monitored hour to the last, or to the present."""
    start, end = from_micros(span.start), None if span.end is None else from_micros(span.end)
    return Partitions(
        hourly=dg.HourlyPartitionsDefinition(start_date=start, end_date=end, fmt=HOUR_FORMAT),
        daily=dg.DailyPartitionsDefinition(
            start_date=start.replace(hour=0), end_date=None if end is None else _next_midnight(end), fmt=DAY_FORMAT
        ),
    )


def _next_midnight(instant: datetime) -> datetime:
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == instant else midnight + timedelta(days=1)


def window_start(key: str) -> int:
    """The start of the window that a partition key names, in microseconds UTC."""
    fmt = DAY_FORMAT if len(key) == len("2026-01-01") else HOUR_FORMAT
    return to_micros(datetime.strptime(key, fmt).replace(tzinfo=UTC))


def window_starts(keys: Iterable[str]) -> list[int]:
    """The starts of several partitions."""
    return [window_start(key) for key in keys]


def partition_key(start: int, grain: Grain) -> str:
    """The partition key of a window."""
    return from_micros(start).strftime(HOUR_FORMAT if grain is Grain.HOUR else DAY_FORMAT)


def range_tags(starts: Sequence[int], grain: Grain) -> dict[str, str]:
    """Run tags that make one run compute a contiguous range of windows."""
    return {
        "dagster/asset_partition_range_start": partition_key(starts[0], grain),
        "dagster/asset_partition_range_end": partition_key(starts[-1], grain),
    }
