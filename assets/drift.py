"""``hourly_drift`` and ``daily_drift``: what changed in each model's inputs against its reference."""

import dagster as dg

from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Grain


def build(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """The hourly and the daily asset on the installation's partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["logged_predictions", "data_quality"],
        group_name="drift",
        owners=OWNERS,
        kinds={"python", "scipy"},
    )
    def hourly_drift(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Each feature of each hour against the reference; "not enough data" is a verdict."""
        run_stage(context, lambda starts, *, only_due: measure_drift(pipeline, Grain.HOUR, starts, only_due=only_due))

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["logged_predictions"],
        group_name="drift",
        owners=OWNERS,
        kinds={"python", "scipy"},
    )
    def daily_drift(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Each feature of each day against the reference."""
        run_stage(context, lambda starts, *, only_due: measure_drift(pipeline, Grain.DAY, starts, only_due=only_due))

    return [hourly_drift, daily_drift]
