"""Details that are asked for while retention removes the events that they are about."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.details import prediction_details
from monitoring_pipeline.stages.live.errors.live_errors import LiveErrors
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.retention import remove_past_retention
from tests.retention_examples import compute, filled, sealed_after

MODEL = "delay"


def test_rows_that_retention_removes_while_they_are_looked_for_are_told_all_the_same(
    engine: Engine, tmp_path: Path
) -> None:
    here = filled(tmp_path, engine.url.render_as_string(hide_password=False), sealed_after(hours=2))
    compute(here)
    lake = Lake(root=here.home.lake)

    class WithRetention(LiveErrors):
        """Once the hours are found, retention removes events of some of them."""

        def newest_hours(self, *asked: Any, **narrowed: Any) -> list[int]:
            found = super().newest_hours(*asked, **narrowed)
            removed = remove_past_retention(here.pipeline)
            assert removed is not None
            assert removed.events.sealed_hours > 0
            return found

    before = _ids(here, LiveErrors(here.engine, lake=lake))
    meanwhile = _ids(here, WithRetention(here.engine, lake=lake))

    assert len(before) > 0
    assert meanwhile == before


def _ids(here: Installation, errors: LiveErrors) -> list[str]:
    live = Live(engine=here.engine, lake=Lake(root=here.home.lake), clock=here.clock, errors=errors)
    [groups] = errors.of(MODEL, [Stretch(0)], which=lambda _: True).groups
    version, environment = max(groups, key=lambda group: groups[group].prediction_count)
    told = prediction_details(live, model_id=MODEL, model_version=version, environment=environment, limit=1_000)
    return [row.prediction_id for row in told.rows]
