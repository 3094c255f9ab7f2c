"""``monitor ingest``: files of predictions and actuals into the store, every row accounted for."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import counted, print_json, print_table, say
from monitoring_pipeline.events.ingest import Progress, ProgressCallback, ingest_file
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.text import printable

EXIT_ROWS_REJECTED = 3

_COUNTS = (
    "received", "accepted", "duplicates", "conflicts", "quarantined", "revised", "retracted", "orphans",
    "touched_hours",
)  # fmt: skip
_ALWAYS_SHOWN = {"received", "accepted"}


def ingest(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="NDJSON, CSV (also .gz) or Parquet files.")],
    kind: Annotated[Kind | None, typer.Option("--kind", help="What the rows are; else the columns tell.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor ingest predictions.ndjson
      monitor ingest predictions.parquet actuals.csv.gz
      monitor ingest --kind actuals truth.jsonl --json

    Store predictions and actuals. Rows that are there already are skipped, so a file may be ingested again
    at any time; rows that cannot be accepted wait in quarantine with the reason, and the others go in.
    received = accepted + duplicates + conflicts + quarantined, always. Every field of an event, with examples:
    docs/reference/events.md.

    \b
    Exit codes: 0 nothing was rejected, 1 a file or the store cannot be used, 2 wrong usage,
    3 rows were rejected.
    """
    installation = open_installation(config)
    reports: list[IngestReport] = []
    try:
        for file in files:
            with _progress(file) as progress:
                reports.append(_ingest_one(installation, file, kind, progress))
    finally:  # what was stored before an error is told, too
        _show(reports, as_json=as_json)
    if any(report.rejected for report in reports):
        raise typer.Exit(EXIT_ROWS_REJECTED)


def _ingest_one(
    installation: Installation, file: Path, kind: Kind | None, progress: ProgressCallback | None
) -> IngestReport:
    return ingest_file(
        installation.engine, file, config=installation.config, kind=kind, clock=installation.clock, progress=progress
    )


def _show(reports: list[IngestReport], *, as_json: bool) -> None:
    rows = [report.as_json() for report in reports]
    if as_json:
        print_json(rows)
    elif rows:
        # A column of zeros says nothing and a narrow terminal has no room for it.
        told = [name for name in _COUNTS if name in _ALWAYS_SHOWN or any(row[name] for row in rows)]
        columns = [Column(name.replace("_", " "), _count(name)) for name in told]
        print_table(rows, [Column("source", text("source")), Column("kind", text("kind")), *columns])
    for report in reports:
        if report.rejected:
            _tell_rejected(report)
        if report.returned:
            _tell_returned(report)


def _count(name: str) -> Callable[[Row], str]:
    return lambda row: f"{row[name]:,}"


def _tell_returned(report: IngestReport) -> None:
    actuals = counted(report.returned, "actual")
    say(f"{report.source}: {actuals} repeated an earlier truth that was corrected since, without a timestamp, and so")
    say(
        "  changed nothing; where the earlier truth is right after all, ingest it with the timestamp it was observed at"
    )


def _tell_rejected(report: IngestReport) -> None:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.reasons.items())
    say(f"{report.source}: {counted(report.rejected, 'row')} refused ({reasons})")
    for sample in report.samples:
        where = f"line {sample.line}, {sample.field}" if sample.field else f"line {sample.line}"
        say(f"  {where}: {sample.reason}: {sample.detail}")
    name = report.source.replace("'", "''")
    columns = "line, field, reason, detail, raw"
    say("  all are kept in the store, to be mended and ingested again; to see them:")
    say(f"  SELECT {columns} FROM quarantine WHERE source = '{name}'")  # noqa: S608 - for people to run


@contextmanager
def _progress(file: Path) -> Iterator[ProgressCallback | None]:
    """A bar on stderr while the block runs, if a person is looking."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  (only where a person is looking)
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bars  # noqa: PLC0415 - as above

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(printable(file.name), total=1.0, rows="0")

        def tell(progress: Progress) -> None:
            bars.update(task, completed=progress.fraction, rows=f"{progress.rows:,}")

        yield tell
