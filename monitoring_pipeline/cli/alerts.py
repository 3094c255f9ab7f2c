"""``monitor alerts``: what people were told, and whether it reached them."""

from typing import Annotated, Any

import typer

from monitoring_pipeline.alerts.outbox import put_back_failed
from monitoring_pipeline.alerts.read import list_alerts, worst_active_severity
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.cli.options import ConfigOption, FromOption, JsonOption, ModelOption, ToOption, check_order
from monitoring_pipeline.cli.output import Row, number, print_json, print_table, ratio, say, text
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import open_installation

EXIT_OF_SEVERITY = {Severity.WARNING: 3, Severity.CRITICAL: 4}

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Examples:

    \b
      monitor alerts list
      monitor alerts redeliver

    List alerts; send again what could not be delivered.
    """,
)


def _bound(row: Row) -> str:
    return f"{row['direction']} {row['threshold']:.6g}"


def _deliveries(row: Row) -> str:
    return ", ".join(f"{count} {state}" for state, count in row["deliveries"].items() if count) or "-"


COLUMNS = (
    ("window", text("window_start")),
    ("grain", text("grain")),
    ("model", text("model_id")),
    ("version", text("model_version")),
    ("environment", text("environment")),
    ("segment", text("segment")),
    ("rule", text("rule_id")),
    ("severity", text("severity")),
    ("state", text("state")),
    ("metric", text("metric")),
    ("value", number("value")),
    ("alert if", _bound),
    ("coverage", ratio("coverage")),
    ("deliveries", _deliveries),
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
            help="Only provisional, confirmed or retracted alerts; may be given several times.",
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
    with labels that are expected to come; a retracted one was withdrawn when late truth changed the verdict.

    \b
    Exit codes, over the alerts listed: 0 no warning or critical alert is active (provisional or
    confirmed), 3 a warning is active, 4 a critical one is; 1 error, 2 wrong usage.
    """
    check_order(start=start, end=end)
    rows = list_alerts(open_installation(config).engine, model_id=model, states=state or None, start=start, end=end)
    _show(rows, as_json=as_json)
    worst = worst_active_severity(rows)
    if worst is not None and not exit_zero:
        raise typer.Exit(EXIT_OF_SEVERITY.get(worst, 0))


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
    else:
        say("no alerts match")
