"""``prediction_details``: single predictions beside the truth that holds, newest first."""

from itertools import groupby

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.stages.live.answer import Answer, Cost
from monitoring_pipeline.stages.live.detail_rows import DetailRow, VersionRows
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.live.versions import resolved

_ALL_TIME = Stretch(0)


def prediction_details(
    live: Live, *, model_id: str, model_version: str, environment: str, stretch: Stretch = _ALL_TIME, limit: int
) -> Answer[DetailRow]:
    """The newest predictions of a version.

    Args:
        live: the store, as of now.
        model_id: the model.
        model_version: a version, or ``latest``.
        environment: the environment.
        stretch: when they were made.
        limit: the most rows.

    Raises:
        AnswerTooLargeError: if these are more than one answer may hold.
    """
    cost = Cost()
    version = resolved(live.engine, model_id, version=model_version, environment=environment)
    if version is None:
        return Answer(rows=(), cost=cost)
    group = (version, environment)
    # One more tells whether there are more. The hours say where to look: a rare version may be years apart.
    hours = live.errors.newest_hours(model_id, stretch, which=group.__eq__, count=limit + 1)
    found: list[DetailRow] = []
    with reading(live.errors.snapshots) as connection:
        # Asked in the state that is read: retention may have removed rows since the hours were looked for.
        sealed = sealed_hours(connection, hours)
        of_version = VersionRows(
            live=live,
            connection=connection,
            model_id=model_id,
            version=version,
            environment=environment,
            stretch=stretch,
        )
        for is_sealed, some in groupby(hours, key=lambda hour: (model_id, hour) in sealed):
            read = of_version.sealed if is_sealed else of_version.stored
            if (missing := limit + 1 - len(found)) > 0:
                found += read(list(some), missing)
    cost.add(len(found), sum(_size(row) for row in found))
    return Answer(rows=found[:limit], has_more=len(found) > limit, cost=cost)


def _size(row: DetailRow) -> int:
    values = (getattr(row, name) for name in DetailRow.__slots__)
    return sum(len(value) if isinstance(value, str) else 8 for value in values if value is not None)
