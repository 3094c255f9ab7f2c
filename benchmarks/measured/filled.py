"""Stores that are filled straight, without landing: of ten million predictions only the landing would be measured.

The rows are those that ingest would have stored, in the order of time; ids are random, as producers make them, so
the indexes are as deep and their pages as scattered as in a store that has grown.
"""

import json
import random
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from benchmarks.measured.straight import filling
from benchmarks.measured.workload import ORIGINS, SEED, START, open_home
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.events.tables import actuals, hour_revision, predictions
from monitoring_pipeline.windows import HOUR_MICROS, isoformat

TASKS = ("regression", "binary")  # of model-1, model-2
ERROR = {"regression": "mae", "binary": "brier"}

HOURS_PER_INSERT = 50

Event = dict[str, Any]
Rows = list[tuple[Any, ...]]


def write_home(home: str, *, models: int, hours: int) -> None:
    """A folder with a config of two features, one of them a segment, without a reference and so without drift."""
    folder = Path(home)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "start": isoformat(START),
        "end": isoformat(START + hours * HOUR_MICROS),
        "debounce_seconds": 0,
        "models": [
            {
                "id": f"model-{number}",
                "task": task,
                "features": {"distance": "numeric", "origin": {"type": "categorical", "allowed": ORIGINS}},
                "segments": ["origin"],
                "labels": {"expected_delay": "PT1H", "maturity": "PT24H"},
                "rules": [
                    {"id": "error of the hour", "metric": ERROR[task], "above": 1e6, "grain": "hour"},
                    {"id": "error of the day", "metric": ERROR[task], "above": 1e6},
                ],
            }
            for number, task in enumerate(TASKS[:models], start=1)
        ],
    }
    (folder / "monitoring.yaml").write_text(json.dumps(config, indent=1))  # JSON is YAML


def fill(
    home: str, *, models: int, hours: int, rows_per_hour: int, late_hours: Collection[int] = (), late_every: int = 10
) -> dict[int, list[Event]]:
    """Fill the SQLite store of a :func:`write_home` with predictions and their actuals, hour by hour.

    Args:
        home: where the config is.
        models: how many.
        hours: from the start on.
        rows_per_hour: of each model.
        late_hours: numbers of hours some of whose actuals are left for later.
        late_every: of such an hour every so many-th prediction waits for its actual.

    Returns:
        By hour, the events of the actuals that were left out.
    """
    installation = open_home(home, now=START + hours * HOUR_MICROS)  # makes the tables
    rng, held_back, chosen = np.random.default_rng(SEED), dict[int, list[Event]](), set(late_hours)
    with filling(installation.engine) as connection:
        for first in range(0, hours, HOURS_PER_INSERT):
            made: Rows = []
            told: Rows = []
            for hour in range(first, min(first + HOURS_PER_INSERT, hours)):
                for number in range(1, models + 1):
                    of_hour, truth = _hour(number, START + hour * HOUR_MICROS, rows_per_hour, rng)
                    made += of_hour
                    late = slice(0, rows_per_hour if hour in chosen else 0, late_every)
                    held_back.setdefault(hour, []).extend(map(_event, truth[late]))
                    del truth[late]
                    told += truth
            # As ingest does: neighbours of the primary key together.
            bulk.append(connection, predictions, sorted(made))
            bulk.append(connection, actuals, sorted(told))
        _count_revisions(connection, models, hours)
    return {hour: events for hour, events in held_back.items() if events}


def _count_revisions(connection: Connection, models: int, hours: int) -> None:
    """Each hour was touched twice: by its predictions, then by their truth."""
    rows: Rows = [
        (f"model-{number}", START + hour * HOUR_MICROS, 2, 1, START + hours * HOUR_MICROS)
        for number in range(1, models + 1)
        for hour in range(hours)
    ]
    bulk.append(connection, hour_revision, rows)


def _hour(number: int, start: int, row_count: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """One model's predictions of an hour, and their actuals an hour later, as rows of their tables."""
    model_id, written = f"model-{number}", rng.bytes(16 * row_count).hex()
    ids = [written[at : at + 32] for at in range(0, len(written), 32)]
    instants = [start + row * HOUR_MICROS // row_count for row in range(row_count)]
    predicted, proba, actual = _values(TASKS[number - 1], row_count, rng)
    latency = rng.gamma(2, 20, row_count).round(3).tolist()
    distance = rng.normal(50, 20, row_count).round(3).tolist()
    made: Rows = [
        (
            *(model_id, ids[row], at, "v1", "production", predicted[row], None, proba[row], None, None, latency[row]),
            *(None, f'{{"distance":{distance[row]},"origin":"{ORIGINS[row % 3]}"}}', None, at, "filled"),
        )
        for row, at in enumerate(instants)
    ]
    told: Rows = [
        (model_id, ids[row], 1, at, actual[row], None, at, at + HOUR_MICROS, "filled")
        for row, at in enumerate(instants)
    ]
    return made, told


def _values(
    task: str, row_count: int, rng: np.random.Generator
) -> tuple[list[float], list[float] | list[None], list[float]]:
    if task == "regression":
        predicted = rng.normal(50, 20, row_count).round(3)
        return predicted.tolist(), [None] * row_count, (predicted + rng.normal(0, 5, row_count)).tolist()
    proba = rng.random(row_count).round(6)
    actual = (rng.random(row_count) < proba).astype(float)
    return (proba > 0.5).astype(float).tolist(), proba.tolist(), actual.tolist()


def _event(row: tuple[Any, ...]) -> Event:
    model_id, prediction_id, _, at, value, *_ = row
    return {"timestamp": isoformat(at), "model_id": model_id, "prediction_id": prediction_id, "actual_value": value}


def scattered(hours: int, counts: Sequence[int], *, per_day: int) -> list[list[int]]:
    """Sets of hours, no two of them beside each other and no two sets on one day.

    Each set takes ``per_day`` hours, every other one, of days anywhere in the history: equal counts touch equally many
    days, however long the history is.

    Args:
        hours: of the whole history, whole days.
        counts: how many hours each set has.
        per_day: at most 12.
    """
    days = iter(random.Random(SEED).sample(range(hours // 24), hours // 24))
    sets = [
        [24 * day + 2 * step for day in islice(days, -(-count // per_day)) for step in range(per_day)][:count]
        for count in counts
    ]
    assert [len(of_set) for of_set in sets] == list(counts), "the history has enough days"
    return [sorted(of_set) for of_set in sets]
