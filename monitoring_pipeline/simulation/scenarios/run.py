"""A scenario through the real ingest and pipeline, tick by tick, in an environment of its own.

Time is simulated: at the end of each day what became known in it is ingested, and all that is due is computed. After
the last day the ticks go on until the labels of all windows are mature.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.simulation.scenarios.advance import bring_up_to_date
from monitoring_pipeline.simulation.scenarios.declaration import REFERENCE_NAME, WatchedRule, declaration, rules
from monitoring_pipeline.simulation.scenarios.events import MONITORING_START
from monitoring_pipeline.simulation.scenarios.fitting import fitted
from monitoring_pipeline.simulation.scenarios.home import default_home, prepared_home
from monitoring_pipeline.simulation.scenarios.judgement import outcome_of
from monitoring_pipeline.simulation.scenarios.outcome import Outcome
from monitoring_pipeline.simulation.scenarios.population import Population, Shop
from monitoring_pipeline.simulation.scenarios.reference import healthy_stretch, write_reference
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.scenario import Scenario
from monitoring_pipeline.simulation.scenarios.ticks import Tick, ticks

CONFIG_NAME = "monitoring.yaml"


class SimulatedClock:
    """A clock that the simulation moves from tick to tick."""

    def __init__(self) -> None:
        self.now = MONITORING_START

    def __call__(self) -> int:
        """The simulated present, microseconds UTC."""
        return self.now


def simulate(
    scenario: Scenario,
    *,
    home: Path | None = None,
    population: Population | None = None,
    on_tick: Callable[[Tick], None] = lambda _tick: None,
) -> Outcome:
    """Run a scenario and say what the monitor noticed.

    Args:
        scenario: what happens, as :func:`~.registry.scenario_named` makes it.
        home: its ``MONITOR_HOME``; ``.monitor/simulations/<scenario>`` where not given. A simulation in it is replaced.
        population: where healthy rows come from; an invented shop where not given. A scenario whose feature was not
            named takes the first that suits it.
        on_tick: told of each day before it is ingested.

    Raises:
        MonitorError: if the home is not a simulation's, or the scenario cannot be applied on the population.
    """
    rows = population or Shop()
    world = World(scenario=fitted(scenario, rows), population=rows)
    clock = SimulatedClock()
    folder = home or default_home(scenario.name)
    installation, watched = prepared(world, folder, clock)
    rejected = 0
    for tick in ticks(world):
        on_tick(tick)
        clock.now = tick.now
        rejected += _ingest(installation, tick)
        bring_up_to_date(installation.pipeline)
    outcome = outcome_of(installation, world, watched, rejected_count=rejected)
    (installation.home.root / "outcome.json").write_text(json.dumps(outcome.as_json(), indent=1), encoding="utf-8")
    installation.engine.dispose()
    return outcome


def prepared(world: World, folder: Path, clock: SimulatedClock) -> tuple[Installation, list[WatchedRule]]:
    """The simulation's own installation: its config, its reference, an empty store; and the rules it watches."""
    home = prepared_home(folder, settings=json.dumps(_settings(world.scenario), indent=1))
    stretch = healthy_stretch(world)
    watched = rules(world, stretch)
    write_reference(world, stretch, home.root / REFERENCE_NAME)
    config_file = home.root / CONFIG_NAME
    config_file.write_text(declaration(world, watched), encoding="utf-8")
    return open_installation(config_file, home=home, clock=clock), watched


def _ingest(installation: Installation, tick: Tick) -> int:
    """Write the day's files, ingest them, and return how many rows were refused."""
    folder = installation.home.root / "events"
    folder.mkdir(exist_ok=True)
    rejected = 0
    for kind, events in (("predictions", tick.predictions), ("actuals", tick.actuals)):
        if events:
            path = folder / f"{kind}-{tick.day}.ndjson"
            with path.open("wb") as file:
                file.writelines(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
            report = ingest_file(installation.engine, path, config=installation.config, clock=installation.clock)
            rejected += report.rejected
    return rejected


def _settings(scenario: Scenario) -> dict[str, Any]:
    return {"scenario": scenario.name, **asdict(scenario)}
