"""``monitor labels``: whether the truth still arrives as it used to."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from monitoring_pipeline.cli.columns import Cell, Column, Row, ratio, text
from monitoring_pipeline.cli.options import AsOfOption, ConfigOption, JsonOption, ModelOption
from monitoring_pipeline.cli.output import counted, print_json, print_table, say
from monitoring_pipeline.cli.reading import EXIT_NOT_ENOUGH_DATA, guess
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.stages.labels.statuses import label_rows, models_with_labels
from monitoring_pipeline.text import printable

EXIT_WARNING = 3
BAR_CHARACTERS = 20

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are at least two, to three digits: 90 min, 27.4 h, 12 d."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def _delay(key: str) -> Cell:
    return lambda row: "-" if row["delays"] is None else duration(row["delays"][key])


def _eventual(row: Row) -> str:
    return "-" if row["delays"] is None else f"{row['delays']['eventual_coverage']:.1%}"


def _taken_back(row: Row) -> str:
    arrived = row["arrived_count"]
    if not arrived:
        return "-"
    return f"{row['corrected_count'] / arrived:.1%} / {row['retracted_count'] / arrived:.1%}"


COLUMNS = (
    Column("model", text("model_id"), whole=True),
    Column("environment", text("environment"), shared="environment"),
    Column("verdict", text("verdict"), whole=True),
    Column("median delay", _delay("median_seconds")),
    Column("p90 delay", _delay("p90_seconds")),
    Column("ever labelled", _eventual),
    Column("orphans", text("orphan_count")),
    Column("corrected / retracted", _taken_back),
)


def _bar(row: Row) -> str:
    """The seen coverage as a bar; what lacks to the expected one is dotted."""
    seen, expected = (round((row[key] or 0) * BAR_CHARACTERS) for key in ("seen", "expected"))
    return "█" * seen + "·" * (expected - seen)


AGE_COLUMNS = (
    Column("label age", lambda row: duration(row["age_seconds"])),
    Column("expected", ratio("expected")),
    Column("lower", ratio("lower")),
    Column("upper", ratio("upper")),
    Column("seen", ratio("seen")),
    Column("predictions", text("prediction_count")),
)
BAR = Column("seen · expected", _bar)


def labels(
    model: ModelOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor labels
      monitor labels --model flight_delay
      monitor labels --model flight_delay --as-of 2013-06-20T12:00Z
      monitor labels --json | jq '.[] | select(.verdict != "healthy") | .reasons'

    Print for each model and environment whether labels stopped, come late, or come as they used to; how
    long they usually take; which share of predictions is labelled at which age, usually and of the newest
    24 hours that have reached it; and how many labels wait for their prediction, were corrected or taken
    back. The last 30 days are read, or three times the model's maturity.

    \b
    Exit codes: 0 all are healthy, 3 labels stopped or come late somewhere, 1 error, 2 wrong usage,
    5 some have not enough data, or there are none.
    """
    installation = open_installation(config)
    rows = _statuses(installation, model, as_of)
    if as_json:
        print_json(rows)
    elif rows:
        _print(rows)
    if not rows:
        _say_why(installation, model)
    verdicts = {row["verdict"] for row in rows}
    if verdicts & {LabelVerdict.LABELS_STOPPED, LabelVerdict.LABELS_LATE}:
        raise typer.Exit(EXIT_WARNING)
    if not rows or LabelVerdict.NOT_ENOUGH_DATA in verdicts:
        raise typer.Exit(EXIT_NOT_ENOUGH_DATA)


def _statuses(installation: Installation, model: str | None, as_of: int | None) -> list[dict[str, Any]]:
    engine = installation.engine
    models = models_with_labels(engine) if model is None else [model]
    return label_rows(engine, installation.config, models, clock=installation.clock, as_of=as_of)


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    print_table(rows, COLUMNS)
    on_terminal = sys.stdout.isatty()
    for row in rows:
        title = printable(f"{row['model_id']} in {row['environment']}: {row['verdict']}")
        sys.stdout.write("\n".join(["", title, *(f"  {reason}" for reason in _reasons(row)), ""]))
        if row["ages"]:
            print_table(row["ages"], (*AGE_COLUMNS, BAR) if on_terminal else AGE_COLUMNS)


def _reasons(row: Mapping[str, Any]) -> list[str]:
    """Why the verdict is what it is, and what may be missing in it."""
    uncounted = row["uncounted_hours"]
    hours = counted(uncounted, "hour")
    return [
        *row["reasons"],
        *([f"{hours} changed since, and may hold more labels: 'monitor reconcile' counts them"] if uncounted else []),
    ]


def _say_why(installation: Installation, model_id: str | None) -> None:
    known = models_with_labels(installation.engine)
    if not known:
        say("there are no labels yet; store events with 'monitor ingest', then compute with 'monitor reconcile'")
    elif model_id is None or model_id in known:
        say("no predictions in the last 30 days; look at an earlier time with --as-of")
    else:
        some = f"models that have some: {', '.join(known)}"
        say(f"there are no labels of a model {model_id!r}; {some}{guess(model_id, known)}")
