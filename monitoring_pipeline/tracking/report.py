"""What became of each day that was to be shown in MLflow."""

from dataclasses import dataclass
from enum import StrEnum


class ProjectionState(StrEnum):
    """What became of one model's day."""

    LOGGED = "logged"
    UNCHANGED = "unchanged"  # MLflow already shows it
    EMPTY = "empty"  # no results stand, so there is no run
    UNAVAILABLE = "unavailable"  # MLflow does not answer; the day stays due
    REFUSED = "refused"  # MLflow answered that it does not want it; the day stays due


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOutcome:
    """One model's day.

    Args:
        model_id: the model.
        day: start of the day, microseconds UTC.
        state: what became of it.
        run_id: the MLflow run, where there is one.
        point_count: how many points the run shows.
        detail: why not, if it was not logged; never an address or a value.
    """

    model_id: str
    day: int
    state: ProjectionState
    run_id: str | None = None
    point_count: int = 0
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionReport:
    """All days of one call, in the order of their models and days."""

    outcomes: tuple[DayOutcome, ...]

    def count(self, state: ProjectionState) -> int:
        """How many days are in a state."""
        return sum(outcome.state is state for outcome in self.outcomes)
