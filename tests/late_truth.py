"""A store that is fed, computed and asked at chosen instants: for tests of truth that arrives late."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from assets.data_quality import SUITES
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.models import Model, MonitoringConfig
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor, isoformat, to_micros
from tests.conftest import FixedClock

Event = dict[str, Any]


class LateTruth:
    """One model ``m`` (a regression unless declared otherwise), with the clock in the test's hand."""

    def __init__(self, engine: Engine, folder: Path, clock: FixedClock, **model: Any) -> None:
        declared = {"id": "m", "task": "regression", "labels": _LABELS, **model}
        self.engine, self.clock = engine, clock
        self.installation = Installation(
            config=MonitoringConfig.model_validate({"models": [declared]}),
            config_file=None,
            home=Home(root=folder / "home").ensure(),
            engine=engine,
            clock=clock,
        )

    @property
    def pipeline(self) -> Pipeline:
        return self.installation.pipeline

    @property
    def model(self) -> Model:
        return self.installation.config.models[0]

    def predict(self, hour: int, *values: float, **fields: Any) -> None:
        """Predictions ``<hour>-<number>`` in an hour that starts at ``hour``, known at once."""
        self._land(
            "predictions",
            [
                {
                    "model_id": "m",
                    "prediction_id": f"{hour}-{number}",
                    "timestamp": isoformat(hour + number),
                    "received_at": isoformat(hour + number),
                    "predicted_value": value,
                    **fields,
                }
                for number, value in enumerate(values)
            ],
        )

    def tell(self, hour: int, actuals: dict[int, float | None], *, at: int) -> None:
        """Truth by the number of the prediction, known at an instant; ``None`` takes it back."""
        said = ({"retracted": True} if value is None else {"actual_value": value} for value in actuals.values())
        self._land(
            "actuals",
            [
                {
                    "model_id": "m",
                    "prediction_id": f"{hour}-{number}",
                    "timestamp": isoformat(at),
                    "received_at": isoformat(at),
                    **what,
                }
                for number, what in zip(actuals, said, strict=True)
            ],
        )

    def compute(self, *hours: int, at: int) -> None:
        """Bring hours and their days up to date at an instant."""
        self.clock.now = at
        log_predictions(self.pipeline, hours, only_due=True)
        join_predictions(self.pipeline, hours, only_due=True)
        check_quality(self.pipeline, hours, suites=SUITES, only_due=True)
        measure_hours(self.pipeline, hours, only_due=True)
        merge_days(self.pipeline, sorted({floor(hour, Grain.DAY) for hour in hours}), only_due=True)

    def _land(self, kind: Any, rows: Sequence[Event]) -> None:
        self.clock.now = max([self.clock.now, *(to_micros(datetime.fromisoformat(row["received_at"])) for row in rows)])
        report = ingest_rows(self.engine, rows, kind=kind, config=self.installation.config, clock=self.clock)
        assert report.rejected == 0, report.samples


_LABELS = {"expected_delay": timedelta(hours=6), "maturity": timedelta(hours=48)}

MONDAY = 1_371_427_200_000_000  # 2013-06-17T00:00:00Z


def hour(day: int, hour_of_day: int = 0) -> int:
    """The start of an hour, days and hours after :data:`MONDAY`."""
    return MONDAY + day * DAY_MICROS + hour_of_day * HOUR_MICROS
