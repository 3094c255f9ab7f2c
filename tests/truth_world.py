"""The small world of the truth tests: three models, three hours over midnight, and all that can be said about them.

Events are plain dictionaries as producers send them. A *fact* brings its own knowledge time, so that it may arrive in
any order; an event without one is known when it arrives.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, event, func, literal, or_, select

from monitoring_pipeline.alerts.tables import findings
from monitoring_pipeline.alerts.vocabulary import Silence
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.results.tables import metrics, performance_sums
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.due import due_days, due_hours
from monitoring_pipeline.stages.estimating.estimates import estimate_days
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor, isoformat
from tests import truth_oracle
from tests.shared_statements import sharing_statements
from tests.truth_oracle import Declared, Judged, Oracle, bits

Event = dict[str, Any]

DAY = 1_740_960_000_000_000  # 2025-03-03T00:00:00Z
HOURS = tuple(DAY + hour * HOUR_MICROS for hour in (22, 23, 24))
DAYS = (DAY, DAY + DAY_MICROS)
LONG_AFTER = DAY + 20 * DAY_MICROS  # every label has come of age, and every fact is in the past

CONFIG = """\
start: 2025-03-03T00:00:00Z
end: 2025-03-06T00:00:00Z
models:
  - id: delay
    task: regression
    quantile: 0.5
    features: {carrier: {type: categorical, nullable: true}, origin: {type: categorical}}
    segments: [carrier, [carrier, origin]]
    max_segment_values: 2
    resources: [cpu_percent]
    business: {per_unit_error: {over: -0.1, under: -0.3}, amount: fare, satisfaction: stars, baseline: -0.7}
    rules:
      - {id: hourly, metric: mae, above: 2, grain: hour, min_labelled: 2, segments: ["all", "carrier=*"]}
      - {id: daily, metric: mae, above: 2, grain: day, min_labelled: 3}
  - id: late
    task: binary
    business: {value: {true_positive: 3.1, false_positive: -1.7, false_negative: -0.1}}
    rules:
      - {id: hourly, metric: log_loss, above: 0.7, grain: hour, min_labelled: 1}
  - id: kind
    task: multiclass
    rules:
      - {id: daily, metric: log_loss, above: 0.7, grain: day, min_labelled: 1}
