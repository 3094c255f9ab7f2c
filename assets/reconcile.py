"""``monitor reconcile``: what the sensors and the daemon do, in this process, until nothing is due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import dagster as dg

from assets.delivery import deliver_notifications
from assets.housekeeping import sweep
from assets.jobs import PROJECT_TO_MLFLOW, REVIEW_ALERTS
from assets.partitions import range_tags
from assets.requests import DueRun, due_runs, mlflow_runs_due
from monitoring_pipeline.alerts.outbox import pending_counts
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.blocked import BlockedHour, blocked_model_hours
from monitoring_pipeline.stages.judging.findings import review_due
from monitoring_pipeline.stages.models import undeclared_models
from monitoring_pipeline.stages.span import model_hours_outside
from monitoring_pipeline.windows import Grain

# Dagster's own launchers add it to a run; without it the run is missing from the list of its job.
OF_LOCATION = {".dagster/repository": "__repository__@monitoring_pipeline.definitions"}

# Dagster's console logger writes a line per event; the events are in the instance anyway.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


RunKey = tuple[Grain, tuple[int, ...], int]


@dataclass(kw_only=True)
class ReconcileReport:
    """What one reconciliation did."""

    runs: int = 0
    windows: dict[Grain, int] = field(default_factory=lambda: dict.fromkeys(Grain, 0))
    again: dict[Grain, int] = field(default_factory=lambda: dict.fromkeys(Grain, 0))  # of the windows
    outside: int = 0  # model-hours with events before the first or after the last partition
    undeclared: list[str] = field(default_factory=list)  # models that are monitored with defaults
    blocked: list[BlockedHour] = field(
        default_factory=list
    )  # model-hours without metrics: a critical expectation failed
    mlflow_pending: int = 0  # model-days that MLflow does not show yet; they are caught up later
    reopened: dict[Grain, int] = field(default_factory=lambda: dict.fromkeys(Grain, 0))  # model windows

    def add(self, run: DueRun) -> None:
        """Count a run that succeeded."""
        self.runs += 1
        self.windows[run.grain] += run.due_count
        self.again[run.grain] += run.again_count
        self.reopened[run.grain] += run.reopened_count


def reconcile(
    definitions: dg.Definitions,
    installation: Installation,
    instance: dg.DagsterInstance,
    *,
    on_run: Callable[[DueRun], None] = lambda _run: None,
) -> ReconcileReport:
    """Run what is due, hours before days, until nothing is; then review alerts and deliver notifications.

    Args:
        definitions: the Dagster definitions on that installation.
        installation: whose windows.
        instance: records the runs, so that they are in the UI like any others.
        on_run: told of each run before it starts.

    Raises:
        MonitorError: if a run fails, or succeeds and leaves the same windows due.
    """
    pipeline, report = installation.pipeline, ReconcileReport()
    sweep(pipeline)
    done: set[RunKey] = set()
    failed: dict[RunKey, MonitorError] = {}
    while run := next((run for run in due_runs(pipeline, debounce=False) if _key(run) not in failed), None):
        if _key(run) in done:
            raise MonitorError(
                f"{run.job_name} for {run.name} succeeded and is still due; this is a bug: please report it"
            )
        on_run(run)
        try:
            _execute(definitions, instance, run.job_name, run.tags, run.name, run_config=run.run_config)
        except MonitorError as error:
            # One model's trouble fails its run; what is due for the others is still computed and delivered.
            failed[_key(run)] = error
            continue
        done.add(_key(run))
        report.add(run)
    with reading(pipeline.engine) as connection:
        report.outside = model_hours_outside(connection, pipeline.span)
        report.undeclared = undeclared_models(connection, pipeline.config)
    if review_due(pipeline):
        _execute(definitions, instance, REVIEW_ALERTS, {}, "alerts that came of age or lost their rule")
    report.mlflow_pending = _catch_up_mlflow(definitions, installation, instance)
    with reading(pipeline.engine) as connection:
        report.blocked = blocked_model_hours(connection)
        waiting = pending_counts(connection, now=pipeline.clock())
    if waiting:
        _execute(definitions, instance, deliver_notifications.name, {}, "the outbox")
    if failed:
        raise list(failed.values())[-1]
    return report


def _key(run: DueRun) -> RunKey:
    return run.grain, run.windows.starts, run.windows.revision


def _catch_up_mlflow(definitions: dg.Definitions, installation: Installation, instance: dg.DagsterInstance) -> int:
    """Show MLflow what it missed while it was away, once; return the model-days that it still misses."""
    pipeline, since = installation.pipeline, installation.pipeline.span.start
    for windows in mlflow_runs_due(pipeline, installation.tracking, since=since):
        tags = range_tags(windows.starts, Grain.DAY)
        _execute(definitions, instance, PROJECT_TO_MLFLOW, tags, "days that MLflow does not show")
    return sum(len(windows.starts) for windows in mlflow_runs_due(pipeline, installation.tracking, since=since))


def _execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job_name: str,
    tags: dict[str, str],
    name: str,
    *,
    run_config: Mapping[str, object] = MappingProxyType({}),
) -> None:
    job = definitions.resolve_job_def(job_name)
    result = job.execute_in_process(
        instance=instance, tags={**OF_LOCATION, **tags}, run_config={**QUIET, **run_config}, raise_on_error=False
    )
    if not result.success:
        failed = [event for event in result.all_events if event.is_step_failure]
        reason = _reason(failed[0]) if failed else "no step says why"
        raise MonitorError(
            f"{job_name} for {name} failed: {reason} (run {result.run_id}); "
            "look at the run in the Dagster UI (`monitor dev`), mend the cause and reconcile again"
        )


def _reason(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    message = "unknown" if error is None else error.message.strip().splitlines()[0]
    return f"step {event.step_key}: {message}"
