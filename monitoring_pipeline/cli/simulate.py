"""``monitor simulate``: inject a failure with a known history, and see whether the monitor notices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.options import JsonOption
from monitoring_pipeline.cli.output import print_json, print_table
from monitoring_pipeline.cli.progress import stages
from monitoring_pipeline.cli.simulation_summary import exit_code, print_summary
from monitoring_pipeline.config.models import Task

if TYPE_CHECKING:
    from monitoring_pipeline.simulation.scenarios.outcome import Outcome
    from monitoring_pipeline.simulation.scenarios.population import Population


def simulate(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="What happens; --list says what there is.")
    ] = None,
    *,
    list_them: Annotated[bool, typer.Option("--list", help="Print the scenarios, a line each.")] = False,
    days: Annotated[int | None, typer.Option("--days", metavar="N", help="Monitored days (16).")] = None,
    onset_day: Annotated[
        float | None, typer.Option("--onset-day", metavar="N", help="Days until it happens; halves are allowed (11).")
    ] = None,
    rows_per_hour: Annotated[
        int | None, typer.Option("--rows-per-hour", metavar="N", help="Mean predictions in an hour (60).")
    ] = None,
    size: Annotated[
        float | None, typer.Option("--size", metavar="X", help="How much happens; --list says what it means.")
    ] = None,
    over_days: Annotated[
        float | None, typer.Option("--over-days", metavar="X", help="How long it grows, if it grows.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", help="In how many steps it grows (5).")] = None,
    feature: Annotated[
        str | None, typer.Option("--feature", metavar="NAME", help="Which input it happens to, if it does to one.")
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option("--task", metavar="TASK", help="What the model predicts: binary (default), regression."),
    ] = None,
    label_delay_hours: Annotated[
        float | None, typer.Option("--label-delay-hours", metavar="X", help="Median time until the truth is known (8).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="The same seed gives the same events (2025).")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="FILE", help="Parquet: draw healthy rows from your own.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="With --model: a config whose model has a reference file."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="ID", help="Draw healthy rows from this model's reference file.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="FOLDER", help="Its MONITOR_HOME (.monitor/simulations/SCENARIO); is replaced."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Examples:

    \b
      monitor simulate --list
      monitor simulate sudden_drift
      monitor simulate gradual_drift --size 1 --over-days 5 --steps 10
      monitor simulate healthy --seed 7 --json
      monitor simulate category_launch --reference training.parquet --feature plan

    Make events of a model with a known history: healthy days, then a failure. Ingest and judge them day by day, truth
    arriving as late as it would, and say what the monitor noticed and how soon. Everything is in a home folder of its
    own; nothing of yours is touched. The same seed gives the same events. A run takes about a minute.

    \b
    Exit codes: 0 all that should be raised was raised, and nothing stands that should not,
    1 error, 2 wrong usage, 3 something was not raised, or stands that should not,
    5 no window had data enough to say.
    """
    if list_them:
        _list(as_json=as_json)
        return
    if scenario is None:
        raise typer.BadParameter("which scenario? `monitor simulate --list` prints them")
    asked = {
        "days": days,
        "onset_day": onset_day,
        "rows_per_hour": rows_per_hour,
        "size": size,
        "over_days": over_days,
        "steps": steps,
        "feature": feature,
        "task": task,
        "label_delay_hours": label_delay_hours,
        "seed": seed,
    }
    settings = {name: value for name, value in asked.items() if value is not None}
    outcome = _simulated(scenario, settings, _population(reference, config, model), home)
    if as_json:
        print_json([outcome.as_json()])
    else:
        print_summary(outcome)
    if code := exit_code(outcome.ending):
        raise typer.Exit(code)


def _list(*, as_json: bool) -> None:
    from monitoring_pipeline.simulation.scenarios.registry import SCENARIOS, default_size  # noqa: PLC0415 - heavy, and --help must not wait

    rows: list[Row] = [
        {"scenario": kind.name, "summary": kind.summary, "size": default_size(kind), "size_means": kind.size_means}
        for kind in SCENARIOS.values()
    ]
    if as_json:
        print_json(rows)
    else:
        columns = (("scenario", "scenario"), ("what happens", "summary"), ("size", "size"), ("of", "size_means"))
        print_table(rows, [Column(heading, text(key)) for heading, key in columns])


def _population(reference: Path | None, config: Path | None, model: str | None) -> "Population | None":
    if reference is None and model is None and config is None:
        return None
    from monitoring_pipeline.simulation.scenarios.own import own_rows, rows_of_model  # noqa: PLC0415 - as above

    if reference is not None and (model is not None or config is not None):
        raise typer.BadParameter("--reference names the rows, and so do --model and --config; give one of them")
    if reference is not None:
        return own_rows(reference)
    if model is None:
        raise typer.BadParameter("--config goes with --model, which says whose reference it is")
    return rows_of_model(config, model)


def _simulated(name: str, settings: dict[str, Any], population: "Population | None", home: Path | None) -> "Outcome":
    with stages() as show:
        show.stage("loading the program", 1)
        from monitoring_pipeline.simulation.scenarios import scenario_named, simulate  # noqa: PLC0415 - as above
        from monitoring_pipeline.simulation.scenarios.ticks import tick_count  # noqa: PLC0415 - as above

        scenario = scenario_named(name, **settings)
        show.stage(f"simulating {name}", tick_count(scenario))
        return simulate(
            scenario,
            home=home,
            population=population,
            on_tick=lambda tick: show.step(
                f"{tick.day}: {len(tick.predictions)} predictions, {len(tick.actuals)} actuals"
            ),
        )
