"""What is valid in a config and yet will not work as it stands: files, variables and references that are not there."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from monitoring_pipeline.config.models import (
    DRIFT_METRICS,
    EventSource,
    KafkaSource,
    Model,
    MonitoringConfig,
    SqlSource,
    UrlSource,
    WebhookChannel,
)


def remarks(config: MonitoringConfig, *, base: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each thing that is missing around the config, with the key that asks for it.

    Args:
        config: a valid config.
        base: the folder of its file, which relative paths are relative to.
        environ: the environment variables.
    """
    for name, channel in config.channels.items():
        if isinstance(channel, WebhookChannel) and channel.secret_env and not environ.get(channel.secret_env):
            yield (
                f"channels.{name}.secret_env: the environment variable {channel.secret_env} is not set here; "
                "notifications cannot be delivered where it is not"
            )
    for name, source in config.sources.items():
        for key, variable in _variables(source).items():
            if not environ.get(variable):
                yield (
                    f"sources.{name}.{key}: the environment variable {variable} is not set here; "
                    "the source cannot be read where it is not"
                )
    for i, model in enumerate(config.models):
        yield from _of_model(model, f"models[{i}]", base)
        token_env = None if model.serving is None else model.serving.token_env
        if token_env and not environ.get(token_env):
            yield (
                f"models[{i}].serving.token_env: the environment variable {token_env} is not set here; "
                f"{model.id} cannot be asked for predictions where it is not"
            )


def _variables(source: EventSource) -> dict[str, str]:
    """The keys of a source that name environment variables, and those."""
    if isinstance(source, SqlSource | UrlSource):
        return {"url_env": source.url_env} if source.url_env else {}
    secrets = source.secrets_env if isinstance(source, KafkaSource) else {}
    return {f"secrets_env.{setting}": variable for setting, variable in secrets.items()}


def _of_model(model: Model, path: str, base: Path) -> Iterator[str]:
    file = None if model.reference is None else model.reference.file
    if file is not None and not (base / file).is_file():
        yield (
            f"{path}.reference.file: there is no file {(base / file).resolve()}, and without it the drift of "
            f"{model.id} cannot be computed; a relative path is relative to the folder of the config"
        )
    for i, rule in enumerate(model.rules):
        if rule.metric in DRIFT_METRICS and model.reference is None:
            yield (
                f"{path}.rules[{i}]: {rule.id} watches {rule.metric}, and {model.id} has no reference to measure "
                "drift against; give it one, or the rule is silent for ever"
            )
