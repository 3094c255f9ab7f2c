"""A model's last hours as the API tells them, computed at most once for each state of the store."""

from sqlalchemy import ColumnElement, func, select

from monitoring_pipeline.api.present.insight import Insight
from monitoring_pipeline.api.present.latest import Answer
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.reports.present_operations import Operations
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS, Grain, floor

FRESH_MICROS = 60 * SECOND_MICROS
"""Without events an answer still grows old: hours leave the look-back."""

Revision = tuple[int, int, int]


def revision_of(insight: Insight, model_id: str, hours: int) -> Revision:
    """What changes whenever an event touches a model's last hours, and once a minute."""
    return _revision(insight, model_id, hours, hour_revision.c.revision)


def _revision(insight: Insight, model_id: str, hours: int, counted: ColumnElement[int]) -> Revision:
    now = insight.installation.clock()
    table = hour_revision.c
    query = select(func.count(), func.sum(counted)).where(
        table.model_id == model_id, table.hour >= floor(now, Grain.HOUR) - hours * HOUR_MICROS
    )
    with reading(insight.installation.engine) as connection:
        count, total = connection.execute(query).one()
    return int(count), int(total or 0), now // FRESH_MICROS


def present_of(insight: Insight, model_id: str, hours: int) -> Answer[Present]:
    """The model's last whole hours and the present one."""
    return insight.performance.ask(
        (model_id, hours),
        revision=revision_of(insight, model_id, hours),
        compute=lambda: insight.present.of_last_hours(model_id, hours),
    )


def operations_of(insight: Insight, model_id: str, hours: int) -> Answer[Operations]:
    """How the model served in its last whole hours and the present one; truth that arrives changes nothing of it."""
    return insight.operations.ask(
        (model_id, hours),
        revision=_revision(insight, model_id, hours, hour_revision.c.prediction_revision),
        compute=lambda: insight.served.of_last_hours(model_id, hours),
    )
