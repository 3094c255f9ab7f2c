"""Scattered hours in one run: what late truth usually leaves behind.

A Dagster run of assets computes one partition or one range without gaps. Sixty hours that late actuals touched
here and there would be sixty runs, and cost as much as computing the whole month again. This job takes any
hours, runs the same stages over them once, and records a materialization for each asset and hour that really
changed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import dagster as dg

from assets.data_quality import SUITES, log_check
from assets.partitions import window_start, window_starts
from assets.shell import failed_models, log_failures, partition_metadata, summary
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.isolation import told
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.report import OutcomeState, StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import Grain

TOUCHED_HOURS = "touched_hours"

# The hourly assets in the order of their dependencies, each with its stage.
STAGES: tuple[tuple[str, Callable[..., StageReport]], ...] = (
    ("logged_predictions", log_predictions),
    ("joined_predictions", join_predictions),
    ("data_quality", partial(check_quality, suites=SUITES)),
    ("hourly_performance", measure_hours),
    ("hourly_drift", lambda pipeline, hours, **how: measure_drift(pipeline, Grain.HOUR, hours, **how)),
    ("hourly_findings", lambda pipeline, hours, **how: judge_windows(pipeline, Grain.HOUR, hours, **how)),
)


# States in which nothing was published.
NOT_WRITTEN = {OutcomeState.UNCHANGED, OutcomeState.SEALED, OutcomeState.FAILED}


class TouchedHours(dg.Config):
    """Which hours to bring up to date, by their partition keys."""

    partitions: list[str]


@dg.op
def compute_touched_hours(
    context: dg.OpExecutionContext, config: TouchedHours, pipeline: dg.ResourceParam[Pipeline]
) -> None:
    """Every hourly stage over the hours; each skips the models that have nothing new for it."""
    hours = window_starts(config.partitions)
    failed = []
    for asset, stage in STAGES:
        report = stage(pipeline, hours, only_due=True)
        _log(context, asset, config.partitions, report)
        failed += [f"{report.dataset}: {told(report.failures)}"] if report.failures else []
    if failed:
        raise failed_models("; ".join(failed))


@dg.job(name=TOUCHED_HOURS, description="Bring scattered hours up to date in one run.")
def touched_hours() -> None:
    """All hours of one reconciliation that lie apart from each other."""
    compute_touched_hours()


def run_config(partitions: Sequence[str]) -> dict[str, Any]:
    """The configuration that makes a run of the job compute these partitions."""
    return {"ops": {compute_touched_hours.name: {"config": {"partitions": list(partitions)}}}}


def _log(context: dg.OpExecutionContext, asset: str, partitions: Sequence[str], report: StageReport) -> None:
    for key in partitions:
        outcomes = report.of(window_start(key))
        if all(outcome.state in NOT_WRITTEN for outcome in outcomes):
            continue
        context.log_event(
            dg.AssetMaterialization(asset_key=asset, partition=key, metadata=partition_metadata(outcomes))
        )
        if asset == "data_quality":
            log_check(context, key, outcomes)
    context.log.info(summary(report))
    log_failures(context, report)
