"""Reads ``monitoring.yaml``: either a valid config, or one error that lists everything there is to mend."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import ValidationError

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.problems import Complaint, ConfigError, KeyPath, Problem
from monitoring_pipeline.config.references import MetricNames, unresolved_names
from monitoring_pipeline.config.shape import complaints
from monitoring_pipeline.config.substitution import Substitution
from monitoring_pipeline.config.yaml_reader import Document, read_yaml
from monitoring_pipeline.errors import MonitorError


def load_config(path: Path | None, *, metric_names: MetricNames | None = None) -> MonitoringConfig:
    """The config in a file; the defaults if there is no file, so that undeclared models are monitored.

    Args:
        path: the YAML file, or ``None``.
        metric_names: the metrics a rule may name, per task; the performance registry where not given.

    Raises:
        ConfigError: with every problem of the file, each with its line.
        MonitorError: if the file cannot be read.
    """
    if path is None:
        return MonitoringConfig()
    document = read_yaml(_read(path), file=str(path))
    substitution = Substitution(environment=os.environ)
    value = substitution.apply(document.value)
    config, of_shape = _validate(value, substitution.written)
    found = {
        **dict(
            unresolved_names(
                value,
                metric_names=metric_names or _registered_metric_names,
                comparable_names=metric_names or _registered_comparable_names,
            )
        ),
        **dict(of_shape),
        **substitution.complaints,
    }
    problems = [*document.problems, *_located(found, document)]
    if problems or config is None:
        raise ConfigError(file=str(path), problems=problems)
    return config


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise MonitorError(f"the config {path} is a folder; name the YAML file inside it")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MonitorError(f"there is no config file {path}; check --config and MONITOR_CONFIG") from None
    except OSError as error:
        raise MonitorError(f"the config file {path} cannot be read: {error.strerror}") from None


def _validate(value: object, written: dict[KeyPath, str]) -> tuple[MonitoringConfig | None, Collection[Complaint]]:
    if not isinstance(value, dict):
        return None, [((), "the file must hold keys and values, such as 'models:' with a list under it")]
    try:
        return MonitoringConfig.model_validate(value), []
    except ValidationError as error:
        return None, list(complaints(error, value=value, written=written))


def _located(found: dict[KeyPath, str], document: Document) -> Iterator[Problem]:
    for path, message in found.items():
        yield Problem(line=document.line(path), path=path, message=message)


def _registered_metric_names(task: str) -> Collection[str]:
    return _names_of(task, "operations", "labels", "business")


def _registered_comparable_names(task: str) -> Collection[str]:
    # Those that judge by the truth are known at a label age; of the others only what is known now.
    return _names_of(task, "business")


def _names_of(task: str, *others: str) -> Collection[str]:
    # The registry brings numpy, which a config without rules does not need.
    from monitoring_pipeline.performance.registry import KINDS, metric_names  # noqa: PLC0415 - see above

    if task not in KINDS:
        return ()
    return [name for kind in (task, *others) for name in metric_names(kind)]
