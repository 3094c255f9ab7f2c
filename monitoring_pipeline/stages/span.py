"""What is monitored in time: only hours within it have a partition, only those can be computed."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, func, select

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.windows import DAY_MICROS, from_micros, to_micros

# One event with a clock gone wrong must not make partitions for every hour since 1970; Dagster advises fewer
# than 100,000 of them.
LONGEST_LOOK_BACK_MICROS = 10 * 365 * DAY_MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredSpan:
    """The instants from ``start`` to ``end``.

    Were it not asked for, one event from before ``start`` (a wrong clock is enough) would demand a run that must
    fail, for ever.

    Args:
        start: the first hour, microseconds UTC.
        end: the first instant that is no longer monitored; ``None`` for an open end.
    """

    start: int
    end: int | None = None

    @classmethod
    def of(cls, config: MonitoringConfig, connection: Connection, *, now: int) -> Self:
        """What the config says; where it names no start, the first of January of the first event's year,
        looking back ten years.

        Args:
            config: names the start and the end, or neither.
            connection: a reading transaction.
            now: the present instant, which counts as the first event of an empty store.
        """
        end = None if config.end is None else to_micros(config.end)
        if config.start is not None:
            return cls(start=to_micros(config.start), end=end)
        first = connection.scalar(
            select(func.min(hour_revision.c.hour)).where(hour_revision.c.hour > now - LONGEST_LOOK_BACK_MICROS)
        )
        year = from_micros(now if first is None else min(first, now))
        start = year.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        return cls(start=to_micros(start), end=end)

    def closed_by(self, now: int) -> int:
        """Until when hours can be computed at an instant."""
        return now if self.end is None else min(now, self.end)


EVER = MonitoredSpan(start=0)


def model_hours_outside(connection: Connection, span: MonitoredSpan) -> int:
    """How many model-hours hold events that are stored but not monitored."""
    hour = hour_revision.c.hour
    outside = hour < span.start if span.end is None else (hour < span.start) | (hour >= span.end)
    return int(connection.scalar(select(func.count()).where(outside)) or 0)
