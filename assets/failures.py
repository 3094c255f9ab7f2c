"""A failed run is news: it goes to the channels like an alert, through the same outbox."""

from collections.abc import Iterator

import dagster as dg

from assets.delivery import Channels
from assets.jobs import JOBS
from assets.requests import SCATTERED_TAG
from assets.sources import pull_sources
from assets.touched import TOUCHED_HOURS
from monitoring_pipeline.alerts.outbox import put, row
from monitoring_pipeline.database import writing
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Grain, floor, isoformat

WILL_RETRY_TAG = "dagster/will_retry"

# What a backfill started in the UI runs under.
IMPLICIT_JOB = "__ASSET_JOB"


class FailedRun(dg.Config):
    """Which run failed, of which job, and over which partitions."""

    run_id: str
    job_name: str
    partitions: str


@dg.op
def announce_failed_run(
    config: FailedRun, pipeline: dg.ResourceParam[Pipeline], channels: dg.ResourceParam[Channels]
) -> None:
    """Put one message per channel into the outbox, at most one a day for the same job and partitions.

    What fails for a lasting reason is tried again every few minutes; told each time, people stop reading.
    """
    now = pipeline.clock()
    failure = f"run of {config.job_name} {config.partitions} on {isoformat(floor(now, Grain.DAY))[:10]}"
    payload = {
        "kind": "run_failure",
        "job": config.job_name,
        "partitions": config.partitions,
        "run_id": config.run_id,
        "known_at": isoformat(now),
        "severity": "critical",
        "text": f"{config.job_name} failed for {config.partitions} (run {config.run_id}); it is tried again.",
        "what_to_do": "Open the run in the Dagster UI and read the step that failed.",
    }
    rows = [row(alert_id=failure, sequence=1, channel=name, payload=payload, now=now) for name in channels]
    with writing(pipeline.engine) as connection:
        put(connection, rows)


@dg.job(description="Tell the channels that a run failed.")
def announce_run_failure() -> None:
    """One message per channel."""
    announce_failed_run()


@dg.run_failure_sensor(request_job=announce_run_failure, default_status=dg.DefaultSensorStatus.RUNNING)
def run_failures(context: dg.RunFailureSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Announce a monitoring run that failed for good; an attempt that Dagster itself will retry is not news."""
    run = context.dagster_run
    of_monitoring = run.job_name in {
        TOUCHED_HOURS,
        pull_sources.name,
        *(job.name for job in JOBS),
    } or run.job_name.startswith(IMPLICIT_JOB)
    if run.tags.get(WILL_RETRY_TAG) == "true" or not of_monitoring:
        yield dg.SkipReason(f"{run.job_name} {run.run_id} is not announced")
        return
    failed = {"run_id": run.run_id, "job_name": run.job_name, "partitions": _partitions(run)}
    ops = {"announce_failed_run": {"config": failed}}
    yield dg.RunRequest(run_key=f"failed/{run.run_id}", run_config={"ops": ops})


def _partitions(run: dg.DagsterRun) -> str:
    """The run's partitions in words: one key, a range, or none."""
    names = (
        "dagster/partition",
        "dagster/asset_partition_range_start",
        "dagster/asset_partition_range_end",
        SCATTERED_TAG,
    )
    return " to ".join(dict.fromkeys(run.tags[name] for name in names if name in run.tags)) or "no partition"
