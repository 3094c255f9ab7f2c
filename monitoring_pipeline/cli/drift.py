"""``monitor drift``: how far the inputs moved."""

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
from monitoring_pipeline.cli.output import number, text
from monitoring_pipeline.cli.reading import show
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_drift
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.windows import Grain

COLUMNS = (
    ("window", text("window_start")),
    ("model", text("model_id")),
    ("version", text("model_version")),
    ("environment", text("environment")),
    ("segment", text("segment")),
    ("feature", text("feature")),
    ("measure", text("measure")),
    ("value", number("value")),
    ("threshold", number("threshold")),
    ("p value", number("p_value")),
    ("verdict", text("verdict")),
    ("reference", text("n_reference")),
    ("window rows", text("n_window")),
)


def drift(
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
      monitor drift --model flight_delay --from 2013-06-17 --to 2013-06-24
      monitor drift --grain hour --json | jq '.[] | select(.verdict == "drift")'

    Print the drift results that stand now, one row per window, feature and measure. A feature drifted if the
    evidence (p value) and the size of the change (value against threshold) both say so. Ends with 5 if there
    are none.
    """
    check_order(start=start, end=end)
    engine = open_installation(config).engine
    rows = read_drift(engine, model_id=model, grain=grain, start=start, end=end, segment=segment)
    show(
        rows,
        as_json=as_json,
        columns=COLUMNS,
        engine=engine,
        table=drift_results,
        model_id=model,
        noun="drift results",
    )