"""

MODELS = (
    Declared(
        model_id="delay",
        task="regression",
        quantile=0.5,
        splits=(("carrier",), ("carrier", "origin")),
        most_segment_values=2,
        resources=("cpu_percent",),
        worth={"over": -0.1, "under": -0.3},
        amount="fare",
        satisfaction="stars",
        baseline=-0.7,
        rules=(
            Judged(rule_id="hourly", metric="mae", grain="hour", above=2, min_labelled=2, segments=("all", "carrier=")),
            Judged(rule_id="daily", metric="mae", grain="day", above=2, min_labelled=3, segments=("all",)),
        ),
    ),
    Declared(
        model_id="late",
        task="binary",
        worth={"true_positive": 3.1, "false_positive": -1.7, "false_negative": -0.1},
        rules=(
            Judged(rule_id="hourly", metric="log_loss", grain="hour", above=0.7, min_labelled=1, segments=("all",)),
        ),
    ),
    Declared(
        model_id="kind",
        task="multiclass",
        rules=(Judged(rule_id="daily", metric="log_loss", grain="day", above=0.7, min_labelled=1, segments=("all",)),),
    ),
)

# No two orders of adding these give the same bits.
NUMBERS = (0.1, 0.7, 1e15 + 0.3, -2.3, 1 / 3, 0.2, 3e-9, 1.1)
CARRIERS = ("UA", None, "J&K")
HOURS_OF = {"delay": HOURS, "late": HOURS[1:], "kind": HOURS[1:2]}
ROWS_PER_HOUR = {"delay": 4, "late": 3, "kind": 2}


def _world() -> list[Event]:
    """Every prediction that can be made; its place in the hour and its id say nothing of each other."""
    made = []
    for model_id, rows in ROWS_PER_HOUR.items():
        for number, hour in enumerate(HOURS_OF[model_id]):
            for row in range(rows):
                seed = 7 * number + row
                # Two at one instant, the first at the very start of the hour.
                at = hour + (row // 2) * 1_234_567_891 // 2
                common = {
                    "model_id": model_id,
                    "prediction_id": f"{'fbdaec'[row]}{number}",
                    "timestamp": isoformat(at),
                    "received_at": isoformat(at + 1_000_001),
                    "model_version": "2" if model_id == "late" and row == 2 else "1",
                    "environment": "staging" if model_id == "late" and number else "production",
                    "features": {"carrier": CARRIERS[seed % 3], "origin": "JFK" if seed % 5 else "LGA"},
                    "latency_ms": NUMBERS[seed % 8] if NUMBERS[seed % 8] > 0 else None,
                    "confidence": round(seed / 20, 2),
                }
                made.append({**common, **_predicted(model_id, seed)})
    return made


def _predicted(model_id: str, seed: int) -> Event:
    if model_id == "delay":
        extras = {"cpu_percent": NUMBERS[seed % 5], "fare": 1 + NUMBERS[seed % 2], "stars": float(seed % 5)}
        return {"predicted_value": NUMBERS[seed % 8], **extras}
    if model_id == "late":
        proba = None if seed % 5 == 4 else [0.05, 0.35, 0.5, 0.9][seed % 4]
        return {"predicted_value": seed % 2, "prediction_proba": proba}
    probabilities = {"cat": [0.7, 0.1][seed % 2], "dog": [0.3, 0.9][seed % 2]}
    return {"predicted_value": ["cat", "dog"][seed % 2], "probabilities": probabilities}


PREDICTIONS = _world()

# What may turn out to be true, by model; None takes the truth back.
OUTCOMES: dict[str, tuple[Any, ...]] = {
    "delay": (0.3, -1.7, 1e15, 0.0, None),
    "late": (0, 1, 1, 0, None),
    "kind": ("cat", "dog", "cow", "cat", None),
}
OBSERVED = (None, *(isoformat(DAYS[1] + hour * HOUR_MICROS) for hour in (2, 5)))
# The first is before its prediction was made; None: known when it arrives.
RECEIVED = (*(isoformat(DAYS[0] + hour * HOUR_MICROS) for hour in (20, 30, 40, 50)), None)


def a_prediction(index: int, *, contradicts: bool = False, outcome: int | None = None, live: bool = False) -> Event:
    """An event about one of ``PREDICTIONS``: as it is, with another value, with its truth, without knowledge time."""
    event = dict(PREDICTIONS[index])
    if contradicts:
        event["latency_ms"] = 77.7
    if outcome is not None:
        event["actual_value"] = OUTCOMES[event["model_id"]][outcome]
    if live:
        del event["received_at"]
    return event


def an_actual(index: int, outcome: int, observed: int, received: int) -> Event:
    """A statement about one of ``PREDICTIONS``."""
    about = {name: PREDICTIONS[index][name] for name in ("model_id", "prediction_id")}
    value = OUTCOMES[about["model_id"]][outcome]
    said = {"retracted": True} if value is None else {"actual_value": value}
    stamps = {"timestamp": OBSERVED[observed], "received_at": RECEIVED[received]}
    return {**about, **said, **{name: stamp for name, stamp in stamps.items() if stamp is not None}}


class PowerCut(BaseException):
    """The process dies; nothing may catch it as an error of somebody."""


@dataclass(frozen=True)
class Batch:
    """One call of ingest."""

    kind: str
    events: Sequence[Event]
    batch_rows: int = 10_000


@dataclass(frozen=True)
class Moment:
    """Just before a run reads a table for the ``nth`` time, or before the next that it reads thereafter."""

    table: str
    nth: int
    is_after: bool


class DifferenceError(AssertionError):
    """The tables are not those of the oracle; a type of its own, so that a mutant's death has no other cause."""


