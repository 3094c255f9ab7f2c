"""Since when raw events are kept: the one place that reads ``retention.events_days``."""

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.windows import DAY_MICROS, Grain, floor


def retention_horizon(config: MonitoringConfig, now: int) -> int | None:
    """The start of the first hour whose events are kept, microseconds UTC; ``None``: all are kept, for ever.

    ``floor_to_hour(now - events_days)``: the hours before it ended ``events_days`` or more ago.
    """
    days = config.retention.events_days
    # Not before 1970, where no event can be: thus any number of days is a number that databases can hold.
    return None if days is None else floor(max(0, now - days * DAY_MICROS), Grain.HOUR)
