"""Delivery of the outbox as an op: at least once, and never in a sensor's body."""

from collections.abc import Mapping

import dagster as dg

from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.alerts.notification import Channel
from monitoring_pipeline.stages.pipeline import Pipeline

Channels = Mapping[str, Channel]


@dg.op
def deliver_outbox(
    context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline], channels: dg.ResourceParam[Channels]
) -> None:
    """Send what is due, each channel apart from the others."""
    report = deliver_due(pipeline.engine, channels, clock=pipeline.clock)
    for name, channel in report.channels.items():
        context.log.info(f"{name}: {channel.delivered_count} delivered, {channel.failed_attempt_count} failed")
        if channel.last_error is not None:
            context.log.warning(f"{name}: {channel.last_error}")
    for name, count in report.unknown_channel_pending.items():
        context.log.warning(f"{count} notifications wait for the channel {name}, which the config does not name")


@dg.job(description="Send the notifications that wait in the outbox.")
def deliver_notifications() -> None:
    """One attempt for each notification that is due."""
    deliver_outbox()
