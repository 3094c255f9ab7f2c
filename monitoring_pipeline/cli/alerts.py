"""``monitor alerts``: what people were told, and whether it reached them."""

from typing import Annotated, Any

import typer

from monitoring_pipeline.alerts.history import alert_history
from monitoring_pipeline.alerts.outbox import put_back_failed
from monitoring_pipeline.alerts.read import list_alerts, worst_active_severity
from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.alerts.vocabulary import AlertState
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
from monitoring_pipeline.cli.handling import (
    acknowledge_command,
    end_silence_command,
    silence_command,
    silences_command,
)
from monitoring_pipeline.cli.options import ConfigOption, FromOption, JsonOption, ModelOption, ToOption, check_order
from monitoring_pipeline.cli.output import print_json, print_table, say
from monitoring_pipeline.cli.reading import EXIT_NOT_ENOUGH_DATA, guess
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.results.read import models_with_results
from monitoring_pipeline.results.tables import metrics

EXIT_OF_SEVERITY = {Severity.WARNING: 3, Severity.CRITICAL: 4}

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Examples:

    \b
      monitor alerts list
      monitor alerts history 6bdebf61
      monitor alerts acknowledge 6bdebf61 --note "the storm"
      monitor alerts silence --model flight_delay --for PT6H --reason "planned work"
      monitor alerts redeliver

    List alerts; tell one alert's life; take note of one; send nothing of some for a while; send again what
    could not be delivered.
    """,
)


def _bound(digits: int) -> Cell:
    return lambda row: f"{row['direction']} {row['threshold']:.{digits}g}"


def _deliveries(row: Row) -> str:
    return ", ".join(f"{count} {state}" for state, count in row["deliveries"].items() if count) or "-"


COLUMNS = (
    WINDOW,
    Column("grain", text("grain"), shared="grain"),
    *GROUP,
    Column("rule", text("rule_id")),
    Column("severity", text("severity"), whole=True),
    Column("state", text("state"), whole=True),
    Column("metric", text("metric")),
    number("value", "value"),
    Column("alert if", _bound(PIPE_DIGITS), on_terminal=_bound(TERMINAL_DIGITS)),
    Column("coverage", ratio("coverage"), optional=True),
    Column("deliveries", _deliveries, optional=True),
    Column("acknowledged", text("acknowledged_by"), optional=True),
)


def _change(key: str, digits: str) -> Cell:
    def told(row: Row) -> str:
        old, new = ("-" if row[name] is None else format(row[name], digits) for name in (f"old_{key}", f"new_{key}"))
        return new if old in {"-", new} else f"{old} -> {new}"

    return told


def _causes(row: Row) -> str:
    causes = row["causes"]
    if causes is None:
        return "-"
    if causes["by_age_alone"]:
        return "age alone"
    named = [f"{batch['source']} ({batch['row_count']} {batch['kind']})" for batch in causes["batches"]]
    further = causes["further_batch_count"]
    return ", ".join([*named, *([f"{further} more"] if further else [])]) or "-"


HISTORY_COLUMNS = (
    Column("known at", text("known_at"), whole=True),
    Column("from", text("from_state")),
    Column("to", text("to_state"), whole=True),
    Column("severity", text("severity")),
    Column("value", _change("value", f".{PIPE_DIGITS}g"), on_terminal=_change("value", f".{TERMINAL_DIGITS}g")),
    Column("coverage", _change("coverage", ".1%")),
    Column("caused by", _causes),
)


@app.callback()
def _group() -> None:
    pass


@app.command("list", short_help="The alerts and where they stand.")
def list_command(
    model: ModelOption = None,
    start: FromOption = None,
    end: ToOption = None,
    state: Annotated[
        list[AlertState] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only provisional, confirmed, escalated, retracted or withdrawn alerts; may be given several times.",
        ),
    ] = None,
    as_json: JsonOption = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="End with 0 also while alerts are active.")] = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts list
      monitor alerts list --model flight_delay --from 2013-06-17 --to 2013-06-24
      monitor alerts list --state confirmed --state provisional --json

    Print the alerts of every state, in the order of their windows. A provisional alert may still change
    with labels that are expected to come; an escalated one rose in severity while it stood; a retracted
    one ended when late truth changed the verdict, a withdrawn one when its rule was taken out of the config.

    \b
    Exit codes, over the alerts listed: 0 no warning or critical alert is active (provisional, confirmed
    or escalated), 3 a warning is active, 4 a critical one is; 1 error, 2 wrong usage,
    5 the model is unknown.
    """
    check_order(start=start, end=end)
    installation = open_installation(config)
    rows = list_alerts(installation.engine, model_id=model, states=state or None, start=start, end=end)
    _show(rows, as_json=as_json)
    if not rows:
        _say_why(installation, model)
    worst = worst_active_severity(rows)
    if worst is not None and not exit_zero:
        raise typer.Exit(EXIT_OF_SEVERITY.get(worst, 0))


@app.command("history", short_help="One alert's events, and what caused them.")
def history_command(
    alert_id: Annotated[
        str, typer.Argument(metavar="ALERT_ID", help="As list --json prints it; its first 6 digits or more will do.")
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts history 6bdebf61
      monitor alerts history 6bdebf6136dfb422de1cf6adb25fdc92 --json

    Print the events of an alert in their order: when the monitor knew, the states, the old and new value and
    label coverage, and the ingest batches that reached the window since the finding before.
    """
    rows = alert_history(open_installation(config).engine, alert_id)
    if as_json:
        print_json(rows)
    else:
        print_table(rows, HISTORY_COLUMNS)


app.command("acknowledge", short_help="Take note of an alert.")(acknowledge_command)
app.command("silence", short_help="Send nothing of some alerts for a while.")(silence_command)
app.command("silences", short_help="What is silenced, by whom and why.")(silences_command)
app.command("end-silence", short_help="End a silence before its time.")(end_silence_command)


@app.command("redeliver", short_help="Put notifications back that were given up.")
def redeliver_command(
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="One channel; every channel if left out.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts redeliver
      monitor alerts redeliver --channel pager

    Put notifications that were given up back into the outbox; the next delivery tries them again under the
    same ids. Use it when a receiver was down for longer than the attempts lasted, about half a day.
    """
    with writing(open_installation(config).engine) as connection:
        count = put_back_failed(connection, now=system_clock(), channel=channel)
    say(f"{count} notifications put back into the outbox")


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)


def _say_why(installation: Installation, model_id: str | None) -> None:
    """Why nothing is listed.

    Raises:
        typer.Exit: with "not enough data" for an unknown model: that nobody judged it does not make it healthy.
    """
    alerted = models_with_results(installation.engine, alerts)
    if model_id is None or model_id in alerted:
        say("no alerts match")
        return
    declared = {model.id for model in installation.config.models}
    known = sorted({*declared, *alerted, *models_with_results(installation.engine, metrics)})
    some = f"models that have some: {', '.join(alerted)}" if alerted else "no model has any"
    sentence = f"there are no alerts of a model {model_id!r}; {some}"
    if model_id in known:
        say(sentence)
        return
    say(f"{sentence}{guess(model_id, known)}")
    raise typer.Exit(EXIT_NOT_ENOUGH_DATA)
