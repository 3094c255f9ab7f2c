"""What ``retention.events_days`` asks for, done: once a day by the housekeeping job."""

from dataclasses import dataclass

from monitoring_pipeline.alerts.retention import remove_settled
from monitoring_pipeline.config.retention import retention_horizon
from monitoring_pipeline.events.retention.old_hours import Datasets
from monitoring_pipeline.events.retention.removal import RetentionReport, remove_sealed
from monitoring_pipeline.stages.due import LAST_HOURLY_STAGE
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import joined, logged
from monitoring_pipeline.windows import isoformat

DATASETS = Datasets(last=LAST_HOURLY_STAGE, files=(logged.DATASET, joined.DATASET))


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed, and since when events are kept."""

    horizon: int
    events: RetentionReport
    messages: int  # delivered, or held back for good

    def __str__(self) -> str:
        found = self.events
        return (
            f"events before {isoformat(self.horizon)}: {found.sealed_hours} model hours sealed; removed "
            f"{found.predictions} predictions, {found.actuals} actuals, {found.quarantined} quarantined rows, "
            f"{found.batches} records of batches and {self.messages} messages"
        )

    def warning(self) -> str | None:
        """What a person has to do, if anything."""
        found = self.events
        if not found.kept_hours:
            return None
        return (
            f"{found.kept_hours} model hours are past retention.events_days and keep their events: {found.behind} are "
            f"not computed up to their last event (run `monitor reconcile`; an hour before `start` or after `end` of "
            f"the config is never computed), {found.damaged} have a damaged file in the lake (materialize "
            f"logged_predictions and joined_predictions for that hour). For example: {'; '.join(found.examples)}"
        )


def remove_past_retention(pipeline: Pipeline) -> Removed | None:
    """Remove what is past retention; ``None`` if the config keeps everything for ever."""
    now = pipeline.clock()
    horizon = retention_horizon(pipeline.config, now)
    if horizon is None:
        return None
    events = remove_sealed(pipeline.engine, lake=pipeline.lake, datasets=DATASETS, horizon=horizon, now=now)
    return Removed(horizon=horizon, events=events, messages=remove_settled(pipeline.engine, before=horizon))
