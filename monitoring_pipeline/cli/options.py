"""Options that several commands share, so that each means the same everywhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.windows import Grain, Period, Window, floor, isoformat, to_micros


def parse_instant(text: str) -> int:
    """Microseconds UTC from ``2013-06-17`` or an ISO 8601 instant; one without zone is UTC.

    Raises:
        typer.BadParameter: if the text is neither, which is wrong usage (exit code 2).
    """
    try:
        instant = datetime.fromisoformat(text.strip())
        # To UTC first: the first and last days of the calendar do not exist in every zone.
        return to_micros((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a date or an instant; write 2013-06-17 or 2013-06-17T06:00:00Z"
        ) from None


def check_order(*, start: int | None, end: int | None) -> None:
    """Refuse a range that can hold no window.

    Raises:
        typer.BadParameter: if ``--to`` is not after ``--from``.
    """
    if start is not None and end is not None and end <= start:
        raise typer.BadParameter(
            f"--to {isoformat(end)} is not after --from {isoformat(start)}; "
            "--to is the first instant left out, so one day is --from 2013-06-17 --to 2013-06-18"
        )


def window_at(start: int, grain: Grain, *, option: str) -> Window:
    """The window that an option names by its start.

    Raises:
        typer.BadParameter: if no window of the grain starts there.
    """
    if start != floor(start, grain):
        raise typer.BadParameter(
            f"{option} {isoformat(start)} is not the start of a {grain}; the {grain} that holds it starts at "
            f"{isoformat(floor(start, grain))}"
        )
    return Window(start, grain)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The config; else $MONITOR_CONFIG, ./monitoring.yaml, $MONITOR_HOME/monitoring.yaml.",
    ),
]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="ID", help="One model; every model if left out.")]
FromOption = Annotated[
    int | None,
    typer.Option(
        "--from",
        parser=parse_instant,
        metavar="INSTANT",
        help="Windows that start at or after this date or instant (UTC unless it has a zone).",
    ),
]
ToOption = Annotated[
    int | None,
    typer.Option(
        "--to", parser=parse_instant, metavar="INSTANT", help="Windows that start before this date or instant."
    ),
]
GrainOption = Annotated[Grain, typer.Option("--grain", help="The length of the windows.")]
PeriodOption = Annotated[Period, typer.Option("--grain", help="The length of the windows; all: the whole range.")]
SegmentOption = Annotated[
    str | None,
    typer.Option(
        "--segment",
        metavar="NAME",
        help="One segment: all, carrier=UA; or every one that starts so: 'carrier=*'. Every segment if left out.",
    ),
]
AsOfOption = Annotated[
    int | None,
    typer.Option(
        "--as-of",
        parser=parse_instant,
        metavar="INSTANT",
        help="What the monitor held to be true at this past instant. The answer never changes.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list with stable keys.")]
