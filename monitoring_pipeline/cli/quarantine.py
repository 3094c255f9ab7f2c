"""``monitor quarantine``: rows that were refused, why, and trying them again."""

from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import Column, text
from monitoring_pipeline.cli.options import ConfigOption, FromOption, JsonOption, ToOption, check_order
from monitoring_pipeline.cli.output import counted, print_json, print_table, say
from monitoring_pipeline.cli.who import ByOption, whoever_this_is
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.quarantined import (
    QuarantineSelection,
    discard,
    find_quarantined,
    page_of_quarantined,
)
from monitoring_pipeline.events.replay import replay
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import open_installation

EXIT_ROWS_STAY = 3
DEFAULT_LIMIT = 100

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Examples:

    \b
      monitor quarantine list
      monitor quarantine show 0a4d55a8d778
      monitor quarantine replay --reason unknown_field

    List refused rows and why; show one as it was received; try them again; decide that one is never taken.
    """,
)

COLUMNS = (
    Column("received", text("received_at"), optional=True),
    Column("model", text("model_id"), shared="model"),
    Column("kind", text("kind"), shared="kind", optional=True),
    Column("source", text("source"), shared="source"),
    Column("line", text("line")),
    Column("field", text("field")),
    Column("reason", text("reason"), whole=True),
    Column("detail", text("detail")),
    Column("row", lambda row: str(row["quarantine_id"])[:12], whole=True),
)

ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="ID", help="Rows that name this model; every row if left out.")
]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Predictions or actuals.")]
ReasonOption = Annotated[
    list[QuarantineReason] | None,
    typer.Option("--reason", metavar="REASON", help="Why they were refused; may be given several times."),
]
SourceOption = Annotated[str | None, typer.Option("--source", metavar="NAME", help="The file they came from, or http.")]
RowArgument = Annotated[str, typer.Argument(metavar="ROW_ID", help="Its first 6 digits or more, as list prints them.")]


@app.callback()
def _group() -> None:
    pass


@app.command("list", short_help="The rows that wait, and why.")
def list_command(
    *,
    model: ModelOption = None,
    kind: KindOption = None,
    reason: ReasonOption = None,
    source: SourceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="Those that are never taken, instead.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most rows, the newest first.")] = DEFAULT_LIMIT,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor quarantine list
      monitor quarantine list --model flight_delay --reason wrong_type
      monitor quarantine list --source predictions.csv --limit 1000 --json | jq -r .[].raw > mended.ndjson

    Print refused rows, the newest first, with reason, line and column. What was received is printed with
    --json and by show only: it may hold personal data. --from and --to are about when rows were received.
    """
    check_order(start=start, end=end)
    selection = QuarantineSelection(
        model_ids=None if model is None else [model],
        kinds=None if kind is None else [kind],
        reasons=reason or None,
        source=source,
        start=start,
        end=end,
        is_discarded=discarded,
    )
    rows, next_key = page_of_quarantined(open_installation(config).engine, selection, limit=limit)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
        if not discarded:
            say("'monitor quarantine show ROW' prints one with what was received, 'replay' tries them again")
    else:
        say("no row in quarantine matches")
    if next_key is not None:
        say(f"there are more than {counted(limit, 'row')}; a higher --limit shows them")


@app.command("show", short_help="One row, as it was received.")
def show_command(row_id: RowArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Examples:

    \b
      monitor quarantine show 0a4d55a8d778

    Print one refused row with what was received, word for word.
    """
    row = find_quarantined(open_installation(config).engine, row_id)
    if as_json:
        print_json([row])
        return
    facts = [{"key": key, "value": value} for key, value in row.items() if value is not None]
    print_table(facts, (Column("", text("key")), Column("", text("value"))))


@app.command("replay", short_help="Try rows again: those that pass by now are stored.")
def replay_command(
    row_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ROW_ID]…", help="Only these rows; all that match if left out.")
    ] = None,
    model: ModelOption = None,
    kind: KindOption = None,
    reason: ReasonOption = None,
    source: SourceOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor quarantine replay
      monitor quarantine replay --model flight_delay --reason unknown_field

    Try refused rows again, after the config changed or when a stamp lies no more in the future. A row that
    passes is stored and leaves the quarantine in one transaction; one that does not stays, with the reason
    that holds now. Rows whose text itself is at fault are not tried: mend the text and ingest it. Repeating
    a replay changes nothing.

    \b
    Exit codes: 0 every row left the quarantine, 1 error, 2 wrong usage, 3 some stay.
    """
    installation = open_installation(config)
    selection = QuarantineSelection(
        model_ids=None if model is None else [model],
        kinds=None if kind is None else [kind],
        reasons=reason or None,
        source=source,
    )
    ids = [find_quarantined(installation.engine, row_id)["quarantine_id"] for row_id in row_ids or []]
    report = replay(
        installation.engine, selection, config=installation.config, clock=installation.clock, ids=ids or None
    )
    if as_json:
        print_json([report.to_dict()])
    else:
        tried = report.selected - report.not_tried
        say(f"{counted(tried, 'row')} tried: {report.accepted:,} stored, {report.duplicates:,} known already")
    if stay := report.refused + report.not_tried:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.reasons.items()))
        verb = "stays" if stay == 1 else "stay"
        say(f"{counted(stay, 'row')} {verb} in quarantine ({reasons}); see docs/how-to/bad-rows.md")
        raise typer.Exit(EXIT_ROWS_STAY)


@app.command("discard", short_help="Decide that a row is never taken.")
def discard_command(
    row_id: RowArgument,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")],
    by: ByOption = None,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor quarantine discard 0a4d55a8d778 --note "sent twice"

    Decide that a row, such as a conflicting prediction, is never taken. It stays on record with the note, and
    is neither listed nor replayed any more. The same text, sent again, stays refused.
    """
    installation = open_installation(config)
    row = discard(installation.engine, row_id, by=by or whoever_this_is(), note=note, clock=installation.clock)
    say(f"row {row['quarantine_id'][:12]} is discarded by {row['discarded_by']}: {row['discard_note']}")
