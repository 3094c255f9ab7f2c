"""The door that all sources share: rows and the position behind them are stored in one transaction.

So a crash leaves either both or neither, and what was read twice is recognised as it lands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.pauses import collector_paused
from monitoring_pipeline.events.quarantine import storable_text
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.batches import Batch
from monitoring_pipeline.events.storing.landing import Landing, sort_out
from monitoring_pipeline.events.storing.report import Tally
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.validation.validate import Validator
from monitoring_pipeline.sources.positions import Position, keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Rows of one kind from one place, which the quarantine calls ``name``."""

    kind: Kind
    name: str
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Where sources put what they have read.

    Args:
        engine: the store.
        config: names the declared models and their segments.
        clock: gives the knowledge time of each transaction.
    """

    engine: Engine
    config: MonitoringConfig
    clock: Clock

    def land(self, portions: Sequence[Portion], *, positions: Sequence[Position]) -> list[Tally]:
        """Validate rows, and store them together with where to read on; what became of each portion.

        Raises:
            MonitorError: if the store cannot be used; nothing was stored then.
        """
        with collector_paused():
            validator = Validator(self.config, now=self.clock())
            found = [(self._landing(portion), sort_out(validator, portion.rows, portion.kind)) for portion in portions]
            with writing(self.engine) as connection:
                take_turn(connection)
                now = self.clock()
                for landing, sorted_out in found:
                    landing.land_in(connection, sorted_out, now=now)
                keep(connection, positions, now=now)
        return [landing.tally for landing, _ in found]

    def _landing(self, portion: Portion) -> Landing:
        batch = Batch(batch_id=token_hex(16), kind=portion.kind, source=storable_text(portion.name))
        return Landing(engine=self.engine, config=self.config, clock=self.clock, batch=batch)
