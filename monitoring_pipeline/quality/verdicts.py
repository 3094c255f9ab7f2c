"""What the quality stage says about one expectation in one hour. No field ever holds a value of the data."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.config.models import Severity


class Verdict(StrEnum):
    """How an expectation fared."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # it could not be asked: a column is missing or of the wrong type


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityResult:
    """One expectation's verdict on one hour of one model.

    Args:
        window_start: start of the hour, microseconds UTC.
        dataset: which dataset's rows were looked at.
        expectation: a sentence that is true if the verdict is ``passed``.
        severity: ``critical`` means that a later stage would compute nonsense from such rows.
        verdict: passed, failed, or error.
        unexpected_count: how many rows break it; ``None`` where the expectation is not about rows or
            could not be asked.
        row_count: rows of the hour, whether or not they break it.
        detail: one sentence for people if it did not pass; counts, column names and types only.
    """

    window_start: int
    dataset: str
    expectation: str
    severity: Severity
    verdict: Verdict
    unexpected_count: int | None
    row_count: int
    detail: str | None
