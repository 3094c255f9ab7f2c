"""What the monitor said of a year of hours at a past instant, with every hour revised several times."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import Connection, Engine, Table, event, insert, text

from benchmarks.measured.stores import open_store
from benchmarks.measured.workload import SEED, START
from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.lake.tables import knowledge
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.results.as_of import PUBLISHED_BY
from monitoring_pipeline.results.read import ResultRow, read_metrics
from monitoring_pipeline.results.tables import metrics, performance_sums
from monitoring_pipeline.results.write import checksum_of
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.measure import grouped_sums
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, Period

MODEL = Model(id="model-1", task=Task.REGRESSION)
GROUP = (MODEL.id, "v1", "production", "all")

# When each revision of an hour became known, after the hour's end: young hours still have their first.
KNOWN_AFTER_DAYS = (0, 1, 7, 60)

# Hours are given the sums of these many real ones in turn.
SAMPLES = 8
ROWS_OF_HOUR = 1_400

HOURS_PER_INSERT = 250

Rows = list[tuple[Any, ...]]
Question = Callable[[], list[ResultRow]]


def fill(database: str, folder: str, hours: int) -> dict[str, Any]:
    """All revisions of the metrics and sums of a history of hours, as the stages would have left them."""
    samples = [_sums(sample) for sample in range(SAMPLES)]
    told = [[row for sums in sample.items() for row in _metric_rows(*sums)] for sample in samples]
    kept = [[_sums_row(*sums) for sums in sample.items()] for sample in samples]
    counts: Counter[str] = Counter()
    with open_store(database, folder) as engine, writing(engine) as connection:
        for first in range(0, hours, HOURS_PER_INSERT):
            held = list(_revisions(range(first, min(first + HOURS_PER_INSERT, hours))))
            rows: dict[Table, Rows] = {
                metrics: [(*GROUP, "hour", at, *row, *known) for at, s, known in held for row in told[s]],
                performance_sums: [
                    (GROUP[0], at, *GROUP[1:], *row, *known) for at, s, known in held for row in kept[s]
                ],
            }
            for table, of_table in rows.items():
                bulk.append(connection, table, of_table)
                counts[table.name] += len(of_table)
        last = [{"dataset": name, "known_at": _now(hours) - 1} for name in PUBLISHED_BY[metrics]]
        connection.execute(insert(knowledge), last)
    if database == "PostgreSQL":  # which does this itself after a while
        with open_store(database, folder) as engine, reading(engine) as connection:
            connection.execute(text("ANALYZE"))
    return {"rows": counts}


def ask(database: str, folder: str, hours: int, runs: int) -> dict[str, Any]:
    """Milliseconds of each question, as of a past instant and without one, and the plans that the database took."""
    milliseconds: dict[str, dict[str, list[float]]] = {}
    plans: dict[str, str] = {}
    with open_store(database, folder) as engine:
        now = _now(hours)
        pipeline = Pipeline(
            config=MonitoringConfig(models=[MODEL]),
            base=Path(folder),
            engine=engine,
            lake=Lake(root=Path(folder)),
            clock=lambda: now,
        )
        for name, (start, end) in _spans(hours).items():
            # Of the youngest hours the first revision was known by then, of others a later one.
            instants = {"as of": end + DAY_MICROS // 2, "what stands": None}
            questions = {way: _of_hours(engine, start, end, as_of, now) for way, as_of in instants.items()}
            for way, as_of in instants.items():
                _check_hours(questions[way](), start, end, now if as_of is None else as_of)
                plans[f"{name}, {way}"] = _plan(engine, questions[way])
            milliseconds[name] = _times(questions, runs)
        for period in (Period.WEEK, Period.ALL):
            instants = {"as of": _end(hours) + DAY_MICROS // 2, "what stands": None}
            questions = {way: _of_periods(pipeline, period, as_of) for way, as_of in instants.items()}
            for question in questions.values():
                counts = [row["prediction_count"] for row in question() if row["metric"] == "mae"]
                assert sum(counts) == hours * ROWS_OF_HOUR
            milliseconds[f"all hours by {period}"] = _times(questions, 1)
    return {"milliseconds": milliseconds, "plans": plans}


def _end(hours: int) -> int:
    return START + hours * HOUR_MICROS


def _now(hours: int) -> int:
    """After everything has become known."""
    return _end(hours) + (KNOWN_AFTER_DAYS[-1] + 1) * DAY_MICROS


def _held(start: int) -> list[tuple[int, int | None]]:
    """During which time each revision of an hour was held to be true."""
    instants = [start + HOUR_MICROS + days * DAY_MICROS for days in KNOWN_AFTER_DAYS]
    return list(zip(instants, [*instants[1:], None], strict=True))


def _revisions(hours: Iterable[int]) -> Iterator[tuple[int, int, tuple[int, int | None]]]:
    """Every revision of the hours: the hour's start, the number of its sample, and when it was held."""
    for hour in hours:
        start = START + hour * HOUR_MICROS
        for revision, known in enumerate(_held(start)):
            yield start, _sample(hour, revision), known


