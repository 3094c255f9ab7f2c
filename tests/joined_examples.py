"""A store and a lake in which tests join predictions with truth, and what events say of one prediction's truth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, delete

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import adds_up, empty

HOUR = NOON_MICROS - 3 * HOUR_MICROS
MODEL = "m"

Event = Mapping[str, object]


@dataclass(frozen=True)
class Store:
    """Ingests events, joins the hour, and reads its files."""

    pipeline: Pipeline

    @classmethod
    def open(cls, engine: Engine, folder: Path, clock: FixedClock, **model: object) -> "Store":
        """A store on an engine; ``model`` is the declaration of the model, where there is one."""
        models = [{"id": MODEL, **model}] if model else []
        config = MonitoringConfig.model_validate({"models": models})
        return cls(Pipeline(config=config, base=folder, engine=engine, lake=Lake(root=folder / "lake"), clock=clock))

    def declared(self, **model: object) -> "Store":
        """The same store after the model was declared otherwise."""
        config = MonitoringConfig.model_validate({"models": [{"id": MODEL, **model}]})
        return Store(replace(self.pipeline, config=config))

    def put(self, kind: Kind, events: Iterable[Event], *, batch_rows: int = 1_000) -> IngestReport:
        """Land events, none of which may be refused."""
        pipeline = self.pipeline
        report = ingest_rows(
            pipeline.engine, events, kind=kind, config=pipeline.config, clock=pipeline.clock, batch_rows=batch_rows
        )
        assert adds_up(report)
        assert report.rejected == 0, report.samples
        return report

    def join(self, *, only_due: bool = True) -> StageReport:
        """Bring the hour's two files up to date; the report of the second."""
        log_predictions(self.pipeline, [HOUR], only_due=only_due)
        return join_predictions(self.pipeline, [HOUR], only_due=only_due)

    def table(self, dataset: str = "joined_predictions") -> pa.Table | None:
        """The hour's rows; ``None`` if no prediction of it is known."""
        with reading(self.pipeline.engine) as connection:
            entry = ledger.entries(connection, dataset, [HOUR]).get((MODEL, HOUR))
        if entry is None:
            return None
        assert entry.path is not None
        return self.pipeline.lake.read(entry.path, checksum=entry.checksum)

    def joined(self) -> pa.Table:
        """The hour's rows after it was brought up to date."""
        self.join()
        table = self.table()
        assert table is not None
        return table

    def empty(self) -> None:
        """Forget all events and that anything was computed, for the next example of a property test."""
        empty(self.pipeline.engine)
        with writing(self.pipeline.engine) as connection:
            connection.execute(delete(partition_ledger))


def truths(table: pa.Table) -> dict[str, tuple[Any, ...]]:
    """By prediction: value, class, since when it is known, since when any value was, and the history."""
    names = ("actual_value", "actual_class", "actual_received_at", "first_actual_received_at", "truth_history")
    return {row["prediction_id"]: tuple(row[name] for name in names) for row in table.to_pylist()}


def only(events: Iterable[Event], kind: Kind) -> Sequence[Event]:
    """The events of one kind: predictions are those that predict something."""
    return [event for event in events if ("predicted_value" in event) is (kind is Kind.PREDICTIONS)]
