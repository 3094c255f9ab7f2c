"""The histories of the truth tests: what may happen to an installation, step by step, in any order."""

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.truth_world import (
    CONFIG,
    DAYS,
    HOURS,
    OBSERVED,
    OUTCOMES,
    PREDICTIONS,
    RECEIVED,
    Batch,
    Event,
    Moment,
    World,
    a_prediction,
    an_actual,
)

SECOND = 1_000_000

INDEX = st.integers(0, len(PREDICTIONS) - 1)
OUTCOME = st.integers(0, len(OUTCOMES["delay"]) - 1)
VALUE = st.integers(0, len(OUTCOMES["delay"]) - 2)
STAMPS = {"observed": st.integers(0, len(OBSERVED) - 1), "received": st.integers(0, len(RECEIVED) - 1)}
RARELY, MOSTLY = st.sampled_from([False, False, False, True]), st.sampled_from([True, True, False])
BATCH_ROWS = st.sampled_from([1, 2, 10_000])

PLAIN = st.builds(a_prediction, INDEX)
ANY_PREDICTION = st.one_of(
    PLAIN,
    st.builds(a_prediction, INDEX, contradicts=st.booleans(), outcome=st.none() | VALUE, live=st.booleans()),
)
ANY_ACTUAL = st.builds(an_actual, INDEX, OUTCOME, STAMPS["observed"], STAMPS["received"])
FIRST_PREDICTIONS = st.lists(INDEX, min_size=4, max_size=len(PREDICTIONS), unique=True).map(
    lambda indices: [a_prediction(index) for index in indices]
)


@st.composite
def _about_one(draw: st.DrawFn) -> list[Event]:
    """Several statements about one prediction: corrections, retractions, and copies that were known at other times."""
    index = draw(INDEX)
    outcomes = draw(st.lists(OUTCOME, min_size=1, max_size=2))
    observed = draw(STAMPS["observed"])
    statement = st.builds(
        an_actual, st.just(index), st.sampled_from(outcomes), st.just(observed) | STAMPS["observed"], STAMPS["received"]
    )
    return draw(st.lists(statement, min_size=2, max_size=5))


@st.composite
def _with_duplicates(draw: st.DrawFn, events: st.SearchStrategy[Event]) -> list[Event]:
    found = draw(st.lists(events, min_size=1, max_size=8))
    return [*found, *draw(st.lists(st.sampled_from(found), max_size=3))]


PREDICTION_BATCH = st.builds(Batch, st.just("predictions"), _with_duplicates(ANY_PREDICTION), BATCH_ROWS)
ACTUAL_BATCH = st.builds(Batch, st.just("actuals"), _with_duplicates(ANY_ACTUAL) | _about_one(), BATCH_ROWS)
ANY_BATCH = PREDICTION_BATCH | ACTUAL_BATCH

# One hour, or the range between two.
RANGE = st.tuples(st.integers(0, len(HOURS) - 1), st.integers(0, len(HOURS) - 1)).map(
    lambda ends: HOURS[min(ends) : max(ends) + 1]
)
READ_TABLES = st.sampled_from(["actuals", "predictions", "hour_revision", "partition_ledger", "performance_sums"])
MOMENTS = st.builds(Moment, READ_TABLES, nth=st.integers(1, 3), is_after=st.booleans())


def prepared_home(folder: Path) -> Path:
    """An installation with an empty store, to be copied for each history."""
    (folder / "monitoring.yaml").write_text(CONFIG)
    World(folder=folder).close()
    return folder


def history_of(home: Path, *, models: Collection[str] = ("delay", "late")) -> type["TruthMachine"]:
    """The machine whose histories each begin with a copy of ``home``; events of other models are left out."""

    class HistoryOf(TruthMachine):
        def __init__(self) -> None:
            super().__init__(home, models)

    return HistoryOf


