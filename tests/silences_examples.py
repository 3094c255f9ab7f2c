"""Silences as tests make them."""

from sqlalchemy import Engine

from monitoring_pipeline.alerts.handling.silences import Silence, Subject, create_silence
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import FixedClock

MODEL = Subject(model_id="flight_delay")


def silence(engine: Engine, clock: FixedClock, subject: Subject = MODEL, *, hours: float = 1) -> Silence:
    ends_at = clock() + round(hours * HOUR_MICROS)
    return create_silence(engine, subject, ends_at=ends_at, reason="planned work", by="ana", clock=clock)