@dataclass(kw_only=True)
class World:
    """An installation, the oracle that heard the same events, and a clock that is moved by hand."""

    folder: Path
    now: int = LONG_AFTER
    latest: int = LONG_AFTER
    oracle: Oracle = field(default_factory=lambda: Oracle(MODELS))
    answers: dict[int, str] = field(default_factory=dict)  # by instant: what was known then
    installation: Installation = field(init=False)

    def __post_init__(self) -> None:
        self.installation = self._opened()

    @property
    def engine(self) -> Engine:
        return self.installation.engine

    def close(self) -> None:
        self.engine.dispose()

    def restart(self) -> None:
        """Everything that was in memory is gone."""
        self.close()
        self.installation = self._opened()

    def _opened(self) -> Installation:
        file, home = self.folder / "monitoring.yaml", Home(root=self.folder)
        installation = open_installation(file, home=home, clock=lambda: self.now)
        sharing_statements(installation.engine)
        return installation

    def move_clock(self, micros: int) -> None:
        """To and fro, but never to before the facts."""
        self.now = max(self.now + micros, LONG_AFTER)
        self.latest = max(self.latest, self.now)

    # --- events -------------------------------------------------------------------------------------------------------

    def ingest(self, batch: Batch) -> None:
        """Land a batch, and let the oracle hear it."""
        self._land(batch)
        self.oracle.hear(batch.kind, batch.events, now=self.now)

    def ingest_twice(self, batch: Batch, *, dies_at: int) -> None:
        """The process dies while it lands a batch, and the producer sends it again."""
        self._until_power_cut(partial(self._land, batch), dies_at=dies_at)
        self.ingest(batch)

    def _land(self, batch: Batch) -> None:
        report = ingest_rows(
            self.engine,
            batch.events,
            kind="predictions" if batch.kind == "predictions" else "actuals",
            config=self.installation.config,
            clock=self.installation.clock,
            batch_rows=batch.batch_rows,
        )
        assert report.accepted + report.duplicates + report.conflicts + report.quarantined == report.received
        assert report.quarantined == 0, report.reasons

    # --- runs ---------------------------------------------------------------------------------------------------------

    def run(self, starts: Sequence[int], *, only_due: bool, stages: int = 5) -> None:
        """The first stages of a run over hours."""
        p, hour = self.installation.pipeline, Grain.HOUR
        calls: list[Callable[[], StageReport]] = [
            partial(log_predictions, p, starts, only_due=only_due),
            partial(join_predictions, p, starts, only_due=only_due),
            partial(measure_hours, p, starts, only_due=only_due),
            partial(measure_drift, p, hour, starts, only_due=only_due),
            partial(judge_windows, p, hour, starts, only_due=only_due),
        ]
        _called(calls[:stages])

    def run_days(self, starts: Sequence[int], *, only_due: bool) -> None:
        """A run over days."""
        p, day = self.installation.pipeline, Grain.DAY
        _called(
            [
                partial(merge_days, p, starts, only_due=only_due),
                partial(estimate_days, p, starts, only_due=only_due),
                partial(measure_drift, p, day, starts, only_due=only_due),
                partial(measure_truth_drift, p, starts, only_due=only_due),
                partial(judge_windows, p, day, starts, only_due=only_due),
            ]
        )

    def run_and_die(self, starts: Sequence[int], *, only_due: bool, dies_at: int) -> None:
        """A run that is cut off before one of its statements, and a new process."""
        self._until_power_cut(partial(self.run, starts, only_due=only_due), dies_at=dies_at)

    def run_disturbed(self, starts: Sequence[int], *, only_due: bool, batch: Batch, moment: Moment) -> None:
        """A run in the middle of which a batch lands, or after it, should that moment never come."""
        waiting, reads = [batch], 0

        def land(connection: Connection, statement: str) -> None:
            nonlocal reads
            # Who writes has the store for himself: the batch would have to wait for the end of that.
            if waiting and reads >= moment.nth and moment.is_after and not _writes(connection):
                self.ingest(waiting.pop())
            if waiting and f"FROM {moment.table}" in statement and not _writes(connection):
                reads += 1
                if reads >= moment.nth and not moment.is_after:
                    self.ingest(waiting.pop())

        with _before_each_statement(self.engine, land):
            self.run(starts, only_due=only_due)
        for late in waiting:
            self.ingest(late)

    def run_all_due(self) -> None:
        """What the sensor and the daemon do, until nothing is due."""
        for _ in range(4):
            hours, days = self._due()
            if not hours and not days:
                return
            self.run(hours, only_due=True)
            self.run_days(days, only_due=True)
        raise DifferenceError(f"still due after several runs: {self._due()}")

    def _due(self) -> tuple[list[int], list[int]]:
        span = self.installation.pipeline.span
        with reading(self.engine) as connection:
            hours = {due.window_start for due in due_hours(connection, now=self.now, span=span)}
            days = {due.window_start for due in due_days(connection, now=self.now, span=span)}
        return sorted(hours), sorted(days | {floor(hour, Grain.DAY) for hour in hours})

    def _until_power_cut(self, work: Callable[[], None], *, dies_at: int) -> None:
        def cut(_connection: Connection, _statement: str) -> None:
            nonlocal dies_at
            dies_at -= 1
            if dies_at < 0:
                raise PowerCut

        try:
            with _before_each_statement(self.engine, cut):
                work()
        except PowerCut:
            self.restart()

    # --- what is known ------------------------------------------------------------------------------------------------

    def ask(self, instant: int) -> None:
        """Ask what was known at an instant: it has to be what was answered before."""
        rows = read_metrics(self.engine, as_of=instant, clock=lambda: self.latest)
        answer = "\n".join(repr(row) for row in rows)
        _compare_answers(instant, self.answers.setdefault(instant, answer), answer)

    def compare(self) -> None:
        """Bring everything up to date, and hold the tables against the oracle."""
        self.run_all_due()
        self._compare(self.oracle.tables())

    def compare_with_the_past(self) -> None:
        """Ask again all that was ever asked."""
        self.now = self.latest
        for instant in self.answers:
            self.ask(instant)

    def compare_rerun(self) -> None:
        """Run everything once more, due or not: the same tables, and not a row more."""
        before = self._row_counts()
        self.run(HOURS, only_due=False)
        self.run_days(DAYS, only_due=False)
        if self._row_counts() != before:
            raise DifferenceError(f"a rerun that changes nothing adds rows: {before} became {self._row_counts()}")
        self._compare(self.oracle.tables())

    def _compare(self, expected: Mapping[str, truth_oracle.Table]) -> None:
        for table, (last, columns) in _COMPARED.items():
            _compare(table.name, self._standing(table, last, columns), expected[table.name])

    def _standing(self, table: Table, last: str, columns: Sequence[str]) -> truth_oracle.Table:
        group = (table.c.window_start, table.c.model_version, table.c.environment, table.c.segment, table.c[last])
        grain = table.c.grain if "grain" in table.c else literal("hour")
        query = select(table.c.model_id, grain, *group, *(table.c[name] for name in columns))
        with reading(self.engine) as connection:
            rows = [
                tuple(bits(value) if isinstance(value, float) else value for value in row)
                for row in connection.execute(query.where(table.c.known_to.is_(None), *_told_of_groups(table)))
            ]
        found = {row[:7]: row[7:] for row in rows}
        assert len(found) == len(rows), f"two rows of {table.name} stand for one key"
        return found

    def _row_counts(self) -> dict[str, int]:
        with reading(self.engine) as connection:
            return {t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in _COMPARED}


