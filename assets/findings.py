"""``hourly_findings`` and ``daily_findings``: each rule's verdict on each window."""

import dagster as dg

from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Grain


def build(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """The hourly and the daily asset on the installation's partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["hourly_performance", "hourly_drift"],
        group_name="alerts",
        owners=OWNERS,
        kinds={"python"},
    )
    def hourly_findings(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """The verdicts of the hourly rules, and the alert transitions that follow from them."""
        run_stage(context, lambda starts, *, only_due: judge_windows(pipeline, Grain.HOUR, starts, only_due=only_due))

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["daily_performance", "daily_drift", "daily_truth_drift"],
        group_name="alerts",
        owners=OWNERS,
        kinds={"python"},
    )
    def daily_findings(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """The verdicts of the daily rules, and the alert transitions that follow from them."""
        run_stage(context, lambda starts, *, only_due: judge_windows(pipeline, Grain.DAY, starts, only_due=only_due))

    return [hourly_findings, daily_findings]
