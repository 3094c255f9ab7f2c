"""``daily_estimates``: what each model's performance probably is where truth is still missing."""

import dagster as dg

from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.estimating.estimates import estimate_days
from monitoring_pipeline.stages.pipeline import Pipeline


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's daily partitions."""

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["daily_performance"],
        group_name="performance",
        owners=OWNERS,
        kinds={"python", "scikitlearn"},
    )
    def daily_estimates(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """The expected metrics of each day with unlabelled rows; shown beside the measured ones, judged by no rule."""
        run_stage(context, lambda starts, *, only_due: estimate_days(pipeline, starts, only_due=only_due))

    return daily_estimates
