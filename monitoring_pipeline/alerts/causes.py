"""What caused a change: the ingest batches that reached the window since the finding before.

Which batches these are is found by the stages, which may read the events; this room keeps and words them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.alerts.vocabulary import Finding, FindingKey
from monitoring_pipeline.text import plain
from monitoring_pipeline.windows import isoformat

# How many batches an event names; the rest is counted.
MOST_BATCHES = 10
# How many of them the sentence names.
_MOST_IN_SENTENCE = 3
_MAX_NAME_LENGTH = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One ingest batch that brought rows of a window.

    ``row_count`` counts its rows in the whole window of the model, whatever the group that the alert is about, and
    as far as retention has left them.
    """

    batch_id: str
    source: str  # file name, "python", "http": chosen by users
    kind: str  # predictions | actuals
    row_count: int
    received_at: int  # when it was ingested, microseconds UTC; not what its rows say


@dataclass(frozen=True, kw_only=True, slots=True)
class Causes:
    """The batches behind one change, newest first; ``further_count`` more are not named.

    ``ages``: what the rule judges moves with the window's age, also where no batch arrived.
    """

    batches: tuple[Cause, ...] = ()
    further_count: int = 0
    ages: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """What the named batches brought."""
        return frozenset(cause.kind for cause in self.batches)

    def by_age_alone(self, finding: Finding, before: Finding | None) -> bool:
        """Whether time alone led from one finding to the other: nothing arrived, and no count changed."""
        if before is None or self.batches or _counts(finding) != _counts(before):
            return False
        return self.ages or (finding.mature and not before.mature and finding.value == before.value)

    def document(self, finding: Finding, before: Finding | None) -> dict[str, Any]:
        """As the event keeps them and the message carries them."""
        return {
            "batches": [
                {
                    "batch_id": cause.batch_id,
                    "source": cause.source,
                    "kind": cause.kind,
                    "row_count": cause.row_count,
                    "received_at": isoformat(cause.received_at),
                }
                for cause in self.batches
            ],
            "further_batch_count": self.further_count,
            "by_age_alone": self.by_age_alone(finding, before),
        }


UNKNOWN_CAUSES = Causes()
"""No batch is on record: the declaration was edited, or retention removed the rows."""

CausesFor = Callable[[Mapping[FindingKey, int | None]], Mapping[FindingKey, Causes]]
"""From the keys whose alerts move, each with the knowledge time of the finding before (``None``: there was none)."""


def named_batches(causes: Causes) -> str:
    """The newest batches in words, with names that nothing obeys: ``batch late.ndjson (412 rows)``."""
    shown = causes.batches[:_MOST_IN_SENTENCE]
    words = [f"{plain(cause.source, max_length=_MAX_NAME_LENGTH)} ({_rows(cause.row_count)})" for cause in shown]
    further = len(causes.batches) - len(shown) + causes.further_count
    if further:
        words.append(f"{further} more")
    return f"{'batch' if len(words) == 1 else 'batches'} {', '.join(words)}"


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _counts(finding: Finding) -> tuple[int, int]:
    return finding.prediction_count, finding.labelled_count
