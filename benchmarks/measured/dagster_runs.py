"""Ranges of hours through Dagster: the real assets, or as many that do nothing."""

import time
from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.instance import open_instance
from assets.jobs import JOB_NAMES
from assets.partitions import Partitions, partitions_for, range_tags
from assets.reconcile import QUIET
from benchmarks.measured import stages, workload
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.windows import HOUR_MICROS, Grain

# The hourly assets and what each of them waits for, as in assets/.
DEPENDENCIES = {
    "logged_predictions": [],
    "joined_predictions": ["logged_predictions"],
    "data_quality": ["logged_predictions", "joined_predictions"],
    "hourly_performance": ["joined_predictions", "data_quality"],
    "hourly_drift": ["logged_predictions", "data_quality"],
    "hourly_findings": ["hourly_performance", "hourly_drift"],
}
CHECKED = "data_quality"


def real(home: str, hours: int, runs: int, history: int) -> dict[str, Any]:
    """Seconds of each of several runs over ``hours`` new hours, and its number of events."""
    installation = workload.open_home(home, now=workload.START + history * HOUR_MICROS)
    job = build_definitions(installation).resolve_job_def(JOB_NAMES[Grain.HOUR])
    with open_instance(installation.home) as instance:
        return _measure(job, instance, hours, runs)


def empty(home: str, hours: int, runs: int, history: int) -> dict[str, Any]:
    """The same with assets that do nothing: same partitions, dependencies, check and instance settings."""
    installation = workload.open_home(home, now=workload.START + history * HOUR_MICROS)
    job = _empty_definitions(partitions_for(installation.pipeline.span)).resolve_job_def("nothing")
    with open_instance(installation.home) as instance:
        return _measure(job, instance, hours, runs)


def bare(home: str, hours: int, runs: int, history: int) -> dict[str, Any]:
    """The same hours through the stages without Dagster."""
    installation = workload.open_home(home, now=workload.START + history * HOUR_MICROS)
    seconds = []
    for starts in _ranges(hours, runs):
        of_stage = stages.run(stages.HOURLY, installation.pipeline, starts, only_due=False)
        seconds.append(sum(of_stage.values()))
    return {"seconds": seconds[1:], "of_stage": of_stage}


def _ranges(hours: int, runs: int) -> list[list[int]]:
    """A warm-up of one hour, then ranges that follow each other, so that each run meets hours that are new."""
    first = [workload.START]
    ranges = [[workload.START + (1 + run * hours + i) * HOUR_MICROS for i in range(hours)] for run in range(runs)]
    return [first, *ranges]


def _measure(job: dg.JobDefinition, instance: dg.DagsterInstance, hours: int, runs: int) -> dict[str, Any]:
    seconds, cpu_seconds, events = [], [], []
    for starts in _ranges(hours, runs):
        started, cpu_started = time.perf_counter(), time.process_time()
        result = _execute(job, instance, starts)
        seconds.append(time.perf_counter() - started)
        cpu_seconds.append(time.process_time() - cpu_started)
        events.append(len(result.all_events))
    return {"seconds": seconds[1:], "cpu_seconds": cpu_seconds[1:], "events": events[-1]}


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, starts: Sequence[int]) -> dg.ExecuteInProcessResult:
    """One run over a range of hours, as ``monitor reconcile`` executes it."""
    result = job.execute_in_process(instance=instance, tags=range_tags(starts, Grain.HOUR), run_config=QUIET)
    assert result.success
    return result


def _empty_definitions(partitions: Partitions) -> dg.Definitions:
    return dg.Definitions(
        assets=[_empty_asset(name, needed, partitions) for name, needed in DEPENDENCIES.items()],
        jobs=[dg.define_asset_job("nothing", selection=dg.AssetSelection.assets(*DEPENDENCIES))],
        executor=dg.in_process_executor,
    )


def _empty_asset(name: str, needed: Sequence[str], partitions: Partitions) -> dg.AssetsDefinition:
    checked = name == CHECKED

    @dg.asset(
        name=name,
        deps=list(needed),
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("passes", asset=name)] if checked else [],
    )
    def nothing() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it and refuses a parametrised one
        passed = [dg.AssetCheckResult(check_name="passes", passed=True)] if checked else []
        return dg.MaterializeResult(check_results=passed)

    return nothing
