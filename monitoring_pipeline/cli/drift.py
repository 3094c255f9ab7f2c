"""``monitor drift``: what moved, of inputs, outputs, truth, and the relation between them."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import GROUP, WINDOW, Column, Row, number, text
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
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_drift
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.windows import Grain

ALL = "all"


def _led_by(row: Row) -> str:
    return str((row["detail"] or {}).get("led_by", "-"))


def _short_type(row: Row) -> str:
    return str(row["drift_type"]).removesuffix("_drift")


_SUBJECT = (
    WINDOW,
    *GROUP,
    Column("type", text("drift_type"), shared="type", on_terminal=_short_type),
    Column("feature", text("feature"), shared="feature"),
)
_ROWS = (
    Column("reference", text("n_reference"), shared="reference rows", optional=True),
    Column("window rows", text("n_window"), optional=True),
)
VERDICTS = (
    *_SUBJECT,
    Column("verdict", text("verdict"), whole=True),
    Column("reason", text("reason"), optional=True),
    number("score", "value"),
    Column("by", _led_by, optional=True),
    number("q value", "q_value", on_terminal=2, optional=True),
    number("detectable", "detectable"),
    *_ROWS,
)
MEASURES = (
    *_SUBJECT,
    Column("measure", text("measure"), whole=True),
    number("value", "value"),
    number("minimum", "threshold"),
    number("noise", "noise_limit"),
    number("detectable", "detectable"),
    number("p value", "p_value", on_terminal=2),
    Column("verdict", text("verdict"), whole=True),
    *_ROWS,
)


def drift(
    *,
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: GrainOption = Grain.DAY,
    segment: SegmentOption = None,
    feature: Annotated[
        list[str] | None,
        typer.Option("--feature", metavar="NAME", help="One feature, or a pattern: 'dest*'. May be repeated."),
    ] = None,
    measure: Annotated[
        str, typer.Option("--measure", metavar="NAME", help="One measure (ks, psi, …) instead of the verdict, or all.")
    ] = Measure.OVERALL.value,
    verdict: Annotated[DriftVerdict | None, typer.Option("--verdict", help="Only rows with this verdict.")] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor drift --model flight_delay --from 2013-06-17 --to 2013-06-24
      monitor drift --grain hour --verdict drift
      monitor drift --model flight_delay --feature wind_speed --measure all
      monitor drift --json | jq '.[] | {window_start, feature, verdict, reason}'

    Print the drift verdicts that stand now, one row per window and feature, and per output of the model; of days also
    of the truth (label drift) and of errors at equal inputs (concept drift), as far as labels are known. A feature
    drifted if the evidence and the size of the change both say so: q value is the share of false alarms to expect among
    features called drifted, score the change in units of the smallest one that counts, detectable the score
    that this window would have shown. Ends with 5 if there are none.
    """
    check_order(start=start, end=end)
    _check_measure(measure)
    installation = open_installation(config)
    engine = installation.engine
    rows = read_drift(engine, model_id=model, grain=grain, start=start, end=end, segment=segment, as_of=as_of)
    show(
        [row for row in rows if _is_wanted(row, feature=feature, measure=measure, verdict=verdict)],
        as_json=as_json,
        columns=VERDICTS if measure == Measure.OVERALL else MEASURES,
        engine=engine,
        table=drift_results,
        model_id=model,
        noun="drift results",
        impossible=_why_never(installation.config, model),
    )


def _check_measure(measure: str) -> None:
    allowed = [*Measure, ALL]
    if measure not in allowed:
        raise typer.BadParameter(f"{measure!r} is not a measure of drift; {allowed_values(measure, allowed)}")


def _is_wanted(row: Row, *, feature: Sequence[str] | None, measure: str, verdict: DriftVerdict | None) -> bool:
    return (
        (measure in (ALL, row["measure"]))
        and (verdict is None or row["verdict"] == verdict.value)
        and (not feature or any(_names(pattern, row["feature"]) for pattern in feature))
    )


def _names(pattern: str, subject: str) -> bool:
    """Whether a pattern is for a subject: for the feature itself, or for what is measured of it (``text: length``)."""
    return fnmatchcase(subject, pattern) or fnmatchcase(subject.partition(": ")[0], pattern)


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
