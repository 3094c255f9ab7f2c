"""What the estimators of all tasks share: which hours they learn from, and what they answer for a group of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.estimation.values import EstimatedMetric, Method
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, MICROSECOND

HISTORY_DAYS = 28  # four of each weekday; older rows would be of another season

Group = tuple[str, str]
"""Version and environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEstimate:
    """One version's and environment's estimates of one day."""

    model_version: str
    environment: str
    method: Method
    metrics: Sequence[EstimatedMetric]
    unlabelled_count: int
    trained_until: int | None  # the last instant at which something that was learned from became known
    trained_count: int


def history_hours(model: Model, day: int) -> range:
    """The hours whose labels were mature when the day ended.

    Younger hours are left out: labels that arrive early are not like those that arrive late. It depends on the day
    alone and not on the present, so that a day computed again learns from the same hours.
    """
    maturity = model.labels.maturity // MICROSECOND
    mature_until = day + DAY_MICROS - maturity
    return range(day - HISTORY_DAYS * DAY_MICROS, min(day, mature_until - mature_until % HOUR_MICROS), HOUR_MICROS)
