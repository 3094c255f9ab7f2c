"""When the truth about a model's predictions is expected."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from monitoring_pipeline.config.models.base import Strict
from monitoring_pipeline.config.models.times import PositiveDelay


class Labels(Strict):
    """When the truth is expected. Durations are ISO 8601 (``PT6H``) or ``HH:MM:SS``."""

    expected_delay: PositiveDelay = timedelta(hours=24)
    maturity: PositiveDelay = timedelta(hours=72)
    min_coverage: float = Field(default=0.9, gt=0, le=1)

    @model_validator(mode="after")
    def _maturity_after_delay(self) -> Self:
        if self.maturity < self.expected_delay:
            raise ValueError("maturity is shorter than expected_delay; labels mature after they are expected")
        return self
