"""The hourly stages as the assets call them, without Dagster."""

import time
from collections.abc import Callable, Sequence

from assets.data_quality import SUITES
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.estimating.estimates import estimate_days
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import Grain

Stage = Callable[[Pipeline, Sequence[int], bool], StageReport]

HOURLY: dict[str, Stage] = {
    "logged_predictions": lambda p, starts, only_due: log_predictions(p, starts, only_due=only_due),
    "joined_predictions": lambda p, starts, only_due: join_predictions(p, starts, only_due=only_due),
    "data_quality": lambda p, starts, only_due: check_quality(p, starts, suites=SUITES, only_due=only_due),
    "hourly_performance": lambda p, starts, only_due: measure_hours(p, starts, only_due=only_due),
    "hourly_drift": lambda p, starts, only_due: measure_drift(p, Grain.HOUR, starts, only_due=only_due),
    "hourly_findings": lambda p, starts, only_due: judge_windows(p, Grain.HOUR, starts, only_due=only_due),
}

DAILY: dict[str, Stage] = {
    "daily_performance": lambda p, starts, only_due: merge_days(p, starts, only_due=only_due),
    "daily_estimates": lambda p, starts, only_due: estimate_days(p, starts, only_due=only_due),
    "daily_drift": lambda p, starts, only_due: measure_drift(p, Grain.DAY, starts, only_due=only_due),
    "daily_truth_drift": lambda p, starts, only_due: measure_truth_drift(p, starts, only_due=only_due),
    "daily_findings": lambda p, starts, only_due: judge_windows(p, Grain.DAY, starts, only_due=only_due),
}


def run(stages: dict[str, Stage], pipeline: Pipeline, starts: Sequence[int], *, only_due: bool) -> dict[str, float]:
    """Run the stages in order; the seconds of each."""
    seconds = {}
    for name, stage in stages.items():
        started = time.perf_counter()
        stage(pipeline, starts, only_due)
        seconds[name] = time.perf_counter() - started
    return seconds
