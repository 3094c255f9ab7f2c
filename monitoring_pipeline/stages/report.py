"""What a stage did, per window, for the metadata that people read in Dagster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitoring_pipeline.lake.ledger import LedgerEntry

# Windows of one chunk are read and computed together: enough to amortise each query and each vectorised
# call, few enough that a chunk of a busy model fits in memory.
HOURS_PER_CHUNK = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """One model's window after a stage.

    Args:
        state: ``computed``, ``unchanged`` (the ledger was up to date), ``blocked`` (critical quality failures) or
            ``sealed`` (its events were removed by ``retention.events_days``; what was published stands).
        row_count: rows of the output.
        details: small facts for people: counts, headline metrics. Never feature values.
    """

    model_id: str
    window_start: int
    state: str
    row_count: int
    details: dict[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """All models' windows after a stage."""

    dataset: str
    outcomes: tuple[ModelOutcome, ...]

    def of(self, window_start: int) -> list[ModelOutcome]:
        """The outcomes of one window, by model."""
        return [outcome for outcome in self.outcomes if outcome.window_start == window_start]

    @property
    def computed(self) -> list[ModelOutcome]:
        """The outcomes that did work."""
        return [outcome for outcome in self.outcomes if outcome.state == "computed"]


def chunks(hours: Iterable[int], size: int = HOURS_PER_CHUNK) -> list[list[int]]:
    """Windows in ascending order, split into runs of at most ``size``."""
    ordered = sorted(set(hours))
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


def unchanged(
    standing: Mapping[tuple[str, int], LedgerEntry], work: Mapping[str, Sequence[LedgerEntry]]
) -> list[ModelOutcome]:
    """The outcomes of the windows that needed no work."""
    worked = {source.key for sources in work.values() for source in sources}
    return [
        ModelOutcome(model_id=model_id, window_start=start, state="unchanged", row_count=entry.row_count)
        for (model_id, start), entry in standing.items()
        if (model_id, start) not in worked
    ]
