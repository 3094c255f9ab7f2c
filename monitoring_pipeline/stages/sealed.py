"""Sealed hours: their events are gone, so their hour files are never written again."""

from collections.abc import Sequence

from sqlalchemy import Connection

from monitoring_pipeline.database import writing
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState


def sealed_outcome(entry: ledger.LedgerEntry) -> ModelOutcome:
    """A sealed hour after a stage: what stood still stands."""
    return ModelOutcome.of(entry, OutcomeState.SEALED)


def publish_files(
    pipeline: Pipeline, dataset: str, outputs: Sequence[ledger.LedgerEntry]
) -> dict[tuple[str, int], ledger.LedgerEntry]:
    """Publish hour files, except those of hours that were sealed while the stage was reading their events.

    A file that is published although the seal is not seen here was written from all events: they were read
    before, and a seal that is not committed has removed nothing.

    Returns:
        What stands for the sealed hours, by model and hour; the files of the others stand from now on.
    """
    with writing(pipeline.engine) as connection:
        ledger.serialize(connection, dataset)
        sealed = sealed_hours(connection, [output.window_start for output in outputs])
        written = ledger.not_newer(connection, [output for output in outputs if output.key not in sealed])
        _spare_superseded(pipeline, connection, dataset, written)
        ledger.publish(connection, written, now=pipeline.clock())
        standing = ledger.entries(connection, dataset, [hour for _, hour in sealed])
    return {key: standing[key] for key in sealed}


def _spare_superseded(
    pipeline: Pipeline, connection: Connection, dataset: str, outputs: Sequence[ledger.LedgerEntry]
) -> None:
    """Before the commit: a sweep that no longer sees the old files in the ledger must find them young."""
    standing = ledger.entries(connection, dataset, [output.window_start for output in outputs])
    for output in outputs:
        old = standing.get(output.key)
        if old is not None and old.path is not None and old.path != output.path:
            pipeline.lake.spare(old.path)
