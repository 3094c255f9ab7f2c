"""Simulated label pipelines: predictions over weeks, and when each one's truth becomes known."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Engine, insert

from monitoring_pipeline.database import writing
from monitoring_pipeline.performance.labels.history import DelayHistory, HourDelays
from monitoring_pipeline.performance.labels.rows import label_sums
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.labels.history import delay_cells
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS

MONDAY = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z

Floats = npt.NDArray[np.float64]
Delivery = Callable[[np.random.Generator, Floats], Floats]
"""From instants of prediction to instants of knowledge, both in seconds since Monday; inf: never."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Predictions and the knowledge of their truth, in seconds since Monday."""

    made: Floats
    known: Floats

    @classmethod
    def of(cls, delivery: Delivery, *, days: int = 45, per_hour: float = 20, seed: int = 0) -> Self:
        rng = np.random.default_rng(seed)
        hours = np.arange(days * 24)
        daily = 1 + 0.8 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)  # busy in the afternoon, quiet at night
        made = np.repeat(hours * 3600.0, rng.poisson(per_hour * daily))
        made = np.sort(made + rng.random(len(made)) * 3600)
        return cls(made=made, known=delivery(rng, made))

    def stopped_at(self, hours: float) -> "World":
        """No label comes after that, ever."""
        return replace(self, known=np.where(self.known > hours * 3600, np.inf, self.known))

    def slower_since(self, hours: float, *, times: float) -> "World":
        """The truth of what is predicted from then on takes so many times as long."""
        slow = self.made + (self.known - self.made) * times
        return replace(self, known=np.where(self.made >= hours * 3600, slow, self.known))

    def sums_at(self, hours: float, *, days: int = 30) -> dict[int, LabelSums]:
        """The label sums of the past hours as they were known so many hours after Monday, by start of hour."""
        since = max(hours - 24 * days, 0) // 1 * 3600
        past = (self.made >= since) & (self.made < hours // 1 * 3600)
        starts, codes = np.unique(self.made[past] // 3600, return_inverse=True)
        known = self.known[past]
        sums = label_sums(
            codes,
            len(starts),
            predicted_at=instants(self.made[past]),
            first_known_at=np.where(known <= hours * 3600, instants(np.minimum(known, 1e9)), -1),
            corrected=np.zeros(len(known)),
            retracted=np.zeros(len(known)),
        )
        return {MONDAY + int(start) * HOUR_MICROS: value for start, value in zip(starts, sums, strict=True)}

    def history_at(self, hours: float) -> DelayHistory:
        at = instant(hours)
        return DelayHistory.of(
            hour_delays(start, sums, observed_until=at) for start, sums in self.sums_at(hours).items()
        )


def hour_delays(start: int, sums: LabelSums, *, observed_until: int) -> HourDelays:
    return HourDelays(
        window_start=start,
        prediction_count=sums.prediction_count,
        delays=delay_cells(sums.delay_seconds),
        observed_until=observed_until,
    )


def instants(seconds: Floats) -> npt.NDArray[np.int64]:
    return MONDAY + (seconds * SECOND_MICROS).astype(np.int64)


def instant(hours: float) -> int:
    """So many hours after Monday, microseconds UTC."""
    return MONDAY + round(hours * HOUR_MICROS)


def one_by_one(mean_hours: float, *, coverage: float = 1.0) -> Delivery:
    """Exponential delays; a share of the labels never comes."""

    def deliver(rng: np.random.Generator, made: Floats) -> Floats:
        known = made + rng.exponential(mean_hours * 3600, len(made))
        return np.where(rng.random(len(made)) < coverage, known, np.inf)

    return deliver


def batches(*, jitter_hours: float = 0.5, rest_at_weekends: bool = False, after_days: int = 0) -> Delivery:
    """All labels come at once at six in the morning, more or less."""

    def deliver(rng: np.random.Generator, made: Floats) -> Floats:
        days = np.arange(int(made.max() // 86_400) + 12)
        runs = days * 86_400 + 6 * 3600 + rng.normal(0, jitter_hours * 3600, len(days))
        runs = np.sort(runs[days % 7 < 5] if rest_at_weekends else runs)
        return runs[np.searchsorted(runs, made + after_days * 86_400)]

    return deliver


def not_at_night(mean_hours: float) -> Delivery:
    """Exponential delays, but what would come before seven in the morning comes just after."""

    def deliver(rng: np.random.Generator, made: Floats) -> Floats:
        known = made + rng.exponential(mean_hours * 3600, len(made))
        seven = known // 86_400 * 86_400 + 7 * 3600
        return np.where(known < seven, seven + rng.random(len(made)) * 600, known)

    return deliver


def store(engine: Engine, sums: Iterable[tuple[int, LabelSums]], *, known_from: int, **changes: Any) -> None:
    """Make these the standing label sums of a model's hours."""
    rows = [
        {
            "model_id": "eta",
            "window_start": start,
            "model_version": "1",
            "environment": "production",
            "segment": "all",
            "family": "labels",
            "prediction_count": value.prediction_count,
            "labelled_count": value.labelled_count,
            "measured_as": "labels",
            "sums": orjson.dumps(value.to_dict()).decode(),
            "known_from": known_from,
            "known_to": None,
            **changes,
        }
        for start, value in sums
    ]
    with writing(engine) as connection:
        connection.execute(insert(performance_sums), rows)
