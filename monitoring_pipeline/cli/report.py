"""``monitor report``: a page about a model, for people."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitoring_pipeline.cli.options import ConfigOption, ModelOption
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.read import known_models
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.reports.page import DEFAULT_DAYS, MOST_DAYS, report_page

if TYPE_CHECKING:
    from monitoring_pipeline.installation import Installation


def report(
    model: ModelOption = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=MOST_DAYS, help="How far to look back.")
    ] = DEFAULT_DAYS,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")] = Path(
        "report.html"
    ),
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor report
      monitor report --model flight_delay --days 14 --output flight_delay.html

    Write one HTML page about a model: performance with its intervals, the label coverage and a forecast, drift by
    feature, alerts, how labels come, and what to do next. It loads nothing and runs nothing, so it can be sent as it
    is. Without --model it is about the only model there is.
    """
    installation = open_installation(config)
    name = model or _only_model(installation)
    page = report_page(installation, name, days=days)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise MonitorError(f"{output} cannot be written: {error.strerror}; name another file with --output") from None
    say(f"wrote {output}")


def _only_model(installation: "Installation") -> str:
    with reading(installation.engine) as connection:
        models = sorted({*known_models(connection), *(model.id for model in installation.config.models)})
    if len(models) == 1:
        return models[0]
    if not models:
        raise MonitorError("there is no model yet; declare one, or store predictions with 'monitor ingest'")
    raise MonitorError(f"which model? write --model with one of {', '.join(models)}")
