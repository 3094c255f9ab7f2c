"""``daily_truth_drift``: what changed in each model's truth, and in its relation to the inputs."""

import dagster as dg

from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.pipeline import Pipeline


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's daily partitions."""

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["daily_performance"],
        group_name="drift",
        owners=OWNERS,
        kinds={"python", "scikitlearn"},
    )
    def daily_truth_drift(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Each day's labelled rows against the reference: the truth, errors at equal inputs, errors row by row."""
        run_stage(context, lambda starts, *, only_due: measure_truth_drift(pipeline, starts, only_due=only_due))

    return daily_truth_drift
