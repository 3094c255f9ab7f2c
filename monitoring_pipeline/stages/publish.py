"""Publishing result rows: the rows and their ledger entries in one transaction, never older over newer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_

from monitoring_pipeline.database import writing
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.knowledge import knowledge_time
from monitoring_pipeline.results.write import Row, checksum_of, replace_standing
from monitoring_pipeline.stages.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSet:
    """One model's results of some windows, complete.

    Args:
        dataset: the name in the ledger.
        model_id: the model.
        table: the result table.
        key: what identifies a standing row in the whole table: a row is closed by it, and two models' rows, or an
            hour's and its day's, may be alike in all else.
        scope: a further condition on the table's rows that these results replace (a grain, a dataset).
        revisions: the input revision that each window's results stand for.
        rows: each window's rows; a window without rows has none, and loses those that stood.
    """

    dataset: str
    model_id: str
    table: Table
    key: Sequence[str]
    scope: ColumnElement[bool]
    revisions: Mapping[int, int]
    rows: Mapping[int, Sequence[Row]]

    def ledger_entries(self) -> list[ledger.LedgerEntry]:
        """One entry per window."""
        return [
            ledger.LedgerEntry(
                dataset=self.dataset,
                model_id=self.model_id,
                window_start=window,
                revision=revision,
                checksum=checksum_of(self.rows.get(window, ())),
                row_count=len(self.rows.get(window, ())),
            )
            for window, revision in self.revisions.items()
        ]


def publish_results(
    pipeline: Pipeline, results: ResultSet, *, also: Callable[[Connection, list[int], int], None] | None = None
) -> list[ledger.LedgerEntry]:
    """Make the results the standing ones.

    Args:
        pipeline: where to.
        results: what stands from now on.
        also: writes more in the same transaction; gets the windows that are really published, and the instant at
            which they become known.

    Returns:
        The ledger entries of the published windows; a window that someone else has meanwhile published from a
        later revision is left as it is.
    """
    with writing(pipeline.engine) as connection:
        ledger.serialize(connection, results.dataset)
        now = knowledge_time(connection, results.dataset, clock=pipeline.clock)
        outputs = ledger.not_newer(connection, results.ledger_entries())
        windows = [output.window_start for output in outputs]
        if also is not None:
            also(connection, windows, now)
        columns = results.table.c
        scope = and_(columns.model_id == results.model_id, columns.window_start.in_(windows), results.scope)
        rows = [row for window in windows for row in results.rows.get(window, ())]
        replace_standing(connection, results.table, scope, rows, key=results.key, now=now)
        ledger.publish(connection, outputs, now=now)
    return outputs
