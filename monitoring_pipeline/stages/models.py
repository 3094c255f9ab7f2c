"""The declaration of each model, also of those that nobody declared."""

from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.events.read import known_models, task_evidence


def declaration(connection: Connection, config: MonitoringConfig, model_id: str) -> Model:
    """The model's declaration, or defaults with the task that its events show.

    Class names mean multiclass, a probability means binary, anything else is a regression.
    """
    declared = config.model(model_id)
    return declared if declared is not None else Model(id=model_id, task=_inferred_task(connection, model_id))


def undeclared_models(connection: Connection, config: MonitoringConfig) -> list[str]:
    """Models that log predictions although nobody declared them."""
    return [model_id for model_id in known_models(connection) if config.model(model_id) is None]


def _inferred_task(connection: Connection, model_id: str) -> Task:
    has_class, has_probability = task_evidence(connection, model_id)
    if has_class:
        return Task.MULTICLASS
    return Task.BINARY if has_probability else Task.REGRESSION
