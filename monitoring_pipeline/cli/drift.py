"""``monitor drift``: how far the inputs moved."""

from monitoring_pipeline.cli.columns import GROUP, WINDOW, Column, number, text
from monitoring_pipeline.cli.options import (
    AsOfOption,
    ConfigOption,
    FromOption,
    GrainOption,
    JsonOption,
    ModelOption,
    SegmentOption,
    ToOption,
    check_order,
)
from monitoring_pipeline.cli.reading import guess, show
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_drift
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.windows import Grain

COLUMNS = (
    WINDOW,
    *GROUP,
    Column("feature", text("feature")),
    Column("measure", text("measure")),
    number("value", "value"),
    number("threshold", "threshold"),
    number("p value", "p_value"),
    Column("verdict", text("verdict")),
    Column("reference", text("n_reference"), shared="reference rows"),
    Column("window rows", text("n_window")),
)


def drift(
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: GrainOption = Grain.DAY,
    segment: SegmentOption = None,
    as_of: AsOfOption = None,
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
    installation = open_installation(config)
    engine = installation.engine
    rows = read_drift(engine, model_id=model, grain=grain, start=start, end=end, segment=segment, as_of=as_of)
    show(
        rows,
        as_json=as_json,
        columns=COLUMNS,
        engine=engine,
        table=drift_results,
        model_id=model,
        noun="drift results",
        impossible=_why_never(installation.config, model),
    )


def _why_never(config: MonitoringConfig, model_id: str | None) -> str | None:
    """Why nothing has been measured and nothing will be, or ``None`` if something could be."""
    remedy = "give it one in monitoring.yaml (reference: start and end, or file), then compute its windows again"
    declared = None if model_id is None else config.model(model_id)
    if declared is not None and declared.reference is None:
        return f"there is no drift of {model_id}, because it declares no reference to measure against; {remedy}"
    if all(model.reference is None for model in config.models):
        return (
            "there are no drift results, because no model declares a reference to measure against; for each model that "
            f"you want drift of, {remedy}"
        )
    if model_id is not None and declared is None:
        near = guess(model_id, [model.id for model in config.models])
        return f"there is no drift of {model_id!r}: the config does not declare it, so it has no reference{near}"
    return None
