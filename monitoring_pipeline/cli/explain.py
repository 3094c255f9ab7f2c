"""``monitor explain``: which segments a metric's change came from."""

import sys
from itertools import groupby
from operator import itemgetter
from typing import Annotated

import typer

from monitoring_pipeline.cli.columns import PIPE_DIGITS, Cell, Column, Row, digits, text
from monitoring_pipeline.cli.explanation_rows import explanation_rows, summary
from monitoring_pipeline.cli.options import ConfigOption, GrainOption, JsonOption, parse_instant, window_at
from monitoring_pipeline.cli.output import counted, print_json, print_table, say
from monitoring_pipeline.cli.reading import EXIT_NOT_ENOUGH_DATA, guess
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.performance.root_cause.values import NotDecomposed
from monitoring_pipeline.results.read import models_with_results
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.explaining.explanation import Explanation
from monitoring_pipeline.stages.explaining.root_cause import explain as explain_change
from monitoring_pipeline.windows import Grain

BAR_CHARACTERS = 12
TERMINAL_DIGITS = 3

_WHY_NOT = {
    NotDecomposed.NO_ROWS_BEFORE: "no row of the earlier window can be judged",
    NotDecomposed.NO_ROWS_AFTER: "no row of the later window can be judged",
    NotDecomposed.INCOMPLETE_SPLIT: (
        "its segments do not account for all predictions of both windows: some hour had more values than the model's "
        "max_segment_values, or was measured before the split was declared (monitor reconcile measures it again)"
    ),
    NotDecomposed.OVERFLOW: "a sum is beyond the largest double",
}


def _number(heading: str, key: str) -> Column:
    return Column(heading, digits(key, PIPE_DIGITS), on_terminal=digits(key, TERMINAL_DIGITS))


def _interval(count: int) -> Cell:
    def cell(row: Row) -> str:
        if row["total_lower"] is None:
            return "-"
        return f"{row['total_lower']:.{count}g} to {row['total_upper']:.{count}g}"

    return cell


def _value(row: Row) -> str:
    """The segment's values alone; the split stands above the table."""
    return str(row["segment"]).removeprefix(f"{row['split']}=")


def _bar(row: Row) -> str:
    relative: float = row["relative"]
    return "█" * max(round(BAR_CHARACTERS * relative), int(relative > 0))


COLUMNS = (
    Column("split", text("split"), shared="split"),
    Column("segment", text("segment"), on_terminal=_value, whole=True),
    Column("rows before", text("count_before"), optional=True),
    Column("rows after", text("count_after"), optional=True),
    _number("before", "mean_before"),
    _number("after", "mean_after"),
    _number("mix", "mix"),
    _number("within", "within"),
    Column("total", digits("total", PIPE_DIGITS), on_terminal=digits("total", TERMINAL_DIGITS), whole=True),
    Column("95 % interval", _interval(PIPE_DIGITS), on_terminal=_interval(TERMINAL_DIGITS), optional=True),
    Column("certain", lambda row: "yes" if row["significant"] else "-"),
)
BAR = Column("share", _bar)


def explain(
    *,
    model: Annotated[str, typer.Option("--model", metavar="ID", help="The model.")],
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="A metric that is a mean: mae, accuracy, …")],
    window: Annotated[
        int, typer.Option("--window", parser=parse_instant, metavar="INSTANT", help="The window to explain.")
    ],
    against: Annotated[
        int | None,
        typer.Option(
            "--against",
            parser=parse_instant,
            metavar="INSTANT",
            help="The window to compare with; a week before if left out, or a day before if nothing is known there.",
        ),
    ] = None,
    grain: GrainOption = Grain.DAY,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            metavar="NAME",
            help="The environment; production if left out, or the busiest one.",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many segments of each split the table shows.")] = 10,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor explain --model flight_delay --metric mae --window 2013-06-24
      monitor explain --model flight_delay --metric mae --window 2013-06-24 --against 2013-06-17
      monitor explain --model flight_delay --metric rmse --window 2013-06-24T18:00Z --grain hour --json

    Print what each segment brought to a metric's change between two windows: by its share of the rows (mix) and by
    its own change (within). The parts of a split sum to the whole change. Splits that concentrate the change most
    come first. Ends with 5 if one of the windows has no rows that the metric judges.
    """
    installation = open_installation(config)
    known = models_with_results(installation.engine, performance_sums)
    if model not in known and installation.config.model(model) is None:
        if as_json:
            print_json([])
        say(_nothing_to_compare(model, metric, known))
        raise typer.Exit(EXIT_NOT_ENOUGH_DATA)
    found = explain_change(
        installation.pipeline,
        model_id=model,
        metric=metric,
        window=window_at(window, grain, option="--window"),
        against=None if against is None else window_at(against, grain, option="--against"),
        environment=environment,
    )
    rows = [] if found is None else explanation_rows(found)
    if as_json:
        print_json(rows)
    if found is None:
        say(_nothing_to_compare(model, metric, known))
        raise typer.Exit(EXIT_NOT_ENOUGH_DATA)
    if found.warning:
        say(f"mind: {found.warning}")
    if not as_json:
        _print(found, rows, top=top)


def _nothing_to_compare(model: str, metric: str, known: list[str]) -> str:
    if model not in known:
        some = f"models that have some: {', '.join(known)}{guess(model, known)}" if known else "no model has any"
        return f"there are no results of a model {model!r}; {some}"
    return (
        f"nothing to compare: one of the two windows has no row of {model} that {metric} judges; "
        "try another --window, --against or --environment, and see monitor metrics for what there is"
    )


def _print(found: Explanation, rows: list[dict[str, object]], *, top: int) -> None:
    sys.stdout.write(f"{summary(found)}\n\n")
    shown = [row for row in rows if isinstance(row["place"], int) and row["place"] <= top]
    if shown and not sys.stdout.isatty():
        print_table(shown, COLUMNS)
    elif shown:
        for _, of_split in groupby(shown, key=itemgetter("split")):
            print_table(list(of_split), (*COLUMNS, BAR))
            sys.stdout.write("\n")
    if len(shown) < len(rows):
        say(f"{counted(len(rows) - len(shown), 'further segment')} not shown; --top shows more, --json all")
    for cause in found.causes:
        if isinstance(cause.found, NotDecomposed):
            say(f"{cause.split} is left out: {_WHY_NOT[cause.found]}")
    if not found.causes:
        say("the model declares no segments to split the change by; declare some in monitoring.yaml")
