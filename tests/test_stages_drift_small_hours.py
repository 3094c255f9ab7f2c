"""Small hours, which are looked at together with those before: like a rebuild, whatever came first."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from monitoring_pipeline.alerts.tables import findings
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.alerts_examples import rows
from tests.drift_hours import (
    ROWS,
    bring_up_to_date,
    log,
    measured,
    overall,
    pipeline_of,
    predicted,
    starts_of,
    stored,
)
from tests.pipeline_examples import LONG_AFTER, START, ingest, open_home


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    yield installation
    installation.engine.dispose()


def end_state(installation: Installation) -> list[Any]:
    def bare(found: Iterable[dict[str, Any]]) -> list[Any]:
        kept = [{n: v for n, v in row.items() if not n.startswith("known_")} for row in found]
        return sorted(kept, key=repr)

    judged = [row for row in rows(installation.engine, findings) if row["known_to"] is None]
    with reading(installation.engine) as connection:
        hours = range(START, START + 2 * DAY_MICROS, HOUR_MICROS)
        entries = ledger.entries(connection, "hourly_drift", hours)
    return [bare(stored(installation)), bare(judged), sorted((k, e.checksum) for k, e in entries.items())]


def rebuilt(tmp_path: Path, events: Sequence[dict[str, Any]], hours: Sequence[int], **changes: Any) -> list[Any]:
    """The end state of a home that got everything before it computed anything."""
    fresh = open_home(tmp_path / "rebuilt", clock=lambda: LONG_AFTER)
    ingest(fresh, predictions=events)
    bring_up_to_date(pipeline_of(fresh, **changes), hours)
    found = end_state(fresh)
    fresh.engine.dispose()
    return found


def test_hours_with_few_rows_are_judged_with_those_before_and_hours_with_many_alone(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in (0, 1, 2, 3) for e in predicted(hour)])
    ingest(installation, predictions=predicted(4, count=30))

    measured(pipeline, range(5))

    found = [overall(installation, hour) for hour in range(5)]
    assert [(row["window_count"], row["n_window"]) for row in found] == [(1, 8), (3, 16), (3, 24), (3, 24), (1, 30)]
    assert (found[0]["verdict"], found[0]["reason"]) == ("not_enough_data", "too_few_window_rows")


def test_late_predictions_measure_the_hours_that_looked_back_once_more_and_their_findings_follow(
    installation: Installation,
) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in range(5) for e in predicted(hour)])
    bring_up_to_date(pipeline, range(5))
    before = {row["window_start"]: row["verdict"] for row in rows(installation.engine, findings)}
    ingest(installation, predictions=predicted(1, first=ROWS, count=12, moved=True))

    bring_up_to_date(pipeline, [1])

    replaced = Counter(
        (row["window_start"] - START) // HOUR_MICROS
        for row in stored(installation, every=True, measure="overall")
        if row["known_to"] is not None
    )
    assert replaced == {1: 1, 2: 1, 3: 1}
    now = {
        row["window_start"]: row["verdict"] for row in rows(installation.engine, findings) if row["known_to"] is None
    }
    changed = {(start - START) // HOUR_MICROS for start in now if now[start] != before[start]}
    assert {1, 2} <= changed <= {1, 2, 3}
    with reading(installation.engine) as connection:
        assert len(ledger.entries(connection, "hourly_findings", starts_of(range(5)))) == 5


@pytest.mark.parametrize("seed", range(3))
def test_the_end_is_that_of_a_rebuild_whatever_order_hours_came_and_were_computed_in(
    installation: Installation, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    hours = range(7)
    chunks = [
        predicted(hour, first=first, count=4, moved=rng.random() < 0.2)
        for hour in hours
        for first in (0, 4, 8)
        if rng.random() < 0.8
    ]
    pipeline = pipeline_of(installation)
    for chunk in rng.sample(chunks, k=len(chunks)):
        ingest(installation, predictions=chunk)
        if rng.random() < 0.5:
            bring_up_to_date(pipeline, rng.sample(hours, k=rng.randint(1, 3)))
    for hour in rng.sample(hours, k=len(hours)):
        bring_up_to_date(pipeline, [hour])

    assert end_state(installation) == rebuilt(tmp_path, [e for chunk in chunks for e in chunk], hours)


class InterruptedLake(Lake):
    """A lake that lets somebody else work at the moment when files were chosen and are about to be read."""

    pending: ClassVar[list[Callable[[], None]]] = []

    def read(self, *args: Any, **options: Any) -> pa.Table:
        """Read a file; the first time, after the other has worked."""
        if self.pending:
            self.pending.pop()()
        return super().read(*args, **options)


def interrupted(pipeline: Pipeline, meanwhile: Callable[[], None]) -> Pipeline:
    InterruptedLake.pending[:] = [meanwhile]
    return replace(pipeline, lake=InterruptedLake(root=pipeline.lake.root))


LATE = predicted(0, first=ROWS, count=12, moved=True)


@pytest.mark.parametrize("measured_by_the_other", [[], [0], [0, 1], [1]])
@pytest.mark.parametrize("hour", [0, 1])
def test_two_runs_at_once_leave_no_stale_hour(
    installation: Installation, tmp_path: Path, hour: int, measured_by_the_other: list[int]
) -> None:
    """One run measures an hour; between its choice of files and their reading, late predictions of hour 0 land."""
    pipeline = pipeline_of(installation)
    events = [e for h in range(3) for e in predicted(h)]
    ingest(installation, predictions=events)
    log(pipeline, range(3))
    measured(pipeline, [2])

    def meanwhile() -> None:
        ingest(installation, predictions=LATE)
        log(pipeline, [0])
        if measured_by_the_other:
            measure_drift(pipeline, Grain.HOUR, starts_of(measured_by_the_other), only_due=True)

    report = measure_drift(interrupted(pipeline, meanwhile), Grain.HOUR, starts_of([hour]))
    assert report.failures == ()
    bring_up_to_date(pipeline, range(3))

    assert end_state(installation) == rebuilt(tmp_path, [*events, *LATE], range(3))


def test_a_follower_that_got_rows_of_its_own_meanwhile_keeps_its_newer_result(
    installation: Installation, tmp_path: Path
) -> None:
    pipeline = pipeline_of(installation)
    events = [e for h in range(3) for e in predicted(h)]
    own = predicted(1, first=ROWS, count=5)
    ingest(installation, predictions=events)
    bring_up_to_date(pipeline, range(3))
    ingest(installation, predictions=LATE)
    log(pipeline, [0])

    def meanwhile() -> None:
        ingest(installation, predictions=own)
        bring_up_to_date(pipeline, [1])

    measure_drift(interrupted(pipeline, meanwhile), Grain.HOUR, starts_of([0]))
    bring_up_to_date(pipeline, range(3))

    assert end_state(installation) == rebuilt(tmp_path, [*events, *LATE, *own], range(3))


def test_sealed_hours_are_looked_back_at_and_keep_their_own_verdicts(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in range(2) for e in predicted(hour)])
    measured(pipeline, [0, 1])
    told = stored(installation, every=True)
    with writing(installation.engine) as connection:
        entry = ledger.entries(connection, "hourly_drift", [START])["delay", START]
        ledger.publish(connection, [replace(entry, dataset="sealed_events")], now=LONG_AFTER)
    ingest(installation, predictions=predicted(2))

    measured(pipeline, [0, 1, 2])

    found = stored(installation, every=True)
    assert [row for row in found if row["window_start"] < START + 2 * HOUR_MICROS] == told
    assert (overall(installation, 2)["window_count"], overall(installation, 2)["n_window"]) == (3, 24)
