"""``monitor compare``: a window beside past windows as they were known at the same label age."""

from datetime import timedelta
from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import WINDOW, Column, number, ratio, text
from monitoring_pipeline.cli.options import ConfigOption, GrainOption, JsonOption, parse_instant, window_at
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.cli.reading import show
from monitoring_pipeline.config.models import Baseline
from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.tables import metrics as metrics_table
from monitoring_pipeline.stages.comparing.compare import ComparisonRow, compare_window
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.windows import Grain

COLUMNS = (
    WINDOW,
    Column("version", text("model_version"), shared="version"),
    Column("environment", text("environment"), shared="environment"),
    Column("known at", text("known_at"), optional=True),
    number("value", "value"),
    number("lower", "lower"),
    number("upper", "upper"),
    Column("coverage", ratio("coverage")),
    number("at maturity", "mature_value"),
)


def compare(
    *,
    model: Annotated[str, typer.Option("--model", metavar="ID", help="The model.")],
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="One of its metrics.")],
    window: Annotated[
        int, typer.Option("--window", parser=parse_instant, metavar="INSTANT", help="The window to judge.")
    ],
    grain: GrainOption = Grain.DAY,
    windows: Annotated[int, typer.Option("--windows", min=1, max=60, help="How many past windows.")] = 4,
    every_days: Annotated[int, typer.Option("--every-days", min=1, max=366, help="How many days they are apart.")] = 7,
    segment: Annotated[str, typer.Option("--segment", metavar="NAME", help="One segment.")] = "all",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor compare --model flight_delay --metric mae --window 2013-07-13
      monitor compare --model flight_delay --metric mae --window 2013-07-13T18:00Z --grain hour --every-days 1
      monitor compare --model flight_late --metric recall --window 2013-07-13 --json

    Print a window's metric beside that of past windows as they were known at the same label age, and the change
    against their mean with a 95 % interval. A young window is never measured against fully labelled ones: the last
    column says what those turned out to be. Ends with 5 if the window has no value.
    """
    installation = open_installation(config)
    with reading(installation.engine) as connection:
        declared = declaration(connection, installation.config, model)
    baseline = Baseline(windows=windows, every=timedelta(days=every_days))
    judged = window_at(window, grain, option="--window")
    rows = compare_window(installation.pipeline, declared, metric, judged, baseline, segment=segment)
    known = [row for row in rows if row["value"] is not None]
    show(
        rows if known else [],
        as_json=as_json,
        columns=COLUMNS,
        engine=installation.engine,
        table=metrics_table,
        model_id=model,
        noun=f"values of {metric}",
    )
    if not as_json:
        for row in rows:
            if row["change"] is not None or row["reason"] is not None:
                say(_sentence(row))


def _sentence(row: ComparisonRow) -> str:
    who = f"version {row['model_version']}, {row['environment']}, {row['label_age_seconds'] / 3600:g} h after its end"
    if row["change"] is None:
        return f"{who}: no change can be told ({row['reason']})"
    change = f"{who}: {row['metric']} is {row['change']:+.1%} against {row['baseline']:.4g}"
    if row["change_lower"] is None:
        return f"{change}; how sure that is cannot be told"
    certain = row["change_lower"] > 0 or row["change_upper"] < 0
    verdict = "a change" if certain else "no more than windows differ anyway"
    return f"{change} (95 %: {row['change_lower']:+.1%} to {row['change_upper']:+.1%}): {verdict}"
