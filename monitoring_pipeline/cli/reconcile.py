"""``monitor reconcile``: what the sensors and the daemon do, in this process, until nothing is due."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import counted, print_json, say
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.windows import Grain, isoformat

if TYPE_CHECKING:
    from assets.reconcile import ReconcileReport
    from assets.requests import DueRun


def reconcile(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Examples:

    \b
      monitor reconcile
      monitor ingest actuals.ndjson && monitor reconcile --json

    Compute every closed hour and ended day whose predictions or actuals changed, judge the rules, log to
    MLflow and deliver notifications; then stop. The runs are recorded in Dagster like those of the sensors.
    Running it twice changes nothing the second time.
    """
    installation = open_installation(config)
    if sys.stderr.isatty():
        say("loading Dagster …")
    # Not before the installation is known to be good: this import takes seconds.
    from monitoring_pipeline.definitions import reconciler  # noqa: PLC0415 - heavy, and --help must not wait

    with reconciler(installation) as run_what_is_due:
        report = run_what_is_due(_announce)
    row: dict[str, Any] = {
        "runs": report.runs,
        "hours_computed": report.windows[Grain.HOUR],
        "model_hours_reopened": report.reopened[Grain.HOUR],
        "days_computed": report.windows[Grain.DAY],
        "model_days_reopened": report.reopened[Grain.DAY],
        "model_hours_outside": report.outside,
        "models_undeclared": report.undeclared,
        "model_hours_blocked": [
            {"model_id": b.model_id, "window_start": isoformat(b.window_start), "expectation": b.expectation}
            for b in report.blocked
        ],
        "mlflow_pending": report.mlflow_pending,
    }
    if as_json:
        print_json([row])
    else:
        say(_sentence(row))
    for remark in _remarks(report):
        say(remark)


def _remarks(report: "ReconcileReport") -> Iterator[str]:
    """What a person should know beside the counts."""
    if report.blocked:
        newest = report.blocked[0]
        say(
            f"{counted(len(report.blocked), 'model-hour')} without metrics, because a critical expectation failed; "
            f"the newest: {newest.model_id} {isoformat(newest.window_start)}, not true: {newest.expectation}; "
            "all of them are in the asset data_quality and in the table quality_results"
        )
    if report.undeclared:
        yield f"monitored with defaults, because the config does not declare them: {', '.join(report.undeclared)}"
    if report.outside:
        yield (
            f"{report.outside} model-hours hold events before the first or after the last partition and are not "
            "computed; set start and end in the config (and reload Dagster if it is running)"
        )
    if report.mlflow_pending:
        yield f"MLflow does not show {report.mlflow_pending} days yet; they are caught up when it answers again"


def _announce(run: "DueRun") -> None:
    say(f"{run.job_name}: {run.name} ({counted(run.due_count, 'window')} due, {run.again_count} of them reopened)")


def _sentence(row: dict[str, Any]) -> str:
    if not row["runs"]:
        return "nothing was due"
    return (
        f"{counted(row['hours_computed'], 'hour')} and {counted(row['days_computed'], 'day')} computed "
        f"in {counted(row['runs'], 'run')}; {counted(row['model_hours_reopened'], 'model-hour')} and "
        f"{counted(row['model_days_reopened'], 'model-day')} reopened by late events"
    )
