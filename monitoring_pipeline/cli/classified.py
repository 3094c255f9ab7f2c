"""``monitor confusion`` and ``monitor calibration``: what classifiers confuse, and what their scores mean."""

from collections.abc import Callable, Sequence
from pathlib import Path

from monitoring_pipeline.cli.columns import GROUP, WINDOW, Column, Row, number, ratio, text
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
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.measuring.classified import confusion_rows, reliability_rows
from monitoring_pipeline.stages.measuring.periods import Asked
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Period

BAR_CHARACTERS = 20


def _bar(row: Row) -> str:
    return "█" * round(BAR_CHARACTERS * (row["share"] or 0))


def _gap(row: Row) -> str:
    """Where the promise lies beside the interval of what happened: the score is off, not just unlucky."""
    if row["lower"] is None:
        return "-"
    if row["mean_score"] > row["upper"]:
        return "promises too much"
    return "promises too little" if row["mean_score"] < row["lower"] else "as promised"


CONFUSION_COLUMNS = (
    WINDOW,
    *GROUP,
    Column("actual", text("actual")),
    Column("predicted", text("predicted")),
    Column("rows", text("count")),
    Column("share", ratio("share")),
    Column("", _bar, optional=True),
)

CALIBRATION_COLUMNS = (
    WINDOW,
    *GROUP,
    Column("scores", lambda row: f"{row['score_from']:.1f} to {row['score_to']:.1f}", whole=True),
    Column("rows", text("count")),
    number("mean score", "mean_score"),
    number("observed", "observed_share"),
    number("lower", "lower"),
    number("upper", "upper"),
    Column("", _gap, optional=True),
)


def confusion(
    *,
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: PeriodOption = Period.DAY,
    segment: SegmentOption = "all",
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor confusion --model flight_late --grain week
      monitor confusion --model flight_late --from 2013-06-24 --to 2013-07-01 --json

    Print the confusion matrix of classifiers over time: how many rows of each actual class were predicted as which,
    and their share of the actual class. Ends with 5 if there are none.
    """
    asked = Asked(period=grain, model_id=model, start=start, end=end, segment=segment, as_of=as_of)
    _show(confusion_rows, asked, columns=CONFUSION_COLUMNS, noun="confusion matrices", as_json=as_json, config=config)


def calibration(
    *,
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: PeriodOption = Period.ALL,
    segment: SegmentOption = "all",
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor calibration --model flight_late
      monitor calibration --model flight_late --grain week --json

    Print the reliability curve of yes/no models: of the rows with a score around 0.7, did 70 % turn out to be
    positive? With a 95 % interval for each tenth of the scores. Ends with 5 if there are none.
    """
    asked = Asked(period=grain, model_id=model, start=start, end=end, segment=segment, as_of=as_of)
    _show(
        reliability_rows, asked, columns=CALIBRATION_COLUMNS, noun="reliability curves", as_json=as_json, config=config
    )


def _show(
    rows_of: Callable[[Pipeline, Asked], Sequence[Row]],
    asked: Asked,
    *,
    columns: Sequence[Column],
    noun: str,
    as_json: bool,
    config: Path | None,
) -> None:
    check_order(start=asked.start, end=asked.end)
    installation = open_installation(config)
    show(
        rows_of(installation.pipeline, asked),
        as_json=as_json,
        columns=columns,
        engine=installation.engine,
        table=performance_sums,
        model_id=asked.model_id,
        noun=noun,
    )
