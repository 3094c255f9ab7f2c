"""``logged_predictions``: each model's hour of predictions as a file of the lake."""

from collections.abc import Sequence

import dagster as dg

from assets.columns import logged_schema
from assets.partitions import Partitions
from assets.shell import OWNERS, Metadata, run_stage
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome
from monitoring_pipeline.stages.rows.logged import log_predictions


def build(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset on the installation's hourly partitions."""

    @dg.asset(
        partitions_def=partitions.hourly,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="landing",
        owners=OWNERS,
        kinds={"parquet", "python"},
        metadata={"dagster/column_schema": logged_schema()},
    )
    def logged_predictions(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        """Predictions as they were logged, features as typed columns; late truth never rewrites it."""
        run_stage(
            context,
            lambda hours, *, only_due: log_predictions(pipeline, hours, only_due=only_due),
            more=lambda _start, outcomes: _undeclared(pipeline.config, outcomes),
        )

    return logged_predictions


def _undeclared(config: MonitoringConfig, outcomes: Sequence[ModelOutcome]) -> Metadata:
    """The models that nobody declared: they are monitored with defaults, which somebody should know."""
    model_ids = [outcome.model_id for outcome in outcomes if config.model(outcome.model_id) is None]
    return {"models_undeclared": dg.MetadataValue.text(", ".join(model_ids))} if model_ids else {}