def _sample(hour: int, revision: int) -> int:
    """Which sums an hour has: others after each revision."""
    return (hour + revision) % SAMPLES


def _metric_rows(_family: str, sums: Sums) -> Rows:
    """What follows the window in rows of ``metrics``, without the knowledge times."""
    return [
        (
            *(result.metric, result.value, result.lower, result.upper, result.detectable_change, result.error_bound),
            *(result.undefined and result.undefined.value, sums.prediction_count, sums.labelled_count),
        )
        for result in evaluate(sums)
    ]


def _sums_row(family: str, sums: Sums) -> tuple[Any, ...]:
    """What follows the group in a row of ``performance_sums``, without the knowledge times."""
    measured_as = next(declared.measured_as for declared in families(MODEL) if declared.name == family)
    stored = orjson.dumps(sums.to_dict(), option=orjson.OPT_SORT_KEYS).decode()
    return family, sums.prediction_count, sums.labelled_count, measured_as, stored


def _sums(sample: int) -> dict[str, Sums]:
    """The sums of an hour of random rows, by family."""
    rng, count = np.random.default_rng(SEED + sample), ROWS_OF_HOUR
    predicted = rng.normal(50, 20, count)
    nothing = pa.nulls(count, pa.string())
    table = pa.table(
        {
            "predicted_at": pa.array(np.sort(rng.integers(0, HOUR_MICROS, count))),
            "model_version": ["v1"] * count,
            "environment": ["production"] * count,
            "predicted_value": predicted,
            "actual_value": predicted + rng.normal(0, 5, count),
            "latency_ms": rng.gamma(2, 20, count),
            "confidence": rng.random(count),
            "actual_received_at": pa.array(rng.integers(HOUR_MICROS, DAY_MICROS, count)),
            "first_actual_received_at": pa.array(rng.integers(HOUR_MICROS, DAY_MICROS, count)),
            "truth_history": nothing,
        }
    )
    groups = grouped_sums(MODEL, table, np.zeros(count, dtype=np.int64))
    return {key.family: sums for key, sums in groups.items()}


def _spans(hours: int) -> dict[str, tuple[int, int]]:
    """A day and a month in the middle of the history, and all of it."""
    middle = START + hours // 48 * DAY_MICROS
    month = min(30 * DAY_MICROS, _end(hours) - middle)
    return {
        "one day": (middle, middle + DAY_MICROS),
        "one month": (middle, middle + month),
        "all hours": (START, _end(hours)),
    }


def _of_hours(engine: Engine, start: int, end: int, as_of: int | None, now: int) -> Question:
    return lambda: read_metrics(
        engine, model_id=MODEL.id, grain=Grain.HOUR, start=start, end=end, as_of=as_of, clock=lambda: now
    )


def _of_periods(pipeline: Pipeline, period: Period, as_of: int | None) -> Question:
    return lambda: period_metrics(pipeline, Asked(period=period, model_id=MODEL.id, as_of=as_of))


def _times(questions: Mapping[str, Question], runs: int) -> dict[str, list[float]]:
    """Milliseconds of each run, way after way; every run gives the same answer."""
    milliseconds: dict[str, list[float]] = {way: [] for way in questions}
    # Not the answers themselves: several of a year would be most of the memory that is measured.
    answers: dict[str, str] = {}
    for _ in range(runs):
        for way, question in questions.items():
            started = time.perf_counter()
            answer = question()
            milliseconds[way].append((time.perf_counter() - started) * 1e3)
            checksum = checksum_of(answer)
            assert answers.setdefault(way, checksum) == checksum, "the answer about an instant is the same for ever"
            del answer
    return milliseconds


def _check_hours(rows: list[ResultRow], start: int, end: int, instant: int) -> None:
    """Every hour that had been computed by then, with the value of the revision that held."""
    expected = []
    mae = [_value(sample) for sample in range(SAMPLES)]
    for at in range(start, end, HOUR_MICROS):
        revision = sum(known_from <= instant for known_from, _ in _held(at)) - 1
        expected.append(mae[_sample((at - START) // HOUR_MICROS, revision)])
    assert [row["value"] for row in rows if row["metric"] == "mae"] == expected
    assert len(rows) % len(expected) == 0


def _value(sample: int) -> float | None:
    return next(result.value for result in evaluate(_sums(sample)["performance"]) if result.metric == "mae")


def _plan(engine: Engine, question: Question) -> str:
    """How the database reads the results for a question, in its own words."""
    with _listening(engine) as statements:
        question()
    statement, parameters = next(said for said in reversed(statements) if "FROM metrics" in said[0])
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF) "
    with reading(engine) as connection:
        lines = [str(row[-1]).strip() for row in connection.exec_driver_sql(explain + statement, parameters)]
    # The other lines of PostgreSQL's plan repeat the conditions.
    return "; ".join(line for line in lines if "Scan" in line or "SEARCH" in line or "SCAN" in line)


@contextmanager
def _listening(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the engine executes, with their parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(_c: Connection, _cursor: object, statement: str, parameters: Any, _context: object, _many: object) -> None:
        heard.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)