def _scratch_folder() -> Path:
    """A folder in memory where there is one: nothing here survives a power cut of the machine, and syncs would rule."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="truth-", dir=memory if memory.is_dir() else None))


class TruthMachine(RuleBasedStateMachine):
    """One installation's history; at its end, everything is brought up to date and held against the oracle."""

    def __init__(self, home: Path, models: Collection[str]) -> None:
        super().__init__()
        self._models = models
        self._folder = _scratch_folder()
        shutil.copytree(home, self._folder, dirs_exist_ok=True)
        self.world = World(folder=self._folder)
        self.arrived: list[Batch] = []
        self.is_run_again = False

    def teardown(self) -> None:
        try:
            self.world.move_clock(SECOND)
            self.world.compare()
            if self.is_run_again:
                self.world.compare_rerun()
            self.world.compare_with_the_past()
        finally:
            self.world.close()
            shutil.rmtree(self._folder)

    @initialize(first=FIRST_PREDICTIONS, truth=ACTUAL_BATCH, is_run=st.booleans(), is_run_again=RARELY)
    def begins(self, first: list[Event], truth: Batch, is_run: bool, is_run_again: bool) -> None:
        self.is_run_again = is_run_again
        self._ingest(Batch("predictions", first))
        self._ingest(truth)
        if is_run:
            self.world.run_all_due()

    @rule(batch=PREDICTION_BATCH)
    def predictions_arrive(self, batch: Batch) -> None:
        self._ingest(batch)

    @rule(batch=ACTUAL_BATCH)
    def actuals_arrive(self, batch: Batch) -> None:
        self._ingest(batch)

    @rule(data=st.data(), rows=BATCH_ROWS)
    def a_batch_is_sent_again(self, data: st.DataObject, rows: int) -> None:
        again = data.draw(st.sampled_from(self.arrived))
        events = data.draw(st.permutations(again.events)) if again.kind == "actuals" else again.events
        self.world.ingest(Batch(again.kind, events, rows))

    @rule(batch=ANY_BATCH, dies_at=st.integers(0, 12))
    def the_process_dies_while_a_batch_lands(self, batch: Batch, dies_at: int) -> None:
        self.world.ingest_twice(self._arriving(batch), dies_at=dies_at)

    @rule(hours=RANGE, only_due=MOSTLY, stages=st.integers(1, 5))
    def hours_are_run(self, hours: tuple[int, ...], only_due: bool, stages: int) -> None:
        self.world.run(hours, only_due=only_due, stages=stages)

    @rule(days=st.sampled_from([DAYS, DAYS[:1], DAYS[1:]]), only_due=MOSTLY)
    def days_are_run(self, days: tuple[int, ...], only_due: bool) -> None:
        self.world.run_days(days, only_due=only_due)

    @rule(hours=RANGE, only_due=MOSTLY, dies_at=st.integers(0, 60))
    def a_run_dies(self, hours: tuple[int, ...], only_due: bool, dies_at: int) -> None:
        self.world.run_and_die(hours, only_due=only_due, dies_at=dies_at)

    @rule(hours=RANGE, only_due=MOSTLY, batch=ANY_BATCH, moment=MOMENTS)
    def a_batch_lands_in_the_middle_of_a_run(
        self, hours: tuple[int, ...], only_due: bool, batch: Batch, moment: Moment
    ) -> None:
        self.world.run_disturbed(hours, only_due=only_due, batch=self._arriving(batch), moment=moment)

    @rule(seconds=st.sampled_from([-20, 1, 7, 30]), is_new_process=st.booleans())
    def time_passes(self, seconds: int, is_new_process: bool) -> None:
        if is_new_process:
            self.world.restart()
        self.world.move_clock(seconds * SECOND)

    @rule(ago=st.sampled_from([0, 1, 7 * SECOND]))
    def somebody_asks_what_is_or_was_known(self, ago: int) -> None:
        self.world.ask(self.world.now - ago)

    @rule(asks=st.booleans())
    def everything_due_is_run(self, asks: bool) -> None:
        self.world.run_all_due()
        if asks:
            self.world.ask(self.world.now)

    def _ingest(self, batch: Batch) -> None:
        self.world.ingest(self._arriving(batch))

    def _arriving(self, batch: Batch) -> Batch:
        events = [event for event in batch.events if event["model_id"] in self._models]
        self.arrived.append(replace(batch, events=events))
        return self.arrived[-1]
