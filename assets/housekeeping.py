"""Housekeeping: what nobody needs any more is removed once a day. Nothing depends on it."""

import dagster as dg

from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.pipeline import Pipeline


def sweep(pipeline: Pipeline) -> list[str]:
    """Remove the lake files that no ledger row names; return their paths."""
    with reading(pipeline.engine) as connection:
        named = ledger.named_paths(connection)
    return pipeline.lake.sweep(named)


@dg.op
def sweep_lake(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Remove superseded hour files and what crashed writers left."""
    context.log.info(f"{len(sweep(pipeline))} files removed")


@dg.job(description="Remove superseded lake files.")
def housekeeping() -> None:
    """One sweep."""
    sweep_lake()


daily_housekeeping = dg.ScheduleDefinition(
    job=housekeeping,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
