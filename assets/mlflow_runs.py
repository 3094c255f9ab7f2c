"""``mlflow_runs``: one MLflow run per model and day, a projection of the results."""

import dagster as dg

from assets.partitions import Partitions, partition_key, window_start, window_starts
from assets.shell import OWNERS, markdown_table
from monitoring_pipeline.database import reading
from monitoring_pipeline.stages.days import models_of_days
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.tracking.project import project_days
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.windows import Grain


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's daily partitions."""

    @dg.asset(
        partitions_def=partitions.daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["daily_performance", "daily_drift", "daily_truth_drift"],
        group_name="tracking",
        owners=OWNERS,
        kinds={"mlflow", "python"},
    )
    def mlflow_runs(
        context: dg.AssetExecutionContext,
        pipeline: dg.ResourceParam[Pipeline],
        tracking: dg.ResourceParam[Tracking],
    ) -> None:
        """The day's results as MLflow shows them; a server that is down delays nothing and is caught up later."""
        days = window_starts(context.partition_keys)
        with reading(pipeline.engine) as connection:
            wanted = models_of_days(connection, days)
            declarations = {m: declaration(connection, pipeline.config, m) for m, _ in wanted}
        report = project_days(pipeline.engine, tracking, wanted, clock=pipeline.clock, declarations=declarations)
        for key in context.partition_keys:
            rows = [
                [outcome.model_id, outcome.state.value, outcome.point_count, outcome.run_id, outcome.detail]
                for outcome in report.outcomes
                if outcome.day == window_start(key)
            ]
            table = markdown_table(["model", "state", "points", "run", "detail"], rows)
            metadata = {"dagster/row_count": len(rows), "runs": dg.MetadataValue.md(table)}
            context.add_asset_metadata(metadata, partition_key=key)
        for outcome in report.outcomes:
            if outcome.detail is not None:
                day = partition_key(outcome.day, Grain.DAY)
                context.log.warning(f"{outcome.model_id} {day}: {outcome.state.value}: {outcome.detail}")

    return mlflow_runs
