"""``monitor estimates``: what the performance probably is where truth is still missing."""

from monitoring_pipeline.cli.columns import GROUP, WINDOW, Column, number, ratio, text, value_or_reason
from monitoring_pipeline.cli.options import (
    AsOfOption,
    ConfigOption,
    FromOption,
    JsonOption,
    ModelOption,
    ToOption,
    check_order,
)
from monitoring_pipeline.cli.reading import show
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read_estimates import read_estimates
from monitoring_pipeline.results.tables import estimates as estimates_table

COLUMNS = (
    WINDOW,
    *GROUP,
    Column("metric", text("metric")),
    number("measured", "value"),
    Column("coverage", ratio("coverage")),
    value_or_reason("estimate", "estimate"),
    number("lower", "estimate_lower"),
    number("upper", "estimate_upper"),
    Column("unlabelled", text("unlabelled_count")),
    Column("method", text("method"), shared="method"),
    Column("learned from", text("trained_count")),
)


def estimates(
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor estimates --model flight_delay --from 2013-06-24 --to 2013-07-01
      monitor estimates --model flight_late --as-of 2013-07-10T00:30Z
      monitor estimates --json | jq '.[] | select(.metric == "mae")'

    Print, for each day with rows whose truth is missing, what is measured of the labelled rows beside what is
    estimated of the whole day, with a 95 % interval. An estimate is never judged by a rule. Days whose rows are all
    labelled have none. Ends with 5 if there are none.
    """
    check_order(start=start, end=end)
    engine = open_installation(config).engine
    show(
        read_estimates(engine, model_id=model, start=start, end=end, as_of=as_of),
        as_json=as_json,
        columns=COLUMNS,
        engine=engine,
        table=estimates_table,
        model_id=model,
        noun="estimates",
    )
