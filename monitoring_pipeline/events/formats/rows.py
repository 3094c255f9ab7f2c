"""What every kind of source yields: numbered rows, each a record or the reason why it is none."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from monitoring_pipeline.events.quarantine import Rejected


class Row(NamedTuple):
    """One row of a source; exactly one of ``record`` and ``rejected`` is set."""

    line: int  # 1-based; of a CSV row that spans lines, the first
    record: Mapping[str, object] | None
    raw: object  # bytes of a line, or the record itself where the source has no lines
    size: int  # bytes, roughly: it bounds how many rows are held at once
    rejected: Rejected | None = None
    fingerprint: str | None = None  # given when ``raw`` is only the beginning of the row


class Source(Protocol):
    """Something rows come from."""

    columns: frozenset[str] | None
    """All columns, where the source knows them before its rows; else ``None``."""

    def rows(self) -> Iterator[Row]:
        """The rows, once."""

    def fraction(self) -> float:
        """How much of the source has been read, 0 to 1."""
