"""From events through the stages to the status of the labels."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assets.data_quality import SUITES
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.labels.status import LabelStatus, label_status
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS, FixedClock

HOUR = NOON_MICROS - DAY_MICROS


@pytest.fixture
def installation(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return Installation(
        config=MonitoringConfig.model_validate({"models": [{"id": "eta", "task": "regression"}]}),
        config_file=None,
        home=Home(root=tmp_path / "home").ensure(),
        engine=sqlite_engine,
        clock=clock,
    )


def put(installation: Installation, kind: Kind, number: int, *, hours_later: float = 0, **event: Any) -> None:
    told = {
        "model_id": "eta",
        "prediction_id": str(number),
        "timestamp": isoformat(HOUR),
        "received_at": isoformat(HOUR + round(hours_later * HOUR_MICROS)),
        **event,
    }
    report = ingest_rows(installation.engine, [told], kind=kind, config=installation.config, clock=installation.clock)
    assert report.accepted == 1, report.samples


def compute(installation: Installation) -> None:
    pipeline = installation.pipeline
    log_predictions(pipeline, [HOUR])
    join_predictions(pipeline, [HOUR])
    check_quality(pipeline, [HOUR], suites=SUITES)
    measure_hours(pipeline, [HOUR])


def status(installation: Installation) -> LabelStatus:
    with reading(installation.engine) as connection:
        return label_status(connection, installation.config, "eta", now=installation.clock())


def test_arrivals_corrections_retractions_and_orphans_are_counted(installation: Installation) -> None:
    for number in range(5):
        put(installation, Kind.PREDICTIONS, number, predicted_value=1.0)
    for number, hours in ((0, 1), (1, 2), (2, 4)):
        put(installation, Kind.ACTUALS, number, actual_value=1.0, hours_later=hours)
    put(installation, Kind.ACTUALS, 1, actual_value=2.0, hours_later=9)
    put(installation, Kind.ACTUALS, 2, retracted=True, hours_later=9)
    put(installation, Kind.ACTUALS, 99, actual_value=1.0, hours_later=3)
    compute(installation)

    found = status(installation)

    [labels] = found.environments
    assert (labels.prediction_count, labels.arrived_count) == (5, 3)
    assert (labels.corrected_count, labels.retracted_count, labels.uncounted_hours) == (1, 1, 0)
    assert (found.orphans.count, found.orphans.oldest_at) == (1, HOUR + 3 * HOUR_MICROS)


def test_the_delay_is_to_the_first_label_and_stands_among_the_metrics(installation: Installation) -> None:
    put(installation, Kind.PREDICTIONS, 0, predicted_value=1.0)
    put(installation, Kind.ACTUALS, 0, actual_value=2.0, hours_later=9)
    put(installation, Kind.ACTUALS, 0, actual_value=1.0, hours_later=2)
    compute(installation)

    metrics = {row["metric"]: row["value"] for row in read_metrics(installation.engine)}

    assert metrics["label_delay_median_seconds"] == pytest.approx(2 * 3600, rel=0.01)
    assert metrics["label_correction_rate"] == 1


def test_an_hour_that_holds_more_labels_than_are_counted_is_named(
    installation: Installation, clock: FixedClock
) -> None:
    put(installation, Kind.PREDICTIONS, 0, predicted_value=1.0)
    compute(installation)
    clock.advance(hours=1)
    put(installation, Kind.ACTUALS, 0, actual_value=1.0, hours_later=24.5)

    before = status(installation)
    compute(installation)
    after = status(installation)

    assert (before.environments[0].uncounted_hours, before.environments[0].arrived_count) == (1, 0)
    assert (after.environments[0].uncounted_hours, after.environments[0].arrived_count) == (0, 1)
