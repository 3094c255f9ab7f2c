"""The asset jobs that sensors and people start."""

import dagster as dg

from monitoring_pipeline.windows import Grain

JOB_NAMES = {Grain.HOUR: "hourly_monitoring", Grain.DAY: "daily_monitoring"}
REVIEW_ALERTS = "review_alerts"
PROJECT_TO_MLFLOW = "mlflow_projection"

hourly_monitoring = dg.define_asset_job(
    JOB_NAMES[Grain.HOUR],
    selection=dg.AssetSelection.assets(
        "logged_predictions",
        "joined_predictions",
        "data_quality",
        "hourly_performance",
        "hourly_drift",
        "hourly_findings",
    ),
    description="Everything about an hour, from its predictions to its findings.",
)

daily_monitoring = dg.define_asset_job(
    JOB_NAMES[Grain.DAY],
    selection=dg.AssetSelection.assets(
        "daily_performance", "daily_estimates", "daily_drift", "daily_truth_drift", "daily_findings", "mlflow_runs"
    ),
    description="Everything about a day, merged from its hours.",
)

review_alerts = dg.define_asset_job(
    REVIEW_ALERTS,
    selection=dg.AssetSelection.assets("alerts"),
    description="Judge alerts again whose labels have come of age.",
)

mlflow_projection = dg.define_asset_job(
    PROJECT_TO_MLFLOW,
    selection=dg.AssetSelection.assets("mlflow_runs"),
    description="Show MLflow the days that it missed while it was away.",
)

JOBS = [hourly_monitoring, daily_monitoring, review_alerts, mlflow_projection]