# By table: what is the last part of its key, and what is compared.
_COMPARED = {
    performance_sums: ("family", ("prediction_count", "labelled_count", "sums")),
    metrics: (
        "metric",
        (
            *("value", "lower", "upper", "detectable_change", "error_bound", "undefined_reason"),
            *("prediction_count", "labelled_count"),
        ),
    ),
    findings: ("rule_id", ("verdict", "value", "prediction_count", "labelled_count")),
}


def _told_of_groups(table: Table) -> list[ColumnElement[bool]]:
    """Without the silences about groups that are no more: they stand only where the group was once judged."""
    if table is not findings:
        return []
    return [or_(findings.c.reason.is_(None), findings.c.reason != Silence.GROUP_GONE.value)]


def _called(stages: Sequence[Callable[[], StageReport]]) -> None:
    for stage in stages:
        report = stage()
        assert report.failures == (), report.failures


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("writing", False))


@contextmanager
def _before_each_statement(engine: Engine, act: Callable[[Connection, str], None]) -> Iterator[None]:
    def listener(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        act(connection, statement)

    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)


def _compare(name: str, found: truth_oracle.Table, expected: truth_oracle.Table) -> None:
    if found == expected:
        return
    missing, surplus = (
        sorted(expected.keys() - found.keys(), key=repr),
        sorted(found.keys() - expected.keys(), key=repr),
    )
    other = [(key, found[key], row) for key, row in expected.items() if key in found and found[key] != row]
    raise DifferenceError(
        f"{name}: {len(missing)} rows are missing, such as {missing[:1]}; {len(surplus)} are too many, such as "
        f"{surplus[:1]}; {len(other)} are otherwise (key, found, expected), such as {other[:1]}"
    )


def _compare_answers(instant: int, before: str, after: str) -> None:
    if before == after:
        return
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    first = next(((b, a) for b, a in pairs if b != a), (len(before), len(after)))
    raise DifferenceError(f"what was known at {isoformat(instant)} was told twice and differs: {first}")
