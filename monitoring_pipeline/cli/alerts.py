"""``monitor alerts``: what people were told, and whether it reached them."""

from typing import Annotated, Any

import typer

from monitoring_pipeline.alerts.history import alert_history
from monitoring_pipeline.alerts.outbox import put_back_failed
from monitoring_pipeline.alerts.read import list_alerts, worst_active_severity
from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.cli.acknowledging import acknowledge_command
from monitoring_pipeline.cli.alert_columns import ALERT_COLUMNS, HISTORY_COLUMNS
from monitoring_pipeline.cli.options import ConfigOption, FromOption, JsonOption, ModelOption, ToOption, check_order
from monitoring_pipeline.cli.output import print_json, print_table, say
from monitoring_pipeline.cli.reading import EXIT_NOT_ENOUGH_DATA, guess
from monitoring_pipeline.cli.silences import end_silence_command, silence_command, silences_command
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
    installation = open_installation(config)
    with writing(installation.engine) as connection:
        count = put_back_failed(connection, now=installation.clock(), channel=channel)
    say(f"{count} notifications put back into the outbox")


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ALERT_COLUMNS)


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
