"""Everything that is due, computed by the pipeline's own stages in this process.

The stages are those that the Dagster assets call, in the order of their graph. Dagster's record of each run is left
out: it is most of what a run costs, and a simulated month computes hundreds of windows, most of them several times.
MLflow and notifications are left out too: they only show what is in the results.
"""

from collections.abc import Sequence

from expectations.joined_predictions import joined_predictions
from expectations.logged_predictions import logged_predictions
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.due import due_days, due_hours
from monitoring_pipeline.stages.estimating.estimates import estimate_days
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import Suites, check_quality
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows import joined, logged
from monitoring_pipeline.windows import Grain

SUITES: Suites = {joined.DATASET: joined_predictions, logged.DATASET: logged_predictions}


def bring_up_to_date(pipeline: Pipeline) -> None:
    """Compute every hour and day that is due at the pipeline's present, and let alerts mature.

    Raises:
        MonitorError: if a stage failed.
    """
    now = pipeline.clock()
    with reading(pipeline.engine) as connection:
        hours = sorted({due.window_start for due in due_hours(connection, now=now, span=pipeline.span)})
    _compute_hours(pipeline, hours)
    with reading(pipeline.engine) as connection:
        days = sorted({due.window_start for due in due_days(connection, now=now, span=pipeline.span)})
    _compute_days(pipeline, days)
    _refuse_failures(mature_alerts(pipeline))


def _compute_hours(pipeline: Pipeline, hours: Sequence[int]) -> None:
    _refuse_failures(logged.log_predictions(pipeline, hours, only_due=True))
    _refuse_failures(joined.join_predictions(pipeline, hours, only_due=True))
    _refuse_failures(check_quality(pipeline, hours, suites=SUITES, only_due=True))
    _refuse_failures(measure_hours(pipeline, hours, only_due=True))
    _refuse_failures(measure_drift(pipeline, Grain.HOUR, hours, only_due=True))
    _refuse_failures(judge_windows(pipeline, Grain.HOUR, hours, only_due=True))


def _compute_days(pipeline: Pipeline, days: Sequence[int]) -> None:
    _refuse_failures(merge_days(pipeline, days, only_due=True))
    _refuse_failures(measure_drift(pipeline, Grain.DAY, days, only_due=True))
    _refuse_failures(measure_truth_drift(pipeline, days, only_due=True))
    _refuse_failures(judge_windows(pipeline, Grain.DAY, days, only_due=True))
    _refuse_failures(estimate_days(pipeline, days, only_due=True))


def _refuse_failures(report: StageReport) -> None:
    if report.failures:
        raise MonitorError(f"{report.dataset}: {report.failures[0]}")
