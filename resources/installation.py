"""The installation's parts as Dagster resources, made when a run asks for them.

Loading definitions imports neither MLflow nor Great Expectations: the UI and the sensors stay quick.
"""

import os
from collections.abc import Mapping

import dagster as dg

from monitoring_pipeline.alerts.channels import build_channels
from monitoring_pipeline.alerts.notification import Channel
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.tracking.server import Tracking


def installation_resources(installation: Installation) -> dict[str, dg.ResourceDefinition]:
    """The resources by the names that assets, ops and sensors ask for.

    Args:
        installation: the open installation.
    """

    def pipeline(_context: dg.InitResourceContext) -> Pipeline:
        return installation.pipeline

    def tracking(_context: dg.InitResourceContext) -> Tracking:
        return installation.tracking

    def channels(_context: dg.InitResourceContext) -> Mapping[str, Channel]:
        return build_channels(installation.config, installation.home.root, os.environ, clock=installation.clock)

    parts = {"pipeline": pipeline, "tracking": tracking, "channels": channels}
    return {name: dg.ResourceDefinition(resource_fn=part) for name, part in parts.items()}
