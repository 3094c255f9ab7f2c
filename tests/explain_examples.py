"""A model whose errors are known row by row, with the sums of its hours stored as the pipeline stores them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import Engine, insert

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.groups import PERFORMANCE, group_rows
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS

MONDAY = 1_371_427_200_000_000  # 2013-06-17T00:00:00Z
NEXT_MONDAY = MONDAY + 7 * DAY_MICROS

CONFIG = """\
models:
  - id: delay
    task: regression
    segments: [carrier, origin, [carrier, origin]]
"""


@dataclass(frozen=True, kw_only=True)
class Flight:
    """A prediction of 0 whose truth is ``-error``, or unknown."""

    hour: int
    error: float | None
    carrier: str | None = "UA"
    origin: str = "JFK"
    version: str = "1"
    environment: str = "production"


def installed(home: Path) -> Installation:
    """An installation under the working directory, opened by the rules of the commands."""
    (home / "monitoring.yaml").write_text(CONFIG)
    return open_installation()


def store(engine: Engine, model: Model, flights: Sequence[Flight], *, splits: Sequence[Sequence[str]]) -> None:
    """Store the sums of the flights' hours, whole and by each of the splits."""
    table = pa.table(
        {
            "model_version": [flight.version for flight in flights],
            "environment": [flight.environment for flight in flights],
            "s.carrier": pa.array([flight.carrier for flight in flights], type=pa.string()),
            "s.origin": [flight.origin for flight in flights],
        }
    )
    hours = np.array([flight.hour for flight in flights], dtype=np.int64)
    actual = [np.nan if flight.error is None else -flight.error for flight in flights]
    rows = []
    [performance] = [family for family in families(model) if family.name == PERFORMANCE]
    for split in [(), *splits]:
        groups = group_rows(table, hours, segment_columns=[f"s.{name}" for name in split])
        sums = regression_sums(
            groups.codes, len(groups.keys), predicted=np.zeros(len(flights)), actual=actual, quantile=0.5
        )
        rows += [
            {
                "model_id": model.id,
                "window_start": key.window_start,
                "model_version": key.model_version,
                "environment": key.environment,
                "segment": key.segment,
                "family": PERFORMANCE,
                "prediction_count": found.prediction_count,
                "labelled_count": found.labelled_count,
                "measured_as": performance.measured_as,
                "sums": orjson.dumps(found.to_dict()).decode(),
                "known_from": 1,
            }
            for key, found in zip(groups.keys, sums, strict=True)
        ]
    with writing(engine) as connection:
        connection.execute(insert(performance_sums), rows)


def means_by(flights: Sequence[Flight], field: str) -> dict[str, float]:
    """Mean absolute error by the value of a field."""
    errors = defaultdict(list)
    for flight in flights:
        if flight.error is not None:
            errors[str(getattr(flight, field))].append(abs(flight.error))
    return {value: float(np.mean(found)) for value, found in errors.items()}


def two_mondays() -> list[Flight]:
    """Ten flights an hour on two Mondays; on the second, United from Newark is 30 minutes worse."""
    rng = np.random.default_rng(11)
    flights = []
    for day in (MONDAY, NEXT_MONDAY):
        for hour in range(24):
            for _ in range(10):
                carrier, origin = str(rng.choice(["AA", "DL", "UA"])), str(rng.choice(["EWR", "JFK"]))
                worse = 30 if (day, carrier, origin) == (NEXT_MONDAY, "UA", "EWR") else 0
                error = None if rng.random() < 0.05 else float(rng.exponential(8) + worse)
                flights.append(Flight(hour=day + hour * HOUR_MICROS, error=error, carrier=carrier, origin=origin))
    return flights
