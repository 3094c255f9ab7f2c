"""The ways out: log, file, webhook; made from the config, never from data."""

from collections.abc import Mapping
from pathlib import Path

from monitoring_pipeline.alerts.channels.file import FileSender
from monitoring_pipeline.alerts.channels.log import LogSender
from monitoring_pipeline.alerts.channels.webhook import WebhookSender
from monitoring_pipeline.alerts.notification import Channel
from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.config.models import FileChannel, LogChannel, MonitoringConfig, WebhookChannel
from monitoring_pipeline.errors import MonitorError


def build_channels(
    config: MonitoringConfig, home_root: Path, environ: Mapping[str, str], *, clock: Clock = system_clock
) -> dict[str, Channel]:
    """The config's channels by name.

    Args:
        config: the whole config.
        home_root: ``MONITOR_HOME``; relative file paths are under it.
        environ: where secrets are looked up.
        clock: the time that signatures carry.

    Raises:
        MonitorError: if a secret is missing, a file would lie outside ``home_root`` by a relative path, or a
            webhook's address cannot be understood.
    """
    return {name: _build(name, channel, home_root, environ, clock) for name, channel in config.channels.items()}


def _build(
    name: str,
    channel: LogChannel | FileChannel | WebhookChannel,
    home_root: Path,
    environ: Mapping[str, str],
    clock: Clock,
) -> Channel:
    match channel:
        case LogChannel():
            return LogSender()
        case FileChannel(path=path):
            return FileSender(_file_path(name, path, home_root))
        case WebhookChannel():
            return WebhookSender(
                name=name,
                url=channel.url,
                secret=_secret(name, channel.secret_env, environ),
                allow_private=channel.allow_private,
                timeout_seconds=channel.timeout_seconds,
                clock=clock,
            )


def _file_path(name: str, path: str, home_root: Path) -> Path:
    full = home_root / path
    if not Path(path).is_absolute() and not full.resolve().is_relative_to(home_root.resolve()):
        raise MonitorError(
            f"channels.{name}.path: {path} leads out of MONITOR_HOME; write a path inside it, or an absolute one"
        )
    return full


def _secret(name: str, variable: str | None, environ: Mapping[str, str]) -> bytes | None:
    if variable is None:
        return None
    value = environ.get(variable, "")
    if not value:
        raise MonitorError(
            f"channels.{name}.secret_env: the environment variable {variable} is not set; "
            "set it to the key that signs messages, or remove secret_env to send them unsigned"
        )
    return value.encode()
