"""``monitor metrics``: how good the models were."""

from fnmatch import fnmatchcase
from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import (
    GROUP,
    TERMINAL_DIGITS,
    WINDOW,
    Column,
    digits,
    number,
    ratio,
    text,
    value_or_reason,
)
from monitoring_pipeline.cli.options import (
    AsOfOption,
    ConfigOption,
    FromOption,
    JsonOption,
    ModelOption,
    PeriodOption,
    SegmentOption,
    ToOption,
    check_order,
)
from monitoring_pipeline.cli.reading import show
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.results.tables import metrics as metrics_table
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.windows import Grain, Period

COLUMNS = (
    WINDOW,
    *GROUP,
    Column("metric", text("metric")),
    value_or_reason("value", "value"),
    number("lower", "lower"),
    number("upper", "upper"),
    Column("detectable", digits("detectable_change", TERMINAL_DIGITS), optional=True),
    Column("predictions", text("prediction_count")),
    Column("labelled", text("labelled_count")),
    Column("coverage", ratio("coverage")),
)


def metrics(
    *,
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: PeriodOption = Period.DAY,
    segment: SegmentOption = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="One metric, or a pattern: 'latency_*'. May be repeated."),
    ] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor metrics --model flight_delay --from 2013-06-17 --to 2013-06-24
      monitor metrics --model flight_delay --grain hour --segment all --json
      monitor metrics --model flight_delay --grain week --metric mae --metric 'latency_*'
      monitor metrics --model flight_delay --as-of 2013-06-20T12:00Z
      monitor metrics --segment 'carrier=*' --json | jq '.[] | select(.metric == "mae")'

    Print the metrics that stand now, one row per window, version, environment, segment and metric, with a
    95 % confidence interval, the smallest change that the window could have shown, and the share of predictions
    whose truth is known. Weeks, months and all of a range are merged exactly from the sums of their hours. Ends
    with 5 if there are none.
    """
    check_order(start=start, end=end)
    installation = open_installation(config)
    engine = installation.engine
    if grain in {Period.HOUR, Period.DAY}:
        rows = read_metrics(
            engine, model_id=model, grain=Grain(grain), start=start, end=end, segment=segment, as_of=as_of
        )
    else:
        asked = Asked(period=grain, model_id=model, start=start, end=end, segment=segment, as_of=as_of)
        rows = period_metrics(installation.pipeline, asked)
    if metric:
        rows = [row for row in rows if any(fnmatchcase(row["metric"], pattern) for pattern in metric)]
    show(
        rows,
        as_json=as_json,
        columns=COLUMNS,
        engine=engine,
        table=metrics_table,
        model_id=model,
        noun="metrics",
    )
