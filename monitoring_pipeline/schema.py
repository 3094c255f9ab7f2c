"""All tables of the store, gathered from the rooms that own them."""

import monitoring_pipeline.access.tables
import monitoring_pipeline.alerts.handling.tables
import monitoring_pipeline.alerts.tables
import monitoring_pipeline.events.hour_errors.tables
import monitoring_pipeline.events.tables
import monitoring_pipeline.events.totals.tables
import monitoring_pipeline.lake.tables
import monitoring_pipeline.results.tables
import monitoring_pipeline.sources.tables
import monitoring_pipeline.tracking.tables  # noqa: F401 - importing is what registers the tables
from monitoring_pipeline.database import metadata

__all__ = ["metadata"]
