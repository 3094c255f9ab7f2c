"""``hourly_performance`` and ``daily_performance``: how good each model was, as far as the truth is known."""

from functools import partial

import dagster as dg

from assets.partitions import Partitions
from assets.plots import day_picture
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline


def build(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """The hourly and the daily asset on the installation's partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["joined_predictions", "data_quality"],
        group_name="performance",
        owners=OWNERS,
        kinds={"python", "numpy"},
    )
    def hourly_performance(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Sums and metrics of each hour: per model, version, environment and segment."""
        run_stage(context, lambda starts, *, only_due: measure_hours(pipeline, starts, only_due=only_due))

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["hourly_performance"],
        group_name="performance",
        owners=OWNERS,
        kinds={"python", "numpy"},
    )
    def daily_performance(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Metrics of each day, merged exactly from the sums of its hours."""
        run_stage(
            context,
            lambda starts, *, only_due: merge_days(pipeline, starts, only_due=only_due),
            more=partial(day_picture, pipeline),
        )

    return [hourly_performance, daily_performance]
