"""The sensors: they read small tables and ask for runs; they never compute, write or deliver."""

from collections.abc import Iterator

import dagster as dg

from assets.delivery import deliver_notifications
from assets.jobs import JOB_NAMES, JOBS, PROJECT_TO_MLFLOW, REVIEW_ALERTS
from assets.partitions import range_tags
from assets.requests import due_runs, mlflow_runs_due
from assets.touched import TOUCHED_HOURS, touched_hours
from monitoring_pipeline.alerts.outbox import due_count, pending_counts
from monitoring_pipeline.database import reading
from monitoring_pipeline.stages.judging.findings import review_due
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.span import model_hours_outside
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.windows import DAY_MICROS, SECOND_MICROS, Grain

# Dagster remembers a run key for ever, also of a failed run, so the key carries the revision (new input, new
# run) and this bucket of time (same input, another try).
RETRY_SECONDS = 600

# Runs asked for in one tick; what is left is still due at the next.
RUNS_PER_TICK = 20

# How far back the sensor looks for days that MLflow missed: it answers in well under a second.
MLFLOW_LOOK_BACK_DAYS = 30

# Two jobs that may compute the same hours; while one runs the other waits.
OF_HOURS = {JOB_NAMES[Grain.HOUR], TOUCHED_HOURS}

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(jobs=[*JOBS, touched_hours], minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def due_partitions(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline], tracking: dg.ResourceParam[Tracking]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Hours and days whose inputs are ahead of the ledger, asked anew at each tick.

    Level-triggered: a lost launch, a failed run or an arrival in the middle of a run leaves the ledger behind,
    so it is found again. A job with a run in flight is left alone until that run ends.
    """
    names = {TOUCHED_HOURS, *(job.name for job in JOBS)}
    busy = {name for name in names if _in_flight(context.instance, name)}
    waiting = busy | OF_HOURS if busy & OF_HOURS else busy
    bucket = pipeline.clock() // (RETRY_SECONDS * SECOND_MICROS)
    requests = [
        dg.RunRequest(
            run_key=f"{run.job_name}/{run.name}/{run.windows.revision}",
            job_name=run.job_name,
            tags=run.tags,
            run_config=run.run_config,
        )
        for run in due_runs(pipeline, debounce=True)
    ]
    requests += _reviews(pipeline)
    if not requests:
        # Only when the results themselves are up to date: a day that is about to change is not worth showing.
        requests += _projections(pipeline, tracking)
    wanted = [request for request in requests if request.job_name not in waiting][:RUNS_PER_TICK]
    for request in wanted:
        yield request.with_replaced_attrs(run_key=f"{request.run_key}/{bucket}")
    if not wanted:
        yield dg.SkipReason(f"runs in flight: {', '.join(sorted(busy))}" if busy else _nothing_due(pipeline))


def _nothing_due(pipeline: Pipeline) -> str:
    with reading(pipeline.engine) as connection:
        outside = model_hours_outside(connection, pipeline.span)
    if not outside:
        return "nothing is due"
    return f"nothing is due; {outside} model-hours lie outside of the partitions: set start and end, reload definitions"


def _reviews(pipeline: Pipeline) -> list[dg.RunRequest]:
    """A run for alerts whose labels came of age or whose rule was taken out of the config."""
    due = review_due(pipeline)
    if not due:
        return []
    return [dg.RunRequest(run_key="/".join(map(str, (REVIEW_ALERTS, *due))), job_name=REVIEW_ALERTS)]


def _projections(pipeline: Pipeline, tracking: Tracking) -> list[dg.RunRequest]:
    """Runs for recent days that MLflow missed; older ones are caught up by ``monitor reconcile``."""
    since = pipeline.clock() - MLFLOW_LOOK_BACK_DAYS * DAY_MICROS
    return [
        dg.RunRequest(
            run_key=f"{PROJECT_TO_MLFLOW}/{windows.starts[0]}/{windows.starts[-1]}",
            job_name=PROJECT_TO_MLFLOW,
            tags=range_tags(windows.starts, Grain.DAY),
        )
        for windows in mlflow_runs_due(pipeline, tracking, since=since)
    ]


@dg.sensor(job=deliver_notifications, minimum_interval_seconds=15, default_status=dg.DefaultSensorStatus.RUNNING)
def alert_notifications(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.RunRequest | dg.SkipReason:
    """Start a delivery when messages wait; the delivery itself is an op, so a failing tick repeats no message."""
    if _in_flight(context.instance, deliver_notifications.name):
        return dg.SkipReason("a delivery is in flight")
    now = pipeline.clock()
    with reading(pipeline.engine) as connection:
        due, newest = due_count(connection, now=now)
        waiting = sum(pending_counts(connection).values())
    if not due:
        return dg.SkipReason(
            f"{waiting} notifications wait for their next attempt" if waiting else "the outbox is empty"
        )
    return dg.RunRequest(run_key=f"deliver/{due}/{newest}/{now // (60 * SECOND_MICROS)}")


def _in_flight(instance: dg.DagsterInstance, job_name: str) -> bool:
    return instance.get_runs_count(dg.RunsFilter(job_name=job_name, statuses=IN_FLIGHT)) > 0
