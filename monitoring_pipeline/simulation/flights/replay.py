"""Four stormy weeks, day by day, as the files a team would hand to ``monitor ingest``.

17 June to 14 July 2013 is the run of four Monday weeks in June and July with the longest mean arrival
delay (21 minutes; the year's is 7). It holds the year's worst summer storms (24 June to 1 July, 7 to 10
July: up to 14 % of a day's flights never arrived) and quiet days between them (20 to 22 June, 4 to 6 July).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from monitoring_pipeline.simulation.flights.data import FEATURES
from monitoring_pipeline.simulation.flights.train import (
    DELAY_MODEL_ID,
    LATE_MINUTES,
    LATE_MODEL_ID,
    LATE_THRESHOLD,
    MODEL_VERSION,
    FlightModels,
)
from monitoring_pipeline.windows import to_micros

REPLAY_START = datetime(2013, 6, 17, tzinfo=UTC)
REPLAY_END = datetime(2013, 7, 15, tzinfo=UTC)

PREDICTION_DELAY = timedelta(seconds=1)  # from scheduled departure until the monitor knows the prediction
LANDING_REPORT_DELAY = timedelta(minutes=1)  # from the landing until the monitor knows the truth
# The day's work starts when everything that landed in it is known.
DAY_CLOSES_AFTER = timedelta(minutes=5)

ENVIRONMENT = "production"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDay:
    """One simulated UTC day: its files and the instant at which the day's work is done."""

    day: date
    now: int  # microseconds UTC, shortly after the day's end
    files: tuple[Path, ...]  # predictions first, so that no actual is an orphan
    prediction_count: int
    actual_count: int


def replay(flights: pd.DataFrame, models: FlightModels, folder: Path) -> Iterator[ReplayDay]:
    """Write each day's files as it comes: 28 days, and the one after, when the last flights land.

    A day's ``predictions-….ndjson`` holds both models' predictions for the departures scheduled in it,
    ``actuals-….ndjson`` the truth of the flights that landed in it, wherever in time they departed. Cancelled
    and diverted flights have no actual. The same input gives the same bytes.

    Args:
        flights: from :func:`~monitoring_pipeline.simulation.flights.data.load_flights`.
        models: from :func:`~monitoring_pipeline.simulation.flights.train.train`.
        folder: where the files go; it is created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    replayed = predicted_flights(flights, models)
    departure_day = replayed["departs_at"].dt.date
    landing_day = replayed["landed_at"].dt.date
    for day in sorted({*departure_day, *landing_day.dropna()}):
        predictions = list(prediction_events(replayed[departure_day == day]))
        actuals = list(actual_events(replayed[landing_day == day]))
        files = [
            _write(folder / f"{kind}-{day}.ndjson", events)
            for kind, events in (("predictions", predictions), ("actuals", actuals))
            if events
        ]
        yield ReplayDay(
            day=day,
            now=_day_closes(day),
            files=tuple(files),
            prediction_count=len(predictions),
            actual_count=len(actuals),
        )


def predicted_flights(flights: pd.DataFrame, models: FlightModels) -> pd.DataFrame:
    """The flights of the four weeks with what both models said about them."""
    chosen = flights[(flights["departs_at"] >= REPLAY_START) & (flights["departs_at"] < REPLAY_END)]
    return chosen.assign(
        predicted_minutes=models.delay_minutes(chosen),
        late_probability=models.late_probability(chosen),
    )


def prediction_events(flights: pd.DataFrame) -> Iterator[Event]:
    """Both models' predictions for each flight, made at scheduled departure."""
    features = flights[list(FEATURES)].astype(object)
    features = features.where(features.notna(), None)  # a reading that was not taken is null in JSON
    for flight, known in zip(_records(flights), _records(features), strict=True):
        departs_at, probability = flight["departs_at"], flight["late_probability"]
        common = {
            "timestamp": _iso(departs_at),
            "prediction_id": flight["prediction_id"],
            "entity_id": flight["entity_id"],
            "model_version": MODEL_VERSION,
            "environment": ENVIRONMENT,
            "features": known,
            "received_at": _iso(departs_at + PREDICTION_DELAY),
        }
        says_late = int(probability >= LATE_THRESHOLD)
        yield {"model_id": DELAY_MODEL_ID, **common, "predicted_value": flight["predicted_minutes"]}
        yield {"model_id": LATE_MODEL_ID, **common, "predicted_value": says_late, "prediction_proba": probability}


def actual_events(flights: pd.DataFrame) -> Iterator[Event]:
    """Both models' truth for each flight that landed, in order of landing."""
    for flight in _records(flights.sort_values(["landed_at", "prediction_id"])):
        landed_at, minutes = flight["landed_at"], flight["arrival_delay_minutes"]
        common = {
            "timestamp": _iso(landed_at),
            "prediction_id": flight["prediction_id"],
            "received_at": _iso(landed_at + LANDING_REPORT_DELAY),
        }
        yield {"model_id": DELAY_MODEL_ID, **common, "actual_value": minutes}
        yield {"model_id": LATE_MODEL_ID, **common, "actual_value": int(minutes > LATE_MINUTES)}


def _records(frame: pd.DataFrame) -> list[Event]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _write(path: Path, events: list[Event]) -> Path:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
    return path


def _iso(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _day_closes(day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return to_micros(midnight + timedelta(days=1) + DAY_CLOSES_AFTER)
