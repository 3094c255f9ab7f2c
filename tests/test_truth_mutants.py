"""The truth test can fail: each mutant breaks one promise about late truth, and some history finds it out.

A mutant is the product with one function replaced. That it dies of a ``DifferenceError`` says that the tables, and
not a crash, gave it away.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, literal_column, select

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.read import PREDICTION_COLUMNS, hour_revisions
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.events.storing import actuals, predictions
from monitoring_pipeline.events.storing.actuals import Told
from monitoring_pipeline.events.tables import predictions as stored_predictions
from monitoring_pipeline.events.truth import Known, Statement, in_order, is_retraction
from monitoring_pipeline.lake.ledger import LedgerEntry
from monitoring_pipeline.performance.mergeable import moments
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.rows import grouping
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.results import write
from monitoring_pipeline.results.write import Row, replace_standing
from monitoring_pipeline.stages import publish
from monitoring_pipeline.stages.measuring import merging, performance_results
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import columns, joined, logged
from tests.truth_machine import history_of, prepared_home
from tests.truth_world import DifferenceError

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, tuple[Mutant, int]] = {}

# A mutant is to be found by the first failing history; which one is the smallest does not matter.
HUNT = settings(
    max_examples=10,
    stateful_step_count=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_home(tmp_path_factory.mktemp("truth"))


def mutant(*, found_by: int = 1) -> Callable[[Mutant], None]:
    """Keep a mutant under its name, with the first seed whose histories find it: some need sixty with another."""

    def keep(change: Mutant) -> None:
        MUTANTS[change.__name__] = change, found_by

    return keep


@mutant()
def overwrites_an_actual(patch: pytest.MonkeyPatch) -> None:
    def overwrite(connection: Connection, table: Table, rows: Sequence[bulk.Row]) -> None:
        last = {row[:2]: (*row[:2], 1, *row[3:]) for row in rows}
        for model_id, prediction_id in last:
            connection.execute(
                delete(table).where(table.c.model_id == model_id, table.c.prediction_id == prediction_id)
            )
        bulk.append(connection, table, list(last.values()))

    patch.setattr(actuals, "bulk", type("Overwriting", (), {"append": staticmethod(overwrite), "Row": bulk.Row}))


@mutant()
def drops_unlabelled_rows(patch: pytest.MonkeyPatch) -> None:
    joined_table = joined._joined_table

    def labelled_only(*arguments: Any) -> pa.Table:
        table = joined_table(*arguments)
        return table.filter(table["actual_received_at"].is_valid())

    patch.setattr(joined, "_joined_table", labelled_only)


@mutant()
def sums_in_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    def as_arrived(connection: Connection, model_id: str, hours: Collection[int]) -> list[tuple[Any, ...]]:
        table = stored_predictions.c
        hour = table.predicted_at - table.predicted_at % 3_600_000_000
        query = select(*(table[name] for name in PREDICTION_COLUMNS)).where(table.model_id == model_id, hour.in_(hours))
        return [tuple(row) for row in connection.execute(query.order_by(literal_column("rowid")))]

    def one_by_one(values: Iterable[float]) -> float:
        return sum(values, 0.0)

    patch.setattr(logged, "predictions_of_hours", as_arrived)
    patch.setattr(columns, "sorted", lambda rows, key=None: sorted(rows) if key is None else rows, raising=False)
    for module in (moments, grouping):
        patch.setattr(module, "exact_sum", one_by_one)


def _with_present_revision(pipeline: Pipeline, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    with reading(pipeline.engine) as connection:
        present = hour_revisions(connection, [entry.window_start for entry in entries])
    revisions = {(found.model_id, found.hour): found.revision for found in present}
    return [replace(entry, revision=revisions[entry.key]) for entry in entries]


@mutant(found_by=6)
def reads_the_revision_after_the_actuals(patch: pytest.MonkeyPatch) -> None:
    write_files = joined._write_files

    def revision_last(pipeline: Pipeline, *arguments: Any) -> list[tuple[LedgerEntry, int]]:
        outputs = write_files(pipeline, *arguments)
        entries = _with_present_revision(pipeline, [entry for entry, _ in outputs])
        return [(entry, labelled) for entry, (_, labelled) in zip(entries, outputs, strict=True)]

    patch.setattr(joined, "_write_files", revision_last)


@mutant(found_by=7)
def reads_the_revision_after_the_predictions(patch: pytest.MonkeyPatch) -> None:
    write_files = logged._write_files

    def revision_last(pipeline: Pipeline, *arguments: Any) -> list[LedgerEntry]:
        return _with_present_revision(pipeline, write_files(pipeline, *arguments))

    patch.setattr(logged, "_write_files", revision_last)


@mutant(found_by=2)
def ignores_retractions(patch: pytest.MonkeyPatch) -> None:
    def without_retractions(copies: Sequence[Known]) -> list[Known]:
        return in_order([known for known in copies if not is_retraction(known)])

    patch.setattr(joined, "in_order", without_retractions)


@mutant()
def ignores_that_a_statement_was_known_earlier(patch: pytest.MonkeyPatch) -> None:
    news = Told.news

    def only_new(told: Told, statement: Statement, received_at: int | None, *, now: int) -> int | None:
        return None if statement in told.known else news(told, statement, received_at, now=now)

    patch.setattr(Told, "news", only_new)


@mutant()
def averages_hours_into_days(patch: pytest.MonkeyPatch) -> None:
    parts_of: list[tuple[Sums, list[Sums]]] = []

    def remembering(parts: list[Sums]) -> Sums:
        parts_of.append((merge(parts), parts))
        return parts_of[-1][0]

    def averaging(sums: Sums) -> list[MetricValue]:
        parts = next((parts for merged, parts in parts_of if merged is sums), [sums])
        results = zip(*map(evaluate, parts), strict=True)
        return [replace(of_hours[-1], value=_average([hour.value for hour in of_hours])) for of_hours in results]

    patch.setattr(merging, "merge", remembering)
    patch.setattr(performance_results, "evaluate", averaging)


def _average(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


@mutant()
def overwrites_results_in_place(patch: pytest.MonkeyPatch) -> None:
    def overwrite(
        connection: Connection,
        table: Table,
        scope: ColumnElement[bool],
        rows: Sequence[Row],
        *,
        key: Sequence[str],
        now: int,
    ) -> int:
        since = connection.scalar(select(func.min(table.c.known_from)).where(scope))
        connection.execute(delete(table).where(scope))
        if rows:
            connection.execute(insert(table), [{**row, "known_from": since or now} for row in rows])
        return len(rows)

    patch.setattr(publish, "replace_standing", overwrite)
    patch.setattr(write, "replace_standing", overwrite)


@mutant()
def writes_results_again_that_did_not_change(patch: pytest.MonkeyPatch) -> None:
    def replace_all(connection: Connection, table: Table, scope: ColumnElement[bool], rows: Any, **how: Any) -> int:
        replace_standing(connection, table, scope, [], **how)
        return replace_standing(connection, table, scope, rows, **how)

    patch.setattr(publish, "replace_standing", replace_all)


@mutant()
def forgets_actuals_that_came_before_their_prediction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(predictions, "_adopt_orphans", lambda *_arguments: ())


@mutant()
def takes_the_last_arrival_for_the_truth(patch: pytest.MonkeyPatch) -> None:
    arrivals = count()

    def in_order_of_arrival(known: Known) -> tuple[int, int, bytes]:
        return next(arrivals), 0, b""

    patch.setattr("monitoring_pipeline.events.truth.rank", in_order_of_arrival)


def hunt(home: Path, *, first_seed: int = 1, seeds: int = 1) -> None:
    """Ten histories of each seed, until one is found in which the tables differ."""
    for number in range(first_seed, first_seed + seeds):
        run_state_machine_as_test(seed(number)(history_of(home)), settings=HUNT)


def test_the_product_itself_is_not_found_out(home: Path) -> None:
    hunt(home)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found_out(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change, found_by = MUTANTS[name]
    change(monkeypatch)

    with pytest.raises(DifferenceError):
        hunt(home, first_seed=found_by, seeds=20)
