"""What came of reading a source: every row counted once, and what could not be read."""

from collections import Counter
from dataclasses import dataclass, field

from monitoring_pipeline.events.storing.report import Tally

_MAX_SENTENCES = 20


@dataclass(slots=True, kw_only=True)
class Account:
    """Counts of one source that grow: ``received = accepted + duplicates + conflicts + quarantined``.

    ``parts`` counts the files in which something was read; ``passed_over`` messages without content, which say nothing
    about any event; ``lost`` messages that were deleted before they were read. ``troubles`` says what could not be
    read, ``remarks`` what a person should know all the same.
    """

    source: str
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    passed_over: int = 0
    lost: int = 0
    parts: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Rows that wait in quarantine for a person."""
        return self.conflicts + self.quarantined

    def add(self, tally: Tally) -> None:
        """Count what one landing has stored."""
        self.received += tally.received
        self.accepted += tally.accepted
        self.duplicates += tally.duplicates
        self.conflicts += tally.conflicts
        self.quarantined += tally.quarantined
        self.reasons.update(tally.reasons)

    def regret(self, sentence: str) -> None:
        """Note what could not be read."""
        _note(self.troubles, sentence)

    def remark(self, sentence: str) -> None:
        """Note what a person should know, although all that is there was read."""
        _note(self.remarks, sentence)

    def as_json(self) -> dict[str, object]:
        """The account with stable keys, ready for JSON."""
        return {
            "source": self.source,
            "received": self.received,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "quarantined": self.quarantined,
            "passed_over": self.passed_over,
            "lost": self.lost,
            "parts": self.parts,
            "reasons": dict(sorted(self.reasons.items())),
            "troubles": list(self.troubles),
            "remarks": list(self.remarks),
        }


def _note(sentences: list[str], sentence: str) -> None:
    if len(sentences) < _MAX_SENTENCES:
        sentences.append(sentence)
    elif len(sentences) == _MAX_SENTENCES:
        sentences.append("and more of the kind")
