"""The command line's entry: the table of commands and how the program ends.

Exit codes: 0 healthy or done, 1 the program could not do its work, 2 wrong usage, 3 warning, 4 critical,
5 not enough data, 130 interrupted.
"""

from typing import Annotated

import typer

from monitoring_pipeline.cli.lazy import LazyCommand, LazyGroup

HELP = """Know, every hour, how good production models really are.

\b
Examples:
  monitor demo                                    replay real flights, end to end
  monitor ingest predictions.ndjson actuals.csv   store what happened
  monitor reconcile                               compute every hour that is due
  monitor metrics --model flight_delay --from 2013-06-17 --json
  monitor serve                                   the HTTP API on :8000, docs at /docs
  monitor dev                                     Dagster on :3000, MLflow on :5000

\b
State lives in $MONITOR_HOME (default .monitor); the config is --config,
$MONITOR_CONFIG or ./monitoring.yaml.

\b
Exit codes: 0 healthy or done, 1 error, 2 wrong usage, 3 warning, 4 critical,
5 not enough data.
"""

COMMANDS = (
    LazyCommand(
        name="ingest",
        target="monitoring_pipeline.cli.ingest:ingest",
        summary="Store predictions and late actuals from files.",
    ),
    LazyCommand(
        name="sync",
        target="monitoring_pipeline.cli.sync:sync",
        summary="Store what is new in files and tables elsewhere.",
    ),
    LazyCommand(
        name="consume",
        target="monitoring_pipeline.cli.consume:consume",
        summary="Store the messages of Kafka topics.",
    ),
    LazyCommand(
        name="reconcile",
        target="monitoring_pipeline.cli.reconcile:reconcile",
        summary="Compute every hour and day that is due, then stop.",
    ),
    LazyCommand(
        name="metrics",
        target="monitoring_pipeline.cli.metrics:metrics",
        summary="Print how good the models were, per window.",
    ),
    LazyCommand(
        name="confusion",
        target="monitoring_pipeline.cli.classified:confusion",
        summary="Print what classifiers confuse, over time.",
    ),
    LazyCommand(
        name="calibration",
        target="monitoring_pipeline.cli.classified:calibration",
        summary="Print what the scores of yes/no models turned out to mean.",
    ),
    LazyCommand(
        name="compare",
        target="monitoring_pipeline.cli.compare:compare",
        summary="Print a window beside past ones at the same label age.",
    ),
    LazyCommand(
        name="explain",
        target="monitoring_pipeline.cli.explain:explain",
        summary="Print which segments a metric's change came from.",
    ),
    LazyCommand(
        name="estimates",
        target="monitoring_pipeline.cli.estimates:estimates",
        summary="Print what performance probably is where truth is missing.",
    ),
    LazyCommand(
        name="drift",
        target="monitoring_pipeline.cli.drift:drift",
        summary="Print how far the inputs moved from the reference.",
    ),
    LazyCommand(
        name="labels",
        target="monitoring_pipeline.cli.labels:labels",
        summary="Print whether the truth still arrives as it used to.",
    ),
    LazyCommand(
        name="report",
        target="monitoring_pipeline.cli.report:report",
        summary="Write a page about a model, for people.",
    ),
    LazyCommand(
        name="alerts",
        target="monitoring_pipeline.cli.alerts:app",
        summary="List, acknowledge and silence alerts; deliver again what failed.",
    ),
    LazyCommand(
        name="quarantine",
        target="monitoring_pipeline.cli.quarantine:app",
        summary="List rows that were refused, and try them again.",
    ),
    LazyCommand(
        name="config",
        target="monitoring_pipeline.cli.config:app",
        summary="Check monitoring.yaml; print its JSON schema.",
    ),
    LazyCommand(
        name="demo",
        target="monitoring_pipeline.cli.demo:demo",
        summary="Replay four weeks of real flights through the pipeline.",
    ),
    LazyCommand(
        name="simulate",
        target="monitoring_pipeline.cli.simulate:simulate",
        summary="Inject a failure, and see whether the monitor notices.",
    ),
    LazyCommand(
        name="serve",
        target="monitoring_pipeline.cli.serve:serve",
        summary="Serve the HTTP API: events in, answers out.",
    ),
    LazyCommand(
        name="token",
        target="monitoring_pipeline.cli.token:app",
        summary="Make, list and revoke tokens of the HTTP API.",
    ),
    LazyCommand(
        name="dev",
        target="monitoring_pipeline.cli.dev:dev",
        summary="Run the Dagster and MLflow user interfaces on this machine.",
    ),
)


class _Monitor(LazyGroup):
    lazy_commands = COMMANDS


app = typer.Typer(
    cls=_Monitor,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: greppable, the same in every terminal, and 50 ms faster
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # not for every --help  # noqa: PLC0415

        typer.echo(f"monitor {version('monitoring-pipeline')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The console entry ``monitor``."""
    app(prog_name="monitor")
