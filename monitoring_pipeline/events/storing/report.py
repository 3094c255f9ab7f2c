"""What became of the rows of one call of ingest: each of them is counted exactly once."""

from collections import Counter
from dataclasses import asdict, dataclass, field

from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.revisions import ModelHour
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.transaction import Stored

_MAX_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One rejected row, to show what is wrong. The row's text is in the quarantine table only."""

    line: int
    field: str | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """The account of one file or call: ``received = accepted + duplicates + conflicts + quarantined``.

    ``conflicts`` are kept in the quarantine table, too, but counted apart from ``quarantined``. ``revised``,
    ``retracted`` and ``orphans`` count the actuals among the accepted that follow an earlier one, that take the truth
    back, or whose prediction is unknown yet; one actual may be all three. ``returned`` counts actuals that repeat an
    earlier truth, which no longer holds, without a timestamp: they are taken for repetitions and not stored.
    ``reasons`` counts ``quarantined`` and ``conflicts`` by reason.
    """

    source: str
    kind: Kind | None  # None for a file without rows or columns
    batch_id: str | None  # None likewise
    received: int
    accepted: int
    duplicates: int
    conflicts: int
    quarantined: int
    revised: int
    retracted: int
    orphans: int
    returned: int
    touched_hours: int
    reasons: dict[str, int]
    samples: tuple[Sample, ...]

    @property
    def rejected(self) -> int:
        """Rows that wait in quarantine for a person."""
        return self.conflicts + self.quarantined

    def as_json(self) -> dict[str, object]:
        """The report with stable keys, ready for JSON."""
        return {**asdict(self), "samples": [asdict(sample) for sample in self.samples]}


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts that grow with each transaction and end as an :class:`IngestReport`."""

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    revised: int = 0
    retracted: int = 0
    orphans: int = 0
    returned: int = 0
    touched: set[ModelHour] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    def add(self, stored: Stored, rejected: list[QuarantinedRow]) -> None:
        """Count one transaction; ``rejected`` holds its conflicts, too."""
        self.accepted += stored.accepted
        self.duplicates += stored.duplicates
        self.conflicts += len(stored.conflicts)
        self.quarantined += len(rejected) - len(stored.conflicts)
        self.received += stored.accepted + stored.duplicates + len(rejected)
        self.revised += stored.revised
        self.retracted += stored.retracted
        self.orphans += stored.orphans
        self.returned += stored.returned
        self.touched |= stored.touched
        self.reasons.update(str(row.reason) for row in rejected)
        self.samples += [_sample(row) for row in rejected[: _MAX_SAMPLES - len(self.samples)]]

    def report(self, *, source: str, kind: Kind | None, batch_id: str | None) -> IngestReport:
        """The account as it stands."""
        return IngestReport(
            source=source,
            kind=kind,
            batch_id=batch_id,
            received=self.received,
            accepted=self.accepted,
            duplicates=self.duplicates,
            conflicts=self.conflicts,
            quarantined=self.quarantined,
            revised=self.revised,
            retracted=self.retracted,
            orphans=self.orphans,
            returned=self.returned,
            touched_hours=len(self.touched),
            reasons=dict(sorted(self.reasons.items())),
            samples=tuple(self.samples),
        )


def _sample(row: QuarantinedRow) -> Sample:
    return Sample(line=row.line, field=row.field, reason=str(row.reason), detail=row.detail)
