"""Sources that are read by the daemon: the sensor looks what is due, an op reads it."""

import os

import dagster as dg

from assets.sensors import IN_FLIGHT
from monitoring_pipeline.config.models import FileSource
from monitoring_pipeline.sources.files.pull import has_news
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.pull import due_sources, pull, pulled_sources
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import SECOND_MICROS

# A source that cannot be read stays due: it is tried again in the next bucket of time, not at the next tick.
RETRY_SECONDS = 300


@dg.op
def pull_due_sources(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Read on what is due; a source that cannot be read hinders no other, and fails the run at its end."""
    sources, intake = pulled_sources(pipeline.config), _intake(pipeline)
    due = {name: sources[name] for name in due_sources(sources, intake)}
    troubles: list[str] = []
    for account in pull(due, intake=intake, base=pipeline.base, environ=os.environ):
        context.log.info(
            f"{account.source}: {account.received} rows, {account.accepted} new, {account.rejected} refused"
        )
        for remark in account.remarks:
            context.log.warning(f"{account.source}: {remark}")
        troubles += [f"{account.source}: {trouble}" for trouble in account.troubles]
    if troubles:
        raise dg.Failure("\n".join(troubles), allow_retries=False)


@dg.job(description="Store what is new in the sources of type files, url and sql.")
def pull_sources() -> None:
    """Those that are due."""
    pull_due_sources()


@dg.sensor(job=pull_sources, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def source_pulls(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.RunRequest | dg.SkipReason:
    """Start a reading when a source has rested as long as its ``every`` says, and a file source has news."""
    sources, intake = pulled_sources(pipeline.config), _intake(pipeline)
    if not sources:
        return dg.SkipReason("the config names no source of type files, url or sql")
    if context.instance.get_runs_count(dg.RunsFilter(job_name=pull_sources.name, statuses=IN_FLIGHT)):
        return dg.SkipReason("a reading is in flight")
    due = []
    for name in due_sources(sources, intake):
        source = sources[name]
        if not isinstance(source, FileSource) or has_news(source, name, intake=intake, base=pipeline.base):
            due.append(name)
    if not due:
        return dg.SkipReason("no source is due")
    bucket = pipeline.clock() // (RETRY_SECONDS * SECOND_MICROS)
    return dg.RunRequest(run_key=f"pull/{'/'.join(due)}/{bucket}")


def _intake(pipeline: Pipeline) -> Intake:
    return Intake(engine=pipeline.engine, config=pipeline.config, clock=pipeline.clock)
