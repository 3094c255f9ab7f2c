"""An installation whose hours grow old, for the tests of retention; events are those of ``pipeline_examples``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from assets.data_quality import SUITES
from monitoring_pipeline.config.models import Retention
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.seals import SEALED_EVENTS
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.conftest import FixedClock
from tests.ingest_examples import stored
from tests.pipeline_examples import START, Event, final_state, history, ingest, ledger_rows, open_home

KEPT_DAYS = 90
HOURS = range(4)
STARTS = [START + hour * HOUR_MICROS for hour in HOURS]
EVENT_TABLES = ("predictions", "actuals")


class PowerCutError(Exception):
    """The process is gone."""


def days_after_start(days: float) -> FixedClock:
    return FixedClock(START + round(days * DAY_MICROS))


def sealed_after(hours: int) -> FixedClock:
    """A clock at which the first ``hours`` hours are past retention."""
    return FixedClock(START + KEPT_DAYS * DAY_MICROS + hours * HOUR_MICROS)


def keeping(installation: Installation, events_days: int | None = KEPT_DAYS) -> Installation:
    """The same installation with another retention."""
    config = installation.config.model_copy(update={"retention": Retention(events_days=events_days)})
    return replace(installation, config=config)


def filled(folder: Path, store_url: str | None, clock: FixedClock, *, hours: Sequence[int] = HOURS) -> Installation:
    """All hours landed when they were young; a third model, declared by nobody, tells classes."""
    installation = open_home(folder, clock=clock, store_url=store_url)
    predictions, actuals = history(hours, rows=4)
    shadow = [{**p, "model_id": "shadow", "predicted_value": "yes"} for p in predictions if p["model_id"] == "late"]
    present, clock.now = clock.now, START + 2 * DAY_MICROS
    ingest(installation, predictions=[*predictions, *shadow], actuals=actuals)
    clock.now = present
    return keeping(installation)


def compute(
    installation: Installation, hours: Sequence[int] = STARTS, *, with_quality: bool = False
) -> list[StageReport]:
    """The hourly stages, as a person materializes them: everything, whether due or not.

    Quality is the slow one, and reads the lake like those after it: one test with it is enough.
    """
    pipeline = installation.pipeline
    return [
        log_predictions(pipeline, hours),
        join_predictions(pipeline, hours),
        *([check_quality(pipeline, hours, suites=SUITES)] if with_quality else []),
        measure_hours(pipeline, hours),
        measure_drift(pipeline, Grain.HOUR, hours),
        judge_windows(pipeline, Grain.HOUR, hours),
    ]


def land(installation: Installation, kind: Kind, events: Sequence[Event]) -> IngestReport:
    """Land events, of which some may be refused."""
    return ingest_rows(installation.engine, events, kind=kind, config=installation.config, clock=installation.clock)


def state_of(installation: Installation) -> dict[str, Any]:
    """All that stands but the seals, and the bytes of every file that stands."""
    state: dict[str, Any] = final_state(installation)
    state["ledger"] = [row for row in state["ledger"] if row[0][0] != SEALED_EVENTS]
    paths = [row[1] for row in state["ledger"] if row[1] is not None]
    return {**state, "files": {path: (installation.home.lake / path).read_bytes() for path in paths}}


def sealed(installation: Installation) -> set[tuple[str, int]]:
    return {(model_id, hour) for dataset, model_id, hour in ledger_rows(installation) if dataset == SEALED_EVENTS}


def event_counts(engine: Engine) -> tuple[int, ...]:
    return tuple(len(stored(engine, table)) for table in EVENT_TABLES)


@contextmanager
def power_cut_at_statement(engine: Engine, number: int) -> Iterator[None]:
    """The process dies before the ``number``-th statement."""
    seen = 0

    def cut(*_arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise PowerCutError

    event.listen(engine, "before_cursor_execute", cut)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", cut)
