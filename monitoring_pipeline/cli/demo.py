"""``monitor demo``: real flights through the whole pipeline, with progress, and a table at the end."""

import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.options import JsonOption
from monitoring_pipeline.cli.output import print_json, print_table, say
from monitoring_pipeline.cli.progress import stages
from monitoring_pipeline.config.home import Home

if TYPE_CHECKING:
    from monitoring_pipeline.installation import Installation
    from monitoring_pipeline.simulation.flights.demo import ReplayTotals
    from monitoring_pipeline.simulation.flights.summary import ModelSummary

# Of all metrics, those that a first look needs.
SHOWN_METRICS = ("mae", "rmse", "bias", "accuracy", "precision", "recall", "log_loss")


def demo(as_json: JsonOption = False) -> None:
    """Examples:

    \b
      monitor demo
      MONITOR_HOME=/tmp/flights monitor demo --json

    Train two models on the flights out of New York from January to May 2013, then replay four summer weeks with
    their storms, day by day: predictions at departure, the truth when the aircraft lands, none for cancelled
    flights. Everything goes through the same ingest, Dagster jobs, MLflow and alerts as your own models.
    A second run finds everything done and changes nothing.
    """
    began = time.monotonic()
    with stages() as show:
        show.stage("loading the program", 1)
        # Not before --help was answered: pandas, scikit-learn and Dagster take seconds to load.
        from monitoring_pipeline.definitions import reconciler  # noqa: PLC0415 - heavy, and --help must not wait
        from monitoring_pipeline.simulation.flights import demo as flights  # noqa: PLC0415 - heavy, and --help must not wait
        from monitoring_pipeline.simulation.flights.summary import summarise  # noqa: PLC0415 - heavy, and --help must not wait

        clock, totals = flights.ReplayClock(), flights.ReplayTotals()
        installation = flights.open_demo(Home.from_environment(), clock)
        show.stage("preparing flights and models", flights.PREPARATION_STEPS)
        days = flights.prepare_days(installation, on_progress=show.step)
        show.stage("replaying", len(days))
        with reconciler(installation) as reconcile:
            for day in days:
                show.step(f"{day.day}: {day.prediction_count} predictions, {day.actual_count} actuals")
                totals += flights.replay_day(installation, clock, day, reconcile)
    models = summarise(installation)
    if as_json:
        print_json([{"replay": asdict(totals), "models": [asdict(model) for model in models]}])
    else:
        _print(installation, totals, models, seconds=time.monotonic() - began)


def _print(
    installation: "Installation", totals: "ReplayTotals", models: "list[ModelSummary]", *, seconds: float
) -> None:
    rows: list[Row] = [{"what": what, "value": value} for what, value in _lines(totals, models)]
    print_table(rows, (Column("what", text("what")), Column("", text("value"), whole=True)))
    home = os.path.relpath(installation.home.root)
    say(f"done in {seconds:.0f} s; everything is under {home}")
    if not totals.events_accepted and not totals.hours_computed + totals.hours_reopened:
        say("nothing had changed since the last run, and nothing was changed")
    say("where to look (with the environment active: . .venv/bin/activate):")
    say(
        "  monitor dev                    the same in Dagster (http://localhost:3000) and MLflow (http://localhost:5000)"
    )
    say("  monitor metrics --model flight_delay --from 2013-06-24 --to 2013-07-02 --segment all")
    say("  monitor drift --model flight_delay --from 2013-07-01 --to 2013-07-02")
    say("  monitor alerts list --state confirmed")
    say(f"  {home}/flights/notifications.ndjson   the notifications of the file channel")


def _lines(totals: "ReplayTotals", models: "list[ModelSummary]") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = [
        (
            "events received",
            f"{totals.events_received:,} ({totals.events_accepted:,} new, {totals.events_quarantined} quarantined)",
        ),
        ("hours computed", f"{totals.hours_computed:,}"),
        ("hours reopened by late actuals", f"{totals.hours_reopened:,}"),
        ("days computed", totals.days_computed),
        ("days reopened", totals.days_reopened),
    ]
    for model in models:
        lines += [("", ""), (model.model_id, "")]
        lines += _model_lines(model)
    return lines


def _model_lines(model: "ModelSummary") -> list[tuple[str, Any]]:
    metrics = [f"{m.metric} {m.value:.4g}" for m in model.metrics if m.metric in SHOWN_METRICS and m.value is not None]
    return [
        ("  predictions", f"{model.prediction_count:,}"),
        ("  with truth (coverage)", f"{model.labelled_count:,} ({model.coverage:.1%})"),
        ("  metrics over all weeks", ", ".join(metrics)),
        ("  drifted features (days)", _counts(model.drifted_days)),
        ("  alerts raised", _counts(model.alerts)),
        ("  notifications", _counts(model.notifications)),
        ("  MLflow runs", model.mlflow_runs),
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
