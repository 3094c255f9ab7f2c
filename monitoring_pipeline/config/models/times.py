"""Instants and durations as ``monitoring.yaml`` writes them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from monitoring_pipeline.windows import HOUR_MICROS, to_micros

DAY = timedelta(days=1)


def _as_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _no_bare_number(value: object) -> object:
    # Pydantic would read 72 as seconds, and 2013 as seconds since 1970: never what was meant.
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdigit()):
        raise ValueError(
            f"{value} has no unit; write a duration as PT6H or 06:00:00, an instant as 2013-06-17T06:00:00Z"
        )
    return value


def _whole_hour(instant: datetime) -> datetime:
    if to_micros(instant) % HOUR_MICROS:
        raise ValueError(f"{instant.isoformat()} is not a whole hour; partitions start on the hour")
    return instant


UtcInstant = Annotated[datetime, BeforeValidator(_no_bare_number), AfterValidator(_as_utc)]
"""An instant; one without zone is UTC, as everywhere in this program."""

WholeHour = Annotated[UtcInstant, AfterValidator(_whole_hour)]
"""An instant at which an hour, the smallest partition, starts."""

PositiveDelay = Annotated[timedelta, BeforeValidator(_no_bare_number), Field(gt=timedelta(0))]
