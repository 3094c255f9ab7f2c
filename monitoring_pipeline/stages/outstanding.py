"""The loop of every stage whose inputs stand in the ledger: some windows at a time, then model by model."""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection

from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.chunks import WINDOWS_PER_CHUNK, chunks
from monitoring_pipeline.stages.isolation import Failures
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport

Entries = Mapping[tuple[str, int], ledger.LedgerEntry]


def compute_outstanding(
    pipeline: Pipeline,
    starts: Collection[int],
    compute: Callable[[str, Sequence[ledger.LedgerEntry]], list[ModelOutcome]],
    *,
    inputs: str,
    outputs: str,
    only_due: bool,
    read: Callable[[Connection, str, Collection[int]], Entries] = ledger.entries,
    chunk_size: int = WINDOWS_PER_CHUNK,
) -> StageReport:
    """Compute the windows of each model, or with ``only_due`` those whose output is behind its input.

    Args:
        pipeline: the installation.
        starts: the windows.
        compute: publishes one model's outputs from its inputs, and says what became of them.
        inputs: the dataset that the stage reads.
        outputs: the dataset that it publishes.
        only_due: leave out windows whose output already stands for the input's revision.
        read: what stands for the inputs of the windows; ``ledger.day_sources`` where days are made of hours.
        chunk_size: windows that are taken together.
    """
    outcomes: list[ModelOutcome] = []
    failures = Failures()
    for chunk in chunks(starts, size=chunk_size):
        with reading(pipeline.engine) as connection:
            sources = read(connection, inputs, chunk)
            standing = ledger.entries(connection, outputs, chunk)
        work = ledger.outstanding(sources, standing, only_due=only_due)
        outcomes += unchanged(standing, work)
        for model_id, of_model in work.items():
            with failures.of(model_id, [source.window_start for source in of_model]):
                outcomes += compute(model_id, of_model)
    return failures.report(outputs, outcomes)


def unchanged(standing: Entries, work: Mapping[str, Sequence[ledger.LedgerEntry]]) -> list[ModelOutcome]:
    """The outcomes of the windows that needed no work."""
    worked = {source.key for sources in work.values() for source in sources}
    return [ModelOutcome.of(entry, OutcomeState.UNCHANGED) for key, entry in standing.items() if key not in worked]
