"""Reading the rows that errors are computed from: from the event store, or from the lake where events were removed."""

from collections.abc import Mapping, Set

from sqlalchemy import Connection

from monitoring_pipeline.events.hour_errors.texts import PART_MICROS
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.answer import Cost
from monitoring_pipeline.stages.live.errors.rows import ErrorRows, sealed_rows, stored_rows
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.windows import Grain, floor

MOST_ROWS_REMEMBERED = 1_000_000  # 25 bytes each

Files = Mapping[int, ledger.LedgerEntry]
"""By hour, the file that holds what the event store no longer does."""


class RowReader:
    """Rows of hours and of their parts; one for each process, used by all its threads.

    Args:
        lake: where the rows of hours are whose events were removed.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._remembered: Recent[ErrorRows] = Recent(most_weight=MOST_ROWS_REMEMBERED)

    def of_part(self, connection: Connection, model_id: str, start: int, *, revision: int, cost: Cost) -> ErrorRows:
        """The rows of one part of an hour at a revision of the hour: remembered, else read."""
        key = (model_id, start)
        found = self._remembered.get(key, revision=revision)
        if found is None:
            files = sealed_files(connection, model_id, {floor(start, Grain.HOUR)})
            found = self.between(connection, model_id, start, start + PART_MICROS, files=files, cost=cost)
            self._remembered.put(key, found, revision=revision, weight=len(found))
        return found

    def between(
        self, connection: Connection, model_id: str, start: int, end: int, *, files: Files, cost: Cost
    ) -> ErrorRows:
        """The rows of ``[start, end)``, which lies within one hour.

        Args:
            connection: a reading transaction.
            model_id: the model.
            start: microseconds UTC.
            end: microseconds UTC.
            files: of the hours whose events were removed.
            cost: grows by what was read.
        """
        entry = files.get(floor(start, Grain.HOUR))
        if entry is None:
            rows = stored_rows(connection, model_id, start, end)
        else:
            rows = sealed_rows(self._lake, entry).between(start, end)
        cost.add(len(rows), rows.byte_count)
        return rows


def sealed_files(connection: Connection, model_id: str, hours: Set[int]) -> Files:
    """The files of those of a model's hours whose events were removed."""
    sealed = {hour for of_model, hour in sealed_hours(connection, hours) if of_model == model_id}
    if not sealed:
        return {}
    files = ledger.entries(connection, joined.DATASET, sealed)
    return {hour: files[model_id, hour] for hour in sealed}
