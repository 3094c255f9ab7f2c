"""What the inputs of a model are compared with, and from when on a difference is drift."""

from typing import Self

from pydantic import Field, model_validator

from monitoring_pipeline.config.models.base import Strict
from monitoring_pipeline.config.models.times import WholeHour


class Reference(Strict):
    """What drift is measured against: predictions logged in a window, or a file of feature columns."""

    start: WholeHour | None = None  # hours are read whole
    end: WholeHour | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        window = self.start is not None or self.end is not None
        if window == (self.file is not None):
            raise ValueError("a reference is either a window (start and end) or a file, one of the two")
        if window and (self.start is None or self.end is None or self.start >= self.end):
            raise ValueError("a reference window needs start and end, start before end")
        return self


class DriftSettings(Strict):
    """When a difference is called drift: evidence (``alpha``) and a minimum effect, both."""

    min_samples: int = Field(default=100, ge=2)
    alpha: float = Field(default=0.001, gt=0, lt=1)
    ks: float = Field(default=0.1, gt=0, le=1)
    psi: float = Field(default=0.2, gt=0)
    jensen_shannon: float = Field(default=0.1, gt=0, le=1)
    wasserstein: float = Field(default=0.25, gt=0)  # in standard deviations of the reference
    chi2: float = Field(default=0.1, gt=0)  # Cramér's V
