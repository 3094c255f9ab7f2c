"""``monitor report``: a page about a model, for people."""

from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.cli.options import ConfigOption
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.read import known_models
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.reports.newest import newest_hour, up_to_newest
from monitoring_pipeline.reports.page import DEFAULT_DAYS, MOST_DAYS, report_page
from monitoring_pipeline.windows import DAY_MICROS, isoformat

NameOption = Annotated[
    str | None, typer.Option("--model", metavar="ID", help="The model; needed where there are several.")
]


def report(
    model: NameOption = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=MOST_DAYS, help="How far to look back.")
    ] = DEFAULT_DAYS,
    latest: Annotated[
        bool, typer.Option("--latest", help="Look back from the newest prediction, not from now.")
    ] = False,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")] = Path(
        "report.html"
    ),
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor report
      monitor report --model churn --days 14 --output churn.html
      monitor report --model flight_delay --latest      after 'monitor demo'

    Write one HTML page about a model: performance with its intervals, the label coverage and a forecast, drift by
    feature, alerts, how labels come, and what to do next. It loads nothing and runs nothing, so it can be sent as it
    is. With --latest it is about the last days of a model that predicts no more, or whose past was replayed.
    """
    installation = open_installation(config)
    name = _named(installation, model)
    with reading(installation.engine) as connection:
        newest = newest_hour(connection, name)
    if latest:
        installation = up_to_newest(installation, name)
    page = report_page(installation, name, days=days)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise MonitorError(f"{output} cannot be written: {error.strerror}; name another file with --output") from None
    say(f"wrote {output}; open it in a browser")
    if newest is not None and newest < installation.clock() - days * DAY_MICROS:
        say(
            f"it is empty: {name} predicted last on {isoformat(newest)[:10]}, before the {days} days that are shown; "
            "--latest shows those before that"
        )


def _named(installation: Installation, name: str | None) -> str:
    """The model that is asked for, or the only one."""
    with reading(installation.engine) as connection:
        models = sorted({*known_models(connection), *(model.id for model in installation.config.models)})
    if not models:
        raise MonitorError("there is no model yet; declare one, or store predictions with 'monitor ingest'")
    if name is None and len(models) > 1:
        raise MonitorError(f"which model? write --model with one of {', '.join(models)}")
    if name is not None and name not in models:
        raise MonitorError(
            f"the model {name!r} is neither declared nor has it ever predicted; {allowed_values(name, models)}"
        )
    return name or models[0]
