"""Hours whose events were removed answer as they did before."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete

from monitoring_pipeline.database import writing
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.detail_rows import DetailRow
from monitoring_pipeline.stages.live.details import prediction_details
from monitoring_pipeline.stages.live.errors.live_errors import LiveErrors
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.retention import remove_past_retention
from monitoring_pipeline.windows import HOUR_MICROS
from tests.pipeline_examples import START
from tests.retention_examples import compute, filled, sealed_after

MODELS = ("delay", "late", "shadow")
STRETCHES = [Stretch(0), Stretch(START + HOUR_MICROS // 3), Stretch(START + HOUR_MICROS // 2, START + 2 * HOUR_MICROS)]


def _live(installation: Installation) -> Live:
    return Live.of(installation.engine, lake=Lake(root=installation.home.lake), clock=installation.clock)


def _errors(installation: Installation) -> list[Any]:
    errors = LiveErrors(installation.engine, lake=Lake(root=installation.home.lake))
    return [errors.of(model, STRETCHES, which=lambda _: True).groups for model in MODELS]


def _details(installation: Installation, model: str, stretch: Stretch) -> list[DetailRow]:
    live = _live(installation)
    known = {group for groups in live.errors.of(model, [stretch], which=lambda _: True).groups for group in groups}
    return [
        row
        for version, environment in sorted(known)
        for row in prediction_details(
            live, model_id=model, model_version=version, environment=environment, stretch=stretch, limit=1_000
        ).rows
    ]


def test_errors_and_details_of_sealed_hours_stand(engine: Engine, tmp_path: Path) -> None:
    installation = filled(tmp_path, engine.url.render_as_string(hide_password=False), sealed_after(hours=2))
    compute(installation)
    errors = _errors(installation)
    details = [_details(installation, model, stretch) for model in MODELS for stretch in STRETCHES]

    removed = remove_past_retention(installation.pipeline)

    assert removed is not None
    assert removed.events.sealed_hours == 2 * len(MODELS)
    assert any(errors)
    assert _errors(installation) == errors
    with writing(installation.engine) as connection:
        connection.execute(delete(hour_errors))
    assert _errors(installation) == errors  # from the files
    again = [_details(installation, model, stretch) for model in MODELS for stretch in STRETCHES]
    assert [_told(rows) for rows in again] == [_told(rows) for rows in details]
    assert sum(map(len, details)) > 0


def _told(rows: list[DetailRow]) -> list[tuple[object, ...]]:
    """All but the features, which a file holds as columns, typed as the model declares."""
    return [tuple(getattr(row, name) for name in DetailRow.__slots__ if name != "features") for row in rows]
