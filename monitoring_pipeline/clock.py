"""The one place that asks what time it is, so that tests and replays can answer instead."""

from collections.abc import Callable
from datetime import UTC, datetime

from monitoring_pipeline.windows import to_micros

Clock = Callable[[], int]
"""Returns the present instant in microseconds since the epoch, UTC."""


def system_clock() -> int:
    """The machine's clock."""
    return to_micros(datetime.now(UTC))
