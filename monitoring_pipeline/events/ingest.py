"""Ingest: rows of a file or of a program are validated, landed once and for ever, and all accounted for.

Rows are taken in batches of bounded size; each batch is one transaction. A crash between two of them loses
nothing that was reported: ingesting the same source again skips what is there and goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Literal

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.formats.files import open_source
from monitoring_pipeline.events.formats.kinds import infer_kind
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.pauses import collector_paused
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected, storable_text
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.batches import Batch
from monitoring_pipeline.events.storing.landing import Landing
from monitoring_pipeline.events.storing.report import IngestReport, Tally

BATCH_ROWS = 10_000
_BATCH_BYTES = 32_000_000
_ASSUMED_ROW_BYTES = 300  # of a row that was never text


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far ingest is, after each transaction."""

    rows: int
    fraction: float  # of the source, 0 to 1


ProgressCallback = Callable[[Progress], None]


def ingest_file(
    engine: Engine,
    path: Path,
    *,
    config: MonitoringConfig,
    kind: Kind | Literal["predictions", "actuals"] | None = None,
    clock: Clock = system_clock,
    progress: ProgressCallback | None = None,
    batch_rows: int = BATCH_ROWS,
) -> IngestReport:
    """Land the events of a file.

    Args:
        engine: the store.
        path: an NDJSON, CSV (each also ``.gz``) or Parquet file.
        config: names the declared models and their segments.
        kind: predictions or actuals; inferred from the columns where not given.
        clock: gives the knowledge time of each transaction.
        progress: called after each transaction.
        batch_rows: the most rows of one transaction.

    Raises:
        MonitorError: if the file or the store cannot be used, or the kind cannot be told.
    """
    name = storable_text(path.name)
    with open_source(path, config=config) as source:
        rows = source.rows()
        if kind is None:
            kind, rows = infer_kind(source, rows, where=str(path))
        if kind is None:
            return Tally().report(source=name, kind=None, batch_id=None)
        landing = Landing(engine=engine, config=config, clock=clock, batch=_new_batch(Kind(kind), name))

        def tell(row_count: int) -> None:
            if progress is not None:
                progress(Progress(rows=row_count, fraction=source.fraction()))

        return _land_all(landing, rows, batch_rows=batch_rows, after_each=tell)


def ingest_rows(
    engine: Engine,
    rows: Iterable[Mapping[str, object]],
    *,
    kind: Kind | Literal["predictions", "actuals"],
    config: MonitoringConfig,
    clock: Clock = system_clock,
    source: str = "python",
    batch_rows: int = BATCH_ROWS,
) -> IngestReport:
    """Land events that a program holds as mappings with the same field names as in files.

    Args:
        engine: the store.
        rows: the events; ``line`` in the quarantine is their 1-based number.
        kind: predictions or actuals; any other word is a ``ValueError``.
        config: names the declared models and their segments.
        clock: gives the knowledge time of each transaction.
        source: what to call this source in the quarantine.
        batch_rows: the most rows of one transaction.

    Raises:
        MonitorError: if the store cannot be used.
    """
    landing = Landing(engine=engine, config=config, clock=clock, batch=_new_batch(Kind(kind), source))
    numbered = (_python_row(number, record) for number, record in enumerate(rows, start=1))
    return _land_all(landing, numbered, batch_rows=batch_rows)


def _new_batch(kind: Kind, source: str) -> Batch:
    return Batch(batch_id=token_hex(16), kind=kind, source=source)


def _land_all(
    landing: Landing, rows: Iterator[Row], *, batch_rows: int, after_each: Callable[[int], None] | None = None
) -> IngestReport:
    batches = in_batches(rows, batch_rows)
    while _land_next(landing, batches):
        if after_each is not None:
            after_each(landing.tally.received)
    if landing.tally.received == 0:
        landing.record_empty()
    return landing.report()


def _land_next(landing: Landing, batches: Iterator[list[Row]]) -> bool:
    with collector_paused():
        batch = next(batches, None)
        if batch is not None:
            landing.land(batch)
    return batch is not None


def _python_row(number: int, record: object) -> Row:
    if isinstance(record, Mapping):
        return Row(number, record, record, _ASSUMED_ROW_BYTES)
    detail = f"the row is a {type(record).__name__}; it must be a mapping of field names and values"
    return Row(number, None, record, 0, Rejected(QuarantineReason.NOT_AN_OBJECT, None, detail))


def in_batches(rows: Iterable[Row], batch_rows: int = BATCH_ROWS) -> Iterator[list[Row]]:
    """The rows in lists that one transaction and the memory hold."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) >= batch_rows or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
