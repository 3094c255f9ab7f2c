"""``monitor alerts silence``, ``silences`` and ``end-silence``: for a while people want to hear nothing of some."""

from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from monitoring_pipeline.alerts.handling.silences import (
    LONGEST_DAYS,
    Subject,
    create_silence,
    end_silence,
    list_silences,
)
from monitoring_pipeline.cli.columns import Cell, Column, Row, text
from monitoring_pipeline.cli.options import ConfigOption, JsonOption, parse_instant
from monitoring_pipeline.cli.output import print_json, print_table, say
from monitoring_pipeline.cli.who import ByOption, whoever_this_is
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.windows import MICROSECOND

_DURATION = TypeAdapter(timedelta)


def _parse_duration(text_given: str) -> int:
    """Microseconds from ``PT6H`` or ``06:00:00``.

    Raises:
        typer.BadParameter: if the text is no duration, which is wrong usage.
    """
    try:
        found = _DURATION.validate_python(text_given)
    except ValidationError:
        raise typer.BadParameter(f"{text_given!r} is not a duration; write PT6H, P1D or 06:00:00") from None
    return found // MICROSECOND


def _or_every(name: str) -> Cell:
    return lambda row: "every" if row[name] is None else str(row[name])


def _ends(row: Row) -> str:
    return str(row["ends_at"] if row["ended_at"] is None else f"{row['ended_at']} (by {row['ended_by']})")


SILENCE_COLUMNS = (
    Column("silence", text("silence_id"), whole=True),
    Column("state", text("state"), whole=True),
    Column("model", _or_every("model_id")),
    Column("rule", _or_every("rule_id")),
    Column("segment", _or_every("segment")),
    Column("from", text("starts_at")),
    Column("until", _ends),
    Column("by", text("created_by"), optional=True),
    Column("reason", text("reason")),
)


def silence_command(
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; people who miss an alert read it.")],
    model: Annotated[str | None, typer.Option("--model", metavar="ID", help="One model; else every model.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="ID", help="One rule; else every rule.")] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="NAME", help="One segment, such as all; else every segment.")
    ] = None,
    lasting: Annotated[
        int | None,
        typer.Option("--for", parser=_parse_duration, metavar="DURATION", help="How long: PT6H, P1D, 06:00:00."),
    ] = None,
    until: Annotated[
        int | None,
        typer.Option("--until", parser=parse_instant, metavar="INSTANT", help="Until when, instead of --for."),
    ] = None,
    start: Annotated[
        int | None,
        typer.Option("--from", parser=parse_instant, metavar="INSTANT", help="From when on; now if left out."),
    ] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts silence --model flight_delay --for PT6H --reason "feature store is being moved"
      monitor alerts silence --rule mae-high --until 2026-03-03T06:00Z --reason "known, see ticket 17"

    Send no notifications of some alerts for a while. The alerts open and change as ever. When the silence
    ends, the present state of each alert that stands is told once; so is the end of an alert that people
    were told of before. What came and went in between is not told.
    """
    if (lasting is None) == (until is None):
        raise typer.BadParameter(f"say how long, {LONGEST_DAYS} days at most: either --for PT6H, or --until INSTANT")
    installation = open_installation(config)
    begins = installation.clock() if start is None else start
    ends_at = until if until is not None else begins + (lasting or 0)
    silence = create_silence(
        installation.engine,
        Subject(model_id=model, rule_id=rule, segment=segment),
        starts_at=start,
        ends_at=ends_at,
        reason=reason,
        by=by or whoever_this_is(),
        clock=installation.clock,
    )
    told = silence.to_dict(installation.clock())
    if as_json:
        print_json([told])
    else:
        say(f"silence {silence.silence_id} is {told['state']} until {told['ends_at']}")
        say(f"to end it before: monitor alerts end-silence {silence.silence_id}")


def silences_command(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts silences
      monitor alerts silences --all --json

    Print the silences that hold or are planned, the newest first.
    """
    installation = open_installation(config)
    now = installation.clock()
    told = [silence.to_dict(now) for silence in list_silences(installation.engine)]
    rows = [row for row in told if every or row["state"] != "over"]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, SILENCE_COLUMNS)
    else:
        say("nothing is silenced")


def end_silence_command(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE_ID", help="As silences prints it.")],
    by: ByOption = None,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts end-silence 4b1f9c02aa7e

    End a silence before its time. The next delivery tells the present state of the alerts that stand.
    """
    installation = open_installation(config)
    ended = end_silence(installation.engine, silence_id, by=by or whoever_this_is(), clock=installation.clock)
    say(f"silence {ended.silence_id} is over")
