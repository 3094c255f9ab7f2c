"""The whole of ``monitoring.yaml``, and what must agree between its models and the rest."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from monitoring_pipeline.config.models.base import Strict, refuse_repeated
from monitoring_pipeline.config.models.channels import Channel
from monitoring_pipeline.config.models.model import Model
from monitoring_pipeline.config.models.sources import EventSource
from monitoring_pipeline.config.models.times import DAY, UtcInstant, WholeHour


def _not_empty(address: str) -> str:
    if not address.strip():
        raise ValueError("is empty; write a database address, or take the key out to keep the store under MONITOR_HOME")
    return address


class Retention(Strict):
    """How long raw events stay in the store; hour files, results and alerts stay for ever.

    ``events_days``: an hour that ended so many days ago is *sealed* once it is computed: its predictions and
    actuals are removed, and it takes no more of them. Left out, nothing is ever removed.
    """

    events_days: int | None = Field(default=None, ge=90)


class MonitoringConfig(Strict):
    """The whole of ``monitoring.yaml``."""

    store_url: Annotated[str, AfterValidator(_not_empty)] | None = None  # default: SQLite under MONITOR_HOME
    start: WholeHour | None = None  # the first hour that has a partition; default: the year of the first event
    end: UtcInstant | None = None
    mlflow_url: str | None = None  # default: a store under MONITOR_HOME
    debounce_seconds: int = Field(default=60, ge=0)  # late arrivals rest this long before an old hour reopens
    retention: Retention = Retention()
    sources: dict[str, EventSource] = {}
    channels: dict[str, Channel] = {}
    models: list[Model] = []

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        refuse_repeated("model id", [model.id for model in self.models])
        if self.end is not None and self.start is not None and self.end <= self.start:
            raise ValueError("end is not after start")
        return self

    @model_validator(mode="after")
    def _events_outlive_their_labels(self) -> Self:
        days = self.retention.events_days
        slow = [model.id for model in self.models if days is not None and model.labels.maturity / DAY > days]
        if slow:
            raise ValueError(
                f"retention.events_days {days} is shorter than labels.maturity of {', '.join(slow)}; "
                "truth that is still expected would find its predictions gone"
            )
        return self

    def model(self, model_id: str) -> Model | None:
        """The declaration of a model, or ``None`` if nobody declared it."""
        return next((model for model in self.models if model.id == model_id), None)
