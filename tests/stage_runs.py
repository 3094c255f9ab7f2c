"""The hourly stages one after the other, as a run goes through them, without Dagster."""

from collections.abc import Sequence
from dataclasses import replace

from assets.data_quality import SUITES
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, Grain
from tests.pipeline_examples import START


def run_hours(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = True) -> dict[str, StageReport]:
    """Bring hours (numbered from START) up to date; the reports by dataset."""
    starts = [START + hour * HOUR_MICROS for hour in hours]
    reports = [
        log_predictions(pipeline, starts, only_due=only_due),
        join_predictions(pipeline, starts, only_due=only_due),
        check_quality(pipeline, starts, suites=SUITES, only_due=only_due),
        measure_hours(pipeline, starts, only_due=only_due),
        measure_drift(pipeline, Grain.HOUR, starts, only_due=only_due),
        judge_windows(pipeline, Grain.HOUR, starts, only_due=only_due),
    ]
    return {report.dataset: report for report in reports}


def run_day(pipeline: Pipeline) -> dict[str, StageReport]:
    """Bring the day of START up to date; the reports by dataset."""
    reports = [
        merge_days(pipeline, [START], only_due=True),
        measure_drift(pipeline, Grain.DAY, [START], only_due=True),
        measure_truth_drift(pipeline, [START], only_due=True),
        judge_windows(pipeline, Grain.DAY, [START], only_due=True),
    ]
    return {report.dataset: report for report in reports}


def with_models(installation: Installation, *models: Model) -> Pipeline:
    """The installation's pipeline after its config was edited."""
    config = installation.config.model_copy(update={"models": list(models)})
    return replace(installation.pipeline, config=config)


def declared(installation: Installation, model_id: str, **changes: object) -> Model:
    """A model of the installation, declared otherwise."""
    model = installation.config.model(model_id)
    assert model is not None
    return Model.model_validate({**model.model_dump(), **changes})
