"""Drift that needs labels, through the real stages: what it tells apart, and that only the rows decide it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select

from monitoring_pipeline.alerts.tables import alerts, findings
from monitoring_pipeline.config.models import DriftSettings
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.reach import largest_reach
from monitoring_pipeline.drift.streaming.replay import replay
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.inputs import Input, Inputs
from monitoring_pipeline.stages.drifting.truth.truth_drift import DATASET, measure_truth_drift
from monitoring_pipeline.stages.due import due_days
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour
from tests.pipeline_examples import ingest

Row = dict[str, Any]
Truth = Callable[[Floats, np.random.Generator], Floats]

FEATURES = {"x": "numeric", "kind": "categorical"}
HOUR_OF_DAY = 12
ROWS = 240
LONG_AFTER = hour(40)


def usual(x: Floats, rng: np.random.Generator) -> Floats:
    """The model says 2x; it misses large x by far."""
    return 2.0 * x + rng.normal(size=x.size) * (0.3 + np.maximum(x, 0.0)) + np.maximum(x, 0.0)


def flipped(x: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, rng) - 6.0 * (x > 0.5)


def worse(x: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, rng) + 4.0


@dataclass(kw_only=True)
class World:
    """One model ``m`` that says 2x, with a reference file."""

    late: LateTruth

    def day(self, day: int, truth: Truth = usual, *, shift: float = 0.0, rows: int = ROWS, told: int | None = None,
            reverse: bool = False, **fields: Any) -> None:  # fmt: skip
        """Predictions of a day, of which the first are told their truth two hours later."""
        predictions, actuals = self.events(day, truth, shift=shift, rows=rows, **fields)
        step = -1 if reverse else 1
        self.late.clock.now = LONG_AFTER
        ingest(self.late.installation, predictions=predictions[::step], actuals=actuals[:told][::step])

    def events(
        self, day: int, truth: Truth = usual, *, shift: float = 0.0, rows: int = ROWS, **fields: Any
    ) -> tuple[list[Row], list[Row]]:
        rng = np.random.default_rng(day)
        x = rng.normal(size=rows) + shift
        kinds, actual = rng.choice(["a", "b", "c"], size=rows), truth(x, rng)
        start = hour(day, HOUR_OF_DAY)
        said = [isoformat(start + n * 1_000_000) for n in range(rows)]
        known = isoformat(start + 2 * HOUR_MICROS)
        common = [{"model_id": "m", "prediction_id": f"{day}-{n:04}"} for n in range(rows)]
        predictions = [
            {
                **c,
                "timestamp": at,
                "received_at": at,
                "features": {"x": float(v), "kind": str(k)},
                **_said(float(v)),
                **fields,
            }
            for c, at, v, k in zip(common, said, x, kinds, strict=True)
        ]
        actuals = [
            {**c, "timestamp": known, "received_at": known, "actual_value": float(a)}
            for c, a in zip(common, actual, strict=True)
        ]
        return predictions, actuals

    def hours(self, days: Sequence[int]) -> None:
        starts, p = [hour(day, HOUR_OF_DAY) for day in days], self.late.pipeline
        log_predictions(p, starts, only_due=True)
        join_predictions(p, starts, only_due=True)
        measure_hours(p, starts, only_due=True)
        measure_drift(p, Grain.HOUR, starts, only_due=True)
        judge_windows(p, Grain.HOUR, starts, only_due=True)

    def compute(self, *days: int, at: int = LONG_AFTER, only_due: bool = True) -> StageReport:
        """Bring days up to date in the order of the assets."""
        self.late.clock.now = at
        self.hours(days)
        starts, p = [hour(day) for day in days], self.late.pipeline
        merge_days(p, starts, only_due=only_due)
        measure_drift(p, Grain.DAY, starts, only_due=only_due)
        report = measure_truth_drift(p, starts, only_due=only_due)
        judge_windows(p, Grain.DAY, starts, only_due=only_due)
        assert report.failures == (), report.failures
        return report

    def rows(self, day: int | None = None) -> list[Row]:
        """The standing rows of days."""
        found = self.table(drift_results)
        standing = [row for row in found if row["known_to"] is None and row["grain"] == "day"]
        return [row for row in standing if day is None or row["window_start"] == hour(day)]

    def verdict(self, day: int, feature: str, measure: str = "overall") -> Row:
        [row] = [r for r in self.rows(day) if (r["feature"], r["measure"]) == (feature, measure)]
        return row

    def table(self, table: Any) -> list[Row]:
        with reading(self.late.engine) as connection:
            return sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)


def _said(x: float) -> Row:
    return {"predicted_value": 2.0 * x}


CONCEPT, ACTUAL, STREAM = "(error at equal inputs)", "(actual)", "(error row by row)"
SETTINGS = {"alpha": 0.01, "detectors": ["cusum"]}
RULES = [
    {"id": "relation", "metric": "concept_drift", "above": 0},
    {"id": "truth", "metric": "label_drift", "above": 0},
]


@pytest.fixture
def make(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Callable[..., World]:
    def world(*, reference: Mapping[str, Any] | None = None, **model: Any) -> World:
        file = tmp_path / "reference.parquet"
        declared = {"features": FEATURES, "drift": SETTINGS, "rules": RULES, **model}
        return World(
            late=LateTruth(sqlite_engine, tmp_path, clock, reference=reference or {"file": str(file)}, **declared)
        )

    _write_reference(tmp_path / "reference.parquet", usual)
    return world


def _write_reference(path: Path, truth: Truth, *, rows: int = 3000) -> None:
    rng = np.random.default_rng(99)
    x = rng.normal(size=rows)
    columns = {"x": x, "kind": rng.choice(["a", "b", "c"], size=rows), "predicted_value": 2.0 * x}
    pq.write_table(pa.table({**columns, "actual_value": truth(x, rng)}), path)


def test_a_flipped_relation_is_concept_drift_and_no_data_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.day(1, flipped)

    world.compute(0, 1)

    said = {day: world.verdict(day, CONCEPT) for day in (0, 1)}
    assert (said[0]["verdict"], said[0]["drift_type"]) == ("no_drift", "concept_drift")
    assert (said[1]["verdict"], said[1]["reason"]) == ("drift", "effect_and_evidence")
    assert {world.verdict(1, feature)["verdict"] for feature in ("x", "kind", "(prediction)")} == {"no_drift"}
    detail = orjson.loads(world.verdict(1, CONCEPT, "concept")["detail"])
    assert detail["concept_lower"] < detail["concept"] < detail["concept_upper"] < 0
    assert detail["leaf"]["change"] < -1
    assert re.search(r"\bx\b|\(prediction\)", detail["leaf"]["rule"])


def test_moved_inputs_with_the_same_relation_are_data_drift_and_no_concept_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, shift=0.8)

    world.compute(0)

    assert world.verdict(0, "x")["verdict"] == "drift"
    concept = world.verdict(0, CONCEPT, "concept")
    assert concept["verdict"] == "no_drift"
    detail = orjson.loads(concept["detail"])
    assert detail["covariate"] > 0.2  # errors did grow, because there is more of the hard rows


def test_a_moved_truth_is_label_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.day(1, worse)

    world.compute(0, 1)

    assert [world.verdict(day, ACTUAL)["verdict"] for day in (0, 1)] == ["no_drift", "drift"]
    measured = {row["measure"] for row in world.rows(1) if row["feature"] == ACTUAL}
    assert {"overall", "ks", "wasserstein", "psi"} <= measured
    assert {row["drift_type"] for row in world.rows(1) if row["feature"] == ACTUAL} == {"label_drift"}


def test_the_classes_of_a_yes_no_model_are_compared_as_categories(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = np.random.default_rng(5)
    said = rng.random(2000)
    file = tmp_path / "binary.parquet"
    pq.write_table(pa.table({"prediction_proba": said, "actual_value": (rng.random(2000) < said).astype(int)}), file)
    late = LateTruth(
        sqlite_engine, tmp_path, clock, task="binary", reference={"file": str(file)}, drift={"detectors": ["cusum"]}
    )
    world = World(late=late)
    for day in (0, 1):
        predictions, actuals = world.events(day, rows=300)
        flip = day == 1
        for event, actual, p, u in zip(predictions, actuals, rng.random(300), rng.random(300), strict=True):
            event |= {"predicted_value": int(p >= 0.5), "prediction_proba": float(p)}
            actual["actual_value"] = int((u < p) != (flip and p > 0.3))
        clock.now = LONG_AFTER
        ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0, 1)

    assert [world.verdict(day, CONCEPT)["verdict"] for day in (0, 1)] == ["no_drift", "drift"]
    assert {"chi2", "psi"} <= {row["measure"] for row in world.rows(0) if row["feature"] == ACTUAL}
    assert world.verdict(0, ACTUAL)["n_window"] == 300
    # Wrong answers row by row: the detector sees what a mean of signed errors might hide.
    assert [world.verdict(day, STREAM, "cusum")["verdict"] for day in (0, 1)] == ["no_drift", "drift"]


def test_a_multiclass_model_without_features_is_compared_by_what_it_says(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = np.random.default_rng(6)
    names = np.array(["bus", "car", "tram"])
    said = names[rng.integers(0, 3, size=2000)]
    true = np.where(rng.random(2000) < 0.8, said, "bus")
    file = tmp_path / "classes.parquet"
    pq.write_table(pa.table({"predicted_class": said, "actual_class": true}), file)
    model = {"task": "multiclass", "classes": names.tolist(), "reference": {"file": str(file)}}
    world = World(late=LateTruth(sqlite_engine, tmp_path, clock, **model))
    predictions, actuals = world.events(0, rows=300)
    for n, (event, actual) in enumerate(zip(predictions, actuals, strict=True)):
        event["predicted_value"] = names[n % 3].item()
        # Of those that are said to be a car, nearly all are trams now.
        actual["actual_value"] = "tram" if n % 3 == 1 and n % 30 else names[n % 3].item()
    clock.now = LONG_AFTER
    ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0)

    concept = world.verdict(0, CONCEPT, "concept")
    assert concept["verdict"] == "drift"
    assert orjson.loads(concept["detail"])["leaf"]["rule"] == "(prediction) = car"
    assert world.verdict(0, ACTUAL)["verdict"] == "drift"


def test_late_truth_measures_its_day_again_and_those_that_replay_it(make: Callable[..., World]) -> None:
    world = make()
    late = world.events(2)[1][100:]
    world.day(2, told=100)
    for day in (1, 3, 9, 10):
        world.day(day)
    world.compute(1, 2, 3, 9, 10)
    before = {row["window_start"]: row for row in _entries(world)}
    ingest(world.late.installation, actuals=late)

    world.compute(1, 2, 3, 9, 10, at=LONG_AFTER + HOUR_MICROS)

    after = {row["window_start"]: row for row in _entries(world)}
    again = {start for start, row in after.items() if row["published_at"] != before[start]["published_at"]}
    assert again == {hour(2), hour(3), hour(9)}
    assert {start for start, row in after.items() if row["revision"] != before[start]["revision"]} == {hour(2)}
    assert world.verdict(2, ACTUAL)["n_window"] == ROWS
    # Of the days that replay it only what its rows changed was written anew.
    assert {r["feature"] for r in world.rows(3) if r["known_from"] > LONG_AFTER} <= {STREAM}


def _entries(world: World) -> list[Row]:
    return [row for row in world.table(partition_ledger) if row["dataset"] == DATASET]


def test_alerts_on_it_are_provisional_until_labels_are_due_and_retracted_by_late_truth(
    make: Callable[..., World],
) -> None:
    world = make()
    young, due = hour(2), hour(1) + 49 * HOUR_MICROS
    truths = world.events(0, worse)[1]
    world.day(0, worse, told=120)
    world.day(1, worse)
    world.compute(0, 1, at=young)
    states = _states(world)
    assert states[0, "relation"] == states[1, "truth"] == "provisional"

    # The rest of the first day's truths make most of it as usual.
    usually = [{**late, "actual_value": u["actual_value"]} for late, u in zip(truths, world.events(0)[1], strict=True)]
    corrected = [{**event, "received_at": isoformat(young + HOUR_MICROS)} for event in usually]
    world.late.clock.now = young + HOUR_MICROS
    ingest(world.late.installation, actuals=corrected)
    world.compute(0, 1, at=young + 2 * HOUR_MICROS)
    retracted = _states(world)
    world.late.clock.now = due + DAY_MICROS
    mature_alerts(world.late.pipeline)

    assert (retracted[0, "relation"], retracted[0, "truth"]) == ("retracted", "retracted")
    assert (retracted[1, "relation"], _states(world)[1, "relation"]) == ("provisional", "confirmed")


def _states(world: World) -> dict[tuple[int, str], str]:
    found = [row for row in world.table(alerts) if row["grain"] == "day"]
    return {((row["window_start"] - hour(0)) // DAY_MICROS, row["rule_id"]): row["state"] for row in found}


def test_rows_do_not_depend_on_the_order_of_arrival_or_of_computation(
    make: Callable[..., World], tmp_path: Path, postgres_engine: Engine, clock: FixedClock
) -> None:
    world = make()
    for day in (0, 1, 2):
        world.day(day, worse if day == 1 else usual)
    world.compute(0, 1, 2)
    first = world.rows()
    closed = [row for row in world.table(drift_results) if row["known_to"] is not None]
    other = World(late=LateTruth(postgres_engine, tmp_path / "other", clock, **world.late.model.model_dump()))
    for day in (2, 0, 1):
        other.day(day, worse if day == 1 else usual, reverse=True)
        other.compute(day)

    world.compute(0, 1, 2, only_due=False)

    assert world.rows() == first
    assert [row for row in world.table(drift_results) if row["known_to"] is not None] == closed == []
    assert _without_knowledge(other.rows()) == _without_knowledge(first)


def _without_knowledge(rows: Sequence[Row]) -> list[list[tuple[str, Any]]]:
    return sorted(([item for item in row.items() if not item[0].startswith("known_")] for row in rows), key=repr)


def test_neither_stage_closes_the_rows_of_the_other(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.compute(0)
    rows = world.rows()

    measure_drift(world.late.pipeline, Grain.DAY, [hour(0)])
    measure_truth_drift(world.late.pipeline, [hour(0)])

    assert world.rows() == rows
    assert {row["drift_type"] for row in rows} == {"data_drift", "prediction_drift", "label_drift", "concept_drift"}


def test_a_day_without_labels_says_so_and_opens_no_alert(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, told=0)

    world.compute(0)

    truths = [row for row in world.rows(0) if row["feature"] in (CONCEPT, ACTUAL, STREAM)]
    assert {(row["verdict"], row["reason"]) for row in truths} == {("not_enough_data", "too_few_window_rows")}
    assert {row["n_window"] for row in truths} == {0}
    judged = {row["rule_id"]: row["verdict"] for row in world.table(findings)}
    assert judged == {"relation": "not_enough_data", "truth": "not_enough_data"}


@pytest.mark.parametrize(
    ("reference", "state"),
    [(None, "none declared"), ("features-only", "declared, but without a column of truth")],
)
def test_without_a_labelled_reference_there_are_no_rows_and_the_outcome_says_why(
    reference: str | None, state: str, sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    file = tmp_path / "features.parquet"
    pq.write_table(pa.table({"x": [1.0, 2.0], "kind": ["a", "b"]}), file)
    declared = {} if reference is None else {"reference": {"file": str(file)}}
    world = World(late=LateTruth(sqlite_engine, tmp_path, clock, features=FEATURES, **declared))
    world.day(0)

    report = world.compute(0)

    assert [outcome.details["reference"] for outcome in report.outcomes] == [state]
    assert not [row for row in world.rows(0) if row["drift_type"] in ("label_drift", "concept_drift")]
    assert [row["row_count"] for row in _entries(world)] == [0]


def test_a_window_reference_without_truth_is_not_enough_and_one_with_truth_is(make: Callable[..., World]) -> None:
    days = {"start": isoformat(hour(0)), "end": isoformat(hour(9))}
    world = make(reference=days)
    for day in range(9):
        world.day(day, told=0, rows=80)
    world.day(9, flipped)
    world.compute(*range(10))
    without = world.verdict(9, CONCEPT), world.verdict(9, ACTUAL), world.verdict(9, STREAM, "cusum")

    for day in range(9):
        ingest(world.late.installation, actuals=world.events(day, rows=80)[1])
    world.compute(*range(9))
    world.compute(9, only_due=False)

    assert {row["reason"] for row in without} == {"too_few_reference_rows"}
    assert world.verdict(9, CONCEPT)["n_reference"] == 9 * 80
    assert world.verdict(9, CONCEPT)["verdict"] == "drift"
    assert world.verdict(9, STREAM, "cusum")["verdict"] == "drift"


def test_what_could_not_be_measured_stops_no_other_rule_and_is_judged_once_it_can_be(
    make: Callable[..., World], tmp_path: Path
) -> None:
    world = make()
    world.day(0, flipped)
    file, kept = tmp_path / "reference.parquet", tmp_path / "kept.parquet"
    file.rename(kept)
    world.hours([0])
    p = world.late.pipeline
    merge_days(p, [hour(0)])

    [failure] = measure_truth_drift(p, [hour(0)]).failures

    assert "cannot be read" in failure.sentence
    assert "m" in failure.sentence
    judge_windows(p, Grain.DAY, [hour(0)])
    assert world.table(findings) == []
    kept.rename(file)
    world.compute(0)
    assert {row["rule_id"]: row["verdict"] for row in world.table(findings)}["relation"] == "breach"


def test_the_smallest_effect_that_counts_is_the_declared_one(make: Callable[..., World]) -> None:
    world = make(drift={**SETTINGS, "concept": 50.0})
    world.day(0, flipped)

    world.compute(0)

    concept = world.verdict(0, CONCEPT, "concept")
    assert (concept["threshold"], concept["verdict"], concept["reason"]) == (50.0, "no_drift", "effect_below_minimum")


def test_each_version_is_judged_for_itself(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, model_version="1")
    predictions, actuals = world.events(0, flipped, model_version="2")
    for event in (*predictions, *actuals):
        event["prediction_id"] += "-two"
    ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0)

    said = {
        r["model_version"]: r["verdict"] for r in world.rows(0) if (r["feature"], r["measure"]) == (CONCEPT, "overall")
    }
    assert said == {"1": "no_drift", "2": "drift"}


def test_a_change_that_lasts_is_raised_once_and_then_stands_until_it_is_over(make: Callable[..., World]) -> None:
    world = make()
    for day, truth in enumerate([usual, worse, worse, usual, usual]):
        world.day(day, truth)

    world.compute(*range(5))

    said = [world.verdict(day, STREAM, "cusum") for day in range(5)]
    assert [row["reason"] for row in said] == [
        "no_alarm", "alarm_raised", "alarm_stands", "alarm_stands", "no_alarm",
    ]  # fmt: skip
    assert [row["verdict"] for row in said] == ["no_drift", "drift", "drift", "drift", "no_drift"]
    [raised] = orjson.loads(said[1]["detail"])["alarms"]
    [over] = orjson.loads(said[3]["detail"])["alarms"]
    assert raised["direction"] == "up"
    assert isoformat(hour(1)) < raised["raised_at"] < isoformat(hour(2))
    assert over["raised_at"] == raised["raised_at"]
    assert isoformat(hour(3)) < over["ended_at"] < isoformat(hour(4))
    assert said[0]["value"] < 1 <= said[1]["value"]
    assert {row["value"] for row in said[2:4]} == {raised["statistic"] / raised["limit"]}


def test_every_detector_has_a_row_and_those_of_hits_and_misses_refuse_a_regression(make: Callable[..., World]) -> None:
    detectors = ["page_hinkley", "adwin", "ddm", "hddm_a", "hddm_w"]
    world = make(drift={**SETTINGS, "detectors": detectors, "run_length": 1000})
    world.day(0)
    world.day(1, worse)

    world.compute(0, 1)

    reasons = {r["measure"]: r["reason"] for r in world.rows(1) if r["feature"] == STREAM}
    not_for_it = dict.fromkeys(("ddm", "hddm_a", "hddm_w"), "not_binary")
    assert reasons == {"page_hinkley": "alarm_raised", "adwin": "alarm_raised", **not_for_it}
    assert world.verdict(1, STREAM, "adwin")["value"] is None


def test_a_day_is_due_while_its_truth_drift_is_behind(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.compute(0)
    with reading(world.late.engine) as connection:
        behind = due_days(connection, now=LONG_AFTER)
    # This world estimates nothing; with an estimate the day would be up to date.
    assert [due.window_start for due in behind] == [hour(0)]


def test_a_rule_on_a_category_is_told_by_its_name_whatever_it_contains() -> None:
    odd = "a and b > 0.5"
    carrier = Input(name="carrier", column="f.carrier", categories=("UA", odd))
    inputs = Inputs(inputs=(carrier, Input(name="distance", column="f.distance")))
    tokens = inputs.tokens

    one = inputs.in_words(f"{tokens[0]} <= 0.5 and {tokens[1]} > 0.5 and 3.5 < {tokens[4]} <= 1e+06")
    another = inputs.in_words(f"{tokens[1]} <= 0.5 and {tokens[3]} <= 0.5")

    assert one == f"carrier = {odd} and 3.5 < distance <= 1e+06"
    assert another == f"carrier ≠ {odd} and carrier ≠ (none)"
    assert inputs.in_words("all rows") == "all rows"


@pytest.mark.parametrize("detector", [Detector.CUSUM, Detector.PAGE_HINKLEY])
@pytest.mark.parametrize("binary", [True, False])
def test_the_limit_is_reached_exactly_where_an_alarm_is_raised_or_stands(detector: Detector, *, binary: bool) -> None:
    rng = np.random.default_rng(11)
    level = np.repeat([0.1, 0.4, 0.1, 0.1], 300)
    values = (rng.random(1200) < level).astype(float) if binary else rng.normal(size=1200) + 3 * level
    baseline = Baseline.from_values(values[:300], binary=binary)
    settings = DetectorSettings(detector=detector, run_length=1000)
    parts = [(first, first + 100) for first in range(0, 1200, 100)]

    reached = [largest_reach(values, settings, baseline=baseline, first=a, last=b) for a, b in parts]

    alarms = replay(values, settings, baseline=baseline).alarms
    ends = [(alarm.position, 1200 if alarm.ended_position is None else alarm.ended_position + 1) for alarm in alarms]
    alarmed = [any(begin < b and end > a for begin, end in ends) for a, b in parts]
    assert 0 < sum(alarmed) < len(parts)
    assert [reach is not None and reach >= 1 for reach in reached] == alarmed


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"detectors": ["cusum", "cusum"]}, "detector"),
        ({"detectors": ["adwin"], "run_length": 20_000}, "adwin know run lengths to 10000"),
        ({"run_length": 19}, "greater than or equal to 20"),
        ({"measures": ["ddm"]}, "not a measure of a single feature"),
    ],
)
def test_detectors_that_cannot_be_set_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DriftSettings.model_validate(settings)
