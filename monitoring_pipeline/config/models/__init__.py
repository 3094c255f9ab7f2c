"""What is monitored: the shape of ``monitoring.yaml``, one module for each part of it.

Only shape and defaults live here; reading the file and saying where it is wrong is
:mod:`monitoring_pipeline.config.load`'s work.
"""

from monitoring_pipeline.config.models.business import Business, ErrorCost
from monitoring_pipeline.config.models.channels import Channel, FileChannel, LogChannel, WebhookChannel
from monitoring_pipeline.config.models.drift import DriftSettings, FeatureDrift, MinimumEffects, Multivariate, Reference
from monitoring_pipeline.config.models.features import Feature, FeatureType
from monitoring_pipeline.config.models.labels import Labels
from monitoring_pipeline.config.models.model import Model
from monitoring_pipeline.config.models.monitoring import MonitoringConfig, Retention
from monitoring_pipeline.config.models.rules import (
    DRIFT_METRICS,
    Baseline,
    Escalation,
    Persistence,
    Rule,
    Severity,
    Trend,
    TrendDirection,
)
from monitoring_pipeline.config.models.serving import Serving
from monitoring_pipeline.config.models.sources import EventSource, FileSource, KafkaSource, SqlSource, UrlSource
from monitoring_pipeline.config.models.task import Task

__all__ = [
    "DRIFT_METRICS",
    "Baseline",
    "Business",
    "Channel",
    "DriftSettings",
    "ErrorCost",
    "Escalation",
    "EventSource",
    "Feature",
    "FeatureDrift",
    "FeatureType",
    "FileChannel",
    "FileSource",
    "KafkaSource",
    "Labels",
    "LogChannel",
    "MinimumEffects",
    "Model",
    "MonitoringConfig",
    "Multivariate",
    "Persistence",
    "Reference",
    "Retention",
    "Rule",
    "Serving",
    "Severity",
    "SqlSource",
    "Task",
    "Trend",
    "TrendDirection",
    "UrlSource",
    "WebhookChannel",
]
