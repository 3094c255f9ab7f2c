"""The demo: real flights through the same ingest, reconcile and Dagster code that users run, day by day.

Time is simulated: each day is ingested and reconciled "at" its own end, so flights of the late evening land
on the next day and reopen hours of the one before.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

from monitoring_pipeline.config.home import Home
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.read import known_models
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.simulation.flights.data import load_flights
from monitoring_pipeline.simulation.flights.files import write_config, write_references
from monitoring_pipeline.simulation.flights.replay import REPLAY_END, REPLAY_START, ReplayDay, replay
from monitoring_pipeline.simulation.flights.train import DELAY_MODEL_ID, LATE_MODEL_ID, train
from monitoring_pipeline.windows import Grain, to_micros

# The flights, the two models, five months of the reference, and a file for each day and the one on which the last
# flights land.
PREPARATION_STEPS = 8 + (REPLAY_END - REPLAY_START).days + 1


class ReplayClock:
    """A clock that the replay moves from day to day."""

    def __init__(self) -> None:
        self.now = to_micros(REPLAY_START)

    def __call__(self) -> int:
        """The simulated present, microseconds UTC."""
        return self.now


class Reconciled(Protocol):
    """What one reconciliation reports."""

    @property
    def windows(self) -> dict[Grain, int]:
        """Windows computed."""

    @property
    def again(self) -> dict[Grain, int]:
        """Those among them that had been computed before and were reopened by late events."""


Reconcile = Callable[[Callable[[Any], None]], Reconciled]
OnProgress = Callable[[str], None]
"""Told, in a few words, what begins."""


@dataclass(frozen=True, kw_only=True)
class ReplayTotals:
    """What one run of the demo did; a second run finds everything done."""

    days: int = 0
    events_received: int = 0
    events_accepted: int = 0
    events_quarantined: int = 0
    hours_computed: int = 0
    hours_reopened: int = 0
    days_computed: int = 0
    days_reopened: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


def open_demo(home: Home, clock: ReplayClock) -> Installation:
    """The installation that the demo runs on: the user's home folder with the demo's config.

    Raises:
        MonitorError: if the home folder holds somebody's own config or models.
    """
    installation = open_installation(write_config(home.ensure().root), home=home, clock=clock)
    with reading(installation.engine) as connection:
        others = set(known_models(connection)) - {DELAY_MODEL_ID, LATE_MODEL_ID}
    if others:
        raise MonitorError(
            f"{home.root} holds other models ({', '.join(sorted(others)[:3])}), and the demo will not mix with them; "
            "set MONITOR_HOME to another folder"
        )
    return installation


def prepare_days(installation: Installation, *, on_progress: OnProgress) -> list[ReplayDay]:
    """Load the flights, train the models, write the references and each day's event files.

    Args:
        installation: from :func:`open_demo`.
        on_progress: told what begins.
    """
    root = installation.home.root
    on_progress("loading 336,776 flights of 2013 and their weather")
    flights = load_flights()
    models = train(flights, on_progress=on_progress)
    write_references(flights, root, on_progress=on_progress)
    days = []
    for day in replay(flights, models, root / "flights" / "events"):
        on_progress(f"writing the events of {day.day}")
        days.append(day)
    return days


def replay_day(installation: Installation, clock: ReplayClock, day: ReplayDay, reconcile: Reconcile) -> ReplayTotals:
    """Ingest a day's files and reconcile, at the day's end.

    Args:
        installation: from :func:`open_demo`, on ``clock``.
        clock: moved to the day's end.
        day: its files.
        reconcile: runs everything that is due through Dagster.
    """
    clock.now = day.now
    ingested = [ingest_file(installation.engine, path, config=installation.config, clock=clock) for path in day.files]
    reconciled = reconcile(lambda _run: None)
    return ReplayTotals(
        days=1,
        events_received=sum(report.received for report in ingested),
        events_accepted=sum(report.accepted for report in ingested),
        events_quarantined=sum(report.rejected for report in ingested),
        hours_computed=reconciled.windows[Grain.HOUR] - reconciled.again[Grain.HOUR],
        hours_reopened=reconciled.again[Grain.HOUR],
        days_computed=reconciled.windows[Grain.DAY] - reconciled.again[Grain.DAY],
        days_reopened=reconciled.again[Grain.DAY],
    )
