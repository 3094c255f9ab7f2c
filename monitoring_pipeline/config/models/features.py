"""The inputs of a model."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from monitoring_pipeline.config.models.base import Strict
from monitoring_pipeline.config.models.drift import FeatureDrift


class FeatureType(StrEnum):
    """How a feature's values are to be read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    VECTOR = "vector"  # a list of numbers, such as an embedding


class Feature(Strict):
    """One input of a model. ``monitoring.yaml`` may write just the type: ``distance: numeric``."""

    type: FeatureType
    nullable: bool = True
    min: float | None = None
    max: float | None = None
    allowed: list[str] | None = None
    drift: bool | FeatureDrift = True

    @model_validator(mode="before")
    @classmethod
    def _type_alone(cls, value: object) -> object:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self
