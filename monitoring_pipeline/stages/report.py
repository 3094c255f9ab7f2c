"""What a stage did, per window, for the metadata that people read in Dagster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake.ledger import LedgerEntry

Details = Mapping[str, str | int | float | None]
"""Small facts for people: counts, headline metrics. Never feature values."""


class OutcomeState(StrEnum):
    """What became of one model's window in a stage."""

    COMPUTED = "computed"
    UNCHANGED = "unchanged"  # the ledger was up to date
    BLOCKED = "blocked"  # a critical expectation failed
    SEALED = "sealed"  # retention.events_days removed its events; what was published stands
    FAILED = "failed"  # what stood before still stands, and the window is still due


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """One model's window after a stage; ``row_count`` is that of the output."""

    model_id: str
    window_start: int
    state: OutcomeState
    row_count: int
    details: Details = field(default_factory=dict)

    @classmethod
    def of(cls, entry: LedgerEntry, state: OutcomeState, details: Details | None = None) -> Self:
        """The outcome of the window whose output ``entry`` stands for."""
        return cls(
            model_id=entry.model_id,
            window_start=entry.window_start,
            state=state,
            row_count=entry.row_count,
            details=details or {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFailure:
    """Why one model's windows could not be computed."""

    model_id: str
    windows: tuple[int, ...]
    error: Exception

    @property
    def sentence(self) -> str:
        """What a user can mend is said in full; another exception may quote values, so only its kind is."""
        return str(self.error) if isinstance(self.error, MonitorError) else type(self.error).__name__

    def __str__(self) -> str:
        return f"model {self.model_id}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """All models' windows after a stage, and what went wrong for some models."""

    dataset: str
    outcomes: tuple[ModelOutcome, ...]
    failures: tuple[ModelFailure, ...] = ()

    def of(self, window_start: int) -> list[ModelOutcome]:
        """The outcomes of one window, by model."""
        return [outcome for outcome in self.outcomes if outcome.window_start == window_start]
