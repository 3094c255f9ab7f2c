"""What is monitored, and where its state lives: ``monitoring.yaml``, its schema, and the home folder."""

from monitoring_pipeline.config.home import Home, config_path
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.problems import ConfigError
from monitoring_pipeline.config.schema import config_schema

__all__ = ["ConfigError", "Home", "MonitoringConfig", "config_path", "config_schema", "load_config"]
