"""``joined_predictions``: each prediction beside the truth that is known of it now."""

import dagster as dg

from assets.columns import joined_schema
from assets.partitions import Partitions
from assets.shell import OWNERS, run_stage
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.joined import join_predictions


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's hourly partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["logged_predictions"],
        group_name="landing",
        owners=OWNERS,
        kinds={"parquet", "python"},
        metadata={"dagster/column_schema": joined_schema()},
    )
    def joined_predictions(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Predictions beside their actuals; a prediction whose truth has not come stays, without one."""
        run_stage(context, lambda hours, *, only_due: join_predictions(pipeline, hours, only_due=only_due))

    return joined_predictions
