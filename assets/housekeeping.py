"""Housekeeping: what nobody needs any more is removed once a day. Nothing depends on it."""

import dagster as dg

from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.comparing.sums_known_at import forget_outdated
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.retention import remove_past_retention


def sweep(pipeline: Pipeline) -> list[str]:
    """Remove the lake files that no ledger row names; return their paths."""
    with reading(pipeline.engine) as connection:
        named = ledger.named_paths(connection)
    return pipeline.lake.sweep(named)


@dg.op
def sweep_lake(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Remove superseded hour files and what crashed writers left."""
    context.log.info(f"{len(sweep(pipeline))} files removed")


@dg.op
def forget_outdated_comparisons(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Remove sums that were kept for comparisons at a label age, of hours whose truth has changed since."""
    context.log.info(f"{forget_outdated(pipeline)} outdated rows removed")


@dg.op
def remove_old_events(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Seal the hours that are past ``retention.events_days``; without the setting nothing is removed."""
    removed = remove_past_retention(pipeline)
    context.log.info("retention.events_days is not set: all events are kept" if removed is None else str(removed))
    if removed is not None and (warning := removed.warning()) is not None:
        context.log.warning(warning)


@dg.job(description="Remove superseded lake files, and events that are past retention.events_days.")
def housekeeping() -> None:
    """None waits for another."""
    sweep_lake()
    forget_outdated_comparisons()
    remove_old_events()


daily_housekeeping = dg.ScheduleDefinition(
    job=housekeeping,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
