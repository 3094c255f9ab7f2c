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
        "auto.offset.reset": source.begin,
        # Offsets are committed by us, after the rows are stored.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
    }


def _secret(name: str, setting: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "")
    if not value:
        raise MonitorError(
            f"sources.{name}.secrets_env: the environment variable {variable} is not set; set it to {setting}"
        )
    return value
