"""What the config monitors in time: only hours within it have a partition, only those can be computed."""

from dataclasses import dataclass
from typing import Self

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.windows import to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredSpan:
    """The instants from the config's ``start`` to its ``end``.

    Were it not asked for, one event from before ``start`` (a wrong clock is enough) would demand a run that must
    fail, for ever.

    Args:
        start: the first hour, microseconds UTC.
        end: the first instant that is no longer monitored; ``None`` for an open end.
    """

    start: int
    end: int | None = None

    @classmethod
    def of(cls, config: MonitoringConfig) -> Self:
        """What the config says."""
        return cls(start=to_micros(config.start), end=None if config.end is None else to_micros(config.end))

    def closed_by(self, now: int) -> int:
        """Until when hours can be computed at an instant."""
        return now if self.end is None else min(now, self.end)


EVER = MonitoredSpan(start=0)
