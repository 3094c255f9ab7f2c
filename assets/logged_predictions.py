"""``logged_predictions``: each model's hour of predictions as a file of the lake."""

import dagster as dg

from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.logged import log_predictions
from monitoring_pipeline.stages.pipeline import Pipeline


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's hourly partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="landing",
        owners=OWNERS,
        kinds={"parquet", "python"},
    )
    def logged_predictions(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Predictions as they were logged, features as typed columns; late truth never rewrites it."""
        run_stage(context, lambda hours, *, only_due: log_predictions(pipeline, hours, only_due=only_due))

    return logged_predictions
