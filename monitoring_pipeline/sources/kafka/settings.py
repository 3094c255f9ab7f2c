"""The settings of a consumer: what the config says, and what the promise of storing once rests on."""

from collections.abc import Mapping

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.errors import MonitorError

# Of what was fetched and not polled yet; the library's own default is twice as much.
_QUEUED_KILOBYTES = 32_768


def consumer_settings(name: str, source: KafkaSource, environ: Mapping[str, str]) -> dict[str, str | int | bool]:
    """What the client is made with.

    Args:
        name: the source's name in the config, for errors.
        source: its declaration.
        environ: where secrets are looked up.

    Raises:
        MonitorError: if a secret's variable is not set.
    """
    return {
        "client.id": "monitoring-pipeline",
        "queued.max.messages.kbytes": _QUEUED_KILOBYTES,
        **source.settings,
        **{setting: _secret(name, setting, variable, environ) for setting, variable in source.secrets_env.items()},
        "bootstrap.servers": source.servers,
        "group.id": source.group,
        # Where reading cannot go on as it was, the library must not choose: it would pass over messages and not say so.
        "auto.offset.reset": "error",
        # Offsets are committed by us, after the rows are stored.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
    }


def moves_single_partitions(source: KafkaSource) -> bool:
    """Whether the group moves partitions one by one; else all of a member's are assigned at once."""
    strategy = str(source.settings.get("partition.assignment.strategy", ""))
    return "cooperative" in strategy or source.settings.get("group.protocol") == "consumer"


def _secret(name: str, setting: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "")
    if not value:
        raise MonitorError(
            f"sources.{name}.secrets_env: the environment variable {variable} is not set; set it to {setting}"
        )
    return value
