"""What the answers of this moment are made from."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.errors.live_errors import LiveErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One for each process: what it remembers is shared by all its threads.

    Args:
        engine: the store.
        lake: where the rows of hours are whose events were removed.
        clock: what time it is.
        errors: errors of any stretch of time.
    """

    engine: Engine
    lake: Lake
    clock: Clock
    errors: LiveErrors

    @classmethod
    def of(cls, engine: Engine, *, lake: Lake, clock: Clock) -> Self:
        """The answers of a store."""
        return cls(engine=engine, lake=lake, clock=clock, errors=LiveErrors(engine, lake=lake))
