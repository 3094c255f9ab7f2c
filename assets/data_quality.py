"""``data_quality``: Great Expectations on each hour, surfaced as an asset check per partition.

The gate is per model: performance leaves out the model-hours in which a critical expectation failed, and
computes the others. A check that blocked the whole partition would let one model's bad data stop them all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.partitions import Partitions, window_start
from assets.shell import OWNERS, outcome_table, run_stage
from expectations.joined_predictions import joined_predictions
from expectations.logged_predictions import logged_predictions
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import Suites, check_quality
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import joined, logged

CHECK = "no_critical_expectation_failed"

RECOVERY = (
    "Performance is not computed for these model-hours. Mend the events (a corrected actual is ingested like any "
    "other; a wrong declaration is mended in monitoring.yaml), then materialize the hours again."
)

SUITES: Suites = {joined.DATASET: joined_predictions, logged.DATASET: logged_predictions}


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset and its check on the installation's hourly partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["logged_predictions", "joined_predictions"],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK, asset="data_quality", description="No model's hour holds rows that later stages cannot use."
            )
        ],
        group_name="quality",
        owners=OWNERS,
        kinds={"greatexpectations", "python"},
    )
    def data_quality(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it and refuses a parametrised one
        """What is expected of the hour's rows, and whether it holds, per model."""
        report = run_stage(
            context,
            lambda hours, *, only_due: check_quality(pipeline, hours, suites=SUITES, only_due=only_due),
        )
        for key in context.partition_keys:
            log_check(context, key, report.of(window_start(key)))
        return dg.MaterializeResult(check_results=[_aggregate(report)])

    return data_quality


def log_check(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, key: str, outcomes: Sequence[ModelOutcome]
) -> None:
    """Record the check of one partition; a result that a range run returns carries no partition."""
    validated = [outcome for outcome in outcomes if outcome.state is not OutcomeState.UNCHANGED]
    if validated:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("data_quality"), check_name=CHECK, partition=key, **_verdict(validated)
        )
        context.log_event(evaluation)  # type: ignore[arg-type]  # taken at run time; an op's signature omits it


def _aggregate(report: StageReport) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=CHECK, **_verdict(report.outcomes))


def _verdict(outcomes: Sequence[ModelOutcome]) -> Mapping[str, Any]:
    blocked = [outcome for outcome in outcomes if outcome.state in (OutcomeState.BLOCKED, OutcomeState.FAILED)]
    metadata: dict[str, dg.MetadataValue | int] = {
        "model_hours_blocked": len(blocked),
        "model_hours_looked_at": len(outcomes),
    }
    if blocked:
        metadata["blocked"] = dg.MetadataValue.md(f"{outcome_table(blocked)}\n\n{RECOVERY}")
    return {"passed": not blocked, "severity": dg.AssetCheckSeverity.ERROR, "metadata": metadata}
