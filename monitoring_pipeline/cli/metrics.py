"""``monitor metrics``: how good the models were."""

from monitoring_pipeline.cli.columns import (
    GROUP,
    PIPE_DIGITS,
    TERMINAL_DIGITS,
    WINDOW,
    Cell,
    Column,
    Row,
    number,
    ratio,
    text,
)
from monitoring_pipeline.cli.options import (
    ConfigOption,
    FromOption,
    GrainOption,
    JsonOption,
    ModelOption,
    SegmentOption,
    ToOption,
    check_order,
)
from monitoring_pipeline.cli.reading import show
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.results.tables import metrics as metrics_table
from monitoring_pipeline.windows import Grain


def _value(digits: int) -> Cell:
    def cell(row: Row) -> str:
        return str(row["undefined_reason"] or "-") if row["value"] is None else f"{row['value']:.{digits}g}"

    return cell


COLUMNS = (
    WINDOW,
    *GROUP,
    Column("metric", text("metric")),
    Column("value", _value(PIPE_DIGITS), on_terminal=_value(TERMINAL_DIGITS), whole=True),
    number("lower", "lower"),
    number("upper", "upper"),
    Column("predictions", text("prediction_count")),
    Column("labelled", text("labelled_count")),
    Column("coverage", ratio("coverage")),
)


def metrics(
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: GrainOption = Grain.DAY,
    segment: SegmentOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor metrics --model flight_delay --from 2013-06-17 --to 2013-06-24
      monitor metrics --model flight_delay --grain hour --segment all --json
      monitor metrics --segment 'carrier=*' --json | jq '.[] | select(.metric == "mae")'

    Print the metrics that stand now, one row per window, version, environment, segment and metric, with a
    confidence interval and the share of predictions whose truth is known. Ends with 5 if there are none.
    """
    check_order(start=start, end=end)
    engine = open_installation(config).engine
    rows = read_metrics(engine, model_id=model, grain=grain, start=start, end=end, segment=segment)
    show(
        rows,
        as_json=as_json,
        columns=COLUMNS,
        engine=engine,
        table=metrics_table,
        model_id=model,
        noun="metrics",
    )
