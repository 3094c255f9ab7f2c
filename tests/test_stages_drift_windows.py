"""Drift of small hours, segments, versions and outputs, from events to results: like a rebuild, whatever came first."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.alerts.tables import findings
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.alerts_examples import rows
from tests.pipeline_examples import LONG_AFTER, START, ingest, open_home
from tests.stage_runs import declared, with_models

SMALL = {"min_samples": 12, "alpha": 0.01, "pool": {"rows": 25, "hours": 3}}
MOVED = {"id": "moved", "metric": "drifted_features", "above": 0, "grain": "hour"}
ROWS = 8


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    yield installation
    installation.engine.dispose()


def pipeline_of(installation: Installation, **changes: Any) -> Pipeline:
    usual = {"drift": SMALL, "rules": [MOVED], "segments": [], "features": {"distance": {"type": "numeric"}}}
    return with_models(installation, declared(installation, "delay", **{**usual, **changes}))


def predicted(
    hour: int, *, count: int = ROWS, first: int = 0, moved: bool = False, **fields: Any
) -> list[dict[str, Any]]:
    """Distances like those of the reference, or all beyond them; the same hour and number give the same event."""
    rng = random.Random(1000 * hour + first)
    return [
        {
            "model_id": "delay",
            "prediction_id": f"{hour}-{row}-{sorted(fields.items())}",
            "timestamp": isoformat(START + hour * HOUR_MICROS + row * 1_000_000),
            "received_at": isoformat(START + hour * HOUR_MICROS + row * 1_000_000),
            "predicted_value": 10.0,
            "features": {"distance": 1e6 + row if moved else round(rng.uniform(100, 2000), 1), "carrier": "AA"},
            **fields,
        }
        for row in range(first, first + count)
    ]


def starts_of(hours: Iterable[int]) -> list[int]:
    return [START + hour * HOUR_MICROS for hour in hours]


def log(pipeline: Pipeline, hours: Iterable[int]) -> None:
    log_predictions(pipeline, starts_of(hours), only_due=True)


def bring_up_to_date(pipeline: Pipeline, hours: Sequence[int]) -> None:
    starts = starts_of(hours)
    log_predictions(pipeline, starts, only_due=True)
    join_predictions(pipeline, starts, only_due=True)
    measure_hours(pipeline, starts, only_due=True)
    measured = measure_drift(pipeline, Grain.HOUR, starts, only_due=True)
    assert measured.failures == ()
    judge_windows(pipeline, Grain.HOUR, starts, only_due=True)


def measured(pipeline: Pipeline, hours: Sequence[int]) -> None:
    log(pipeline, hours)
    assert measure_drift(pipeline, Grain.HOUR, starts_of(hours), only_due=True).failures == ()


def stored(installation: Installation, *, every: bool = False, **where: Any) -> list[dict[str, Any]]:
    found = rows(installation.engine, drift_results, "window_start", "feature", "measure", "segment", "known_from")
    return [
        row
        for row in found
        if (every or row["known_to"] is None) and all(row[name] == value for name, value in where.items())
    ]


def overall(installation: Installation, hour: int, **where: Any) -> dict[str, Any]:
    window_start = START + hour * HOUR_MICROS
    [row] = stored(installation, window_start=window_start, measure="overall", feature="distance", **where)
    return row


def end_state(installation: Installation) -> list[Any]:
    def bare(found: Iterable[dict[str, Any]]) -> list[Any]:
        kept = [{n: v for n, v in row.items() if not n.startswith("known_")} for row in found]
        return sorted(kept, key=repr)

    judged = [row for row in rows(installation.engine, findings) if row["known_to"] is None]
    with reading(installation.engine) as connection:
        hours = range(START, START + 2 * DAY_MICROS, HOUR_MICROS)
        entries = ledger.entries(connection, "hourly_drift", hours)
    return [bare(stored(installation)), bare(judged), sorted((k, e.checksum) for k, e in entries.items())]


def rebuilt(tmp_path: Path, events: Sequence[dict[str, Any]], hours: Sequence[int], **changes: Any) -> list[Any]:
    """The end state of a home that got everything before it computed anything."""
    fresh = open_home(tmp_path / "rebuilt", clock=lambda: LONG_AFTER)
    ingest(fresh, predictions=events)
    bring_up_to_date(pipeline_of(fresh, **changes), hours)
    found = end_state(fresh)
    fresh.engine.dispose()
    return found


# --- small hours ----------------------------------------------------------------------------------------------------


def test_hours_with_few_rows_are_judged_with_those_before_and_hours_with_many_alone(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in (0, 1, 2, 3) for e in predicted(hour)])
    ingest(installation, predictions=predicted(4, count=30))

    measured(pipeline, range(5))

    found = [overall(installation, hour) for hour in range(5)]
    assert [(row["window_count"], row["n_window"]) for row in found] == [(1, 8), (3, 16), (3, 24), (3, 24), (1, 30)]
    assert (found[0]["verdict"], found[0]["reason"]) == ("not_enough_data", "too_few_window_rows")


def test_late_predictions_measure_the_hours_that_looked_back_once_more_and_their_findings_follow(
    installation: Installation,
) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in range(5) for e in predicted(hour)])
    bring_up_to_date(pipeline, range(5))
    before = {row["window_start"]: row["verdict"] for row in rows(installation.engine, findings)}
    ingest(installation, predictions=predicted(1, first=ROWS, count=12, moved=True))

    bring_up_to_date(pipeline, [1])

    replaced = Counter(
        (row["window_start"] - START) // HOUR_MICROS
        for row in stored(installation, every=True, measure="overall")
        if row["known_to"] is not None
    )
    assert replaced == {1: 1, 2: 1, 3: 1}
    now = {
        row["window_start"]: row["verdict"] for row in rows(installation.engine, findings) if row["known_to"] is None
    }
    changed = {(start - START) // HOUR_MICROS for start in now if now[start] != before[start]}
    assert {1, 2} <= changed <= {1, 2, 3}
    with reading(installation.engine) as connection:
        assert len(ledger.entries(connection, "hourly_findings", starts_of(range(5)))) == 5


@pytest.mark.parametrize("seed", range(3))
def test_the_end_is_that_of_a_rebuild_whatever_order_hours_came_and_were_computed_in(
    installation: Installation, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    hours = range(7)
    chunks = [
        predicted(hour, first=first, count=4, moved=rng.random() < 0.2)
        for hour in hours
        for first in (0, 4, 8)
        if rng.random() < 0.8
    ]
    pipeline = pipeline_of(installation)
    for chunk in rng.sample(chunks, k=len(chunks)):
        ingest(installation, predictions=chunk)
        if rng.random() < 0.5:
            bring_up_to_date(pipeline, rng.sample(hours, k=rng.randint(1, 3)))
    for hour in rng.sample(hours, k=len(hours)):
        bring_up_to_date(pipeline, [hour])

    assert end_state(installation) == rebuilt(tmp_path, [e for chunk in chunks for e in chunk], hours)


class InterruptedLake(Lake):
    """A lake that lets somebody else work at the moment when files were chosen and are about to be read."""

    pending: ClassVar[list[Callable[[], None]]] = []

    def read(self, *args: Any, **options: Any) -> pa.Table:
        """Read a file; the first time, after the other has worked."""
        if self.pending:
            self.pending.pop()()
        return super().read(*args, **options)


def interrupted(pipeline: Pipeline, meanwhile: Callable[[], None]) -> Pipeline:
    InterruptedLake.pending[:] = [meanwhile]
    return replace(pipeline, lake=InterruptedLake(root=pipeline.lake.root))


LATE = predicted(0, first=ROWS, count=12, moved=True)


@pytest.mark.parametrize("measured_by_the_other", [[], [0], [0, 1], [1]])
@pytest.mark.parametrize("hour", [0, 1])
def test_two_runs_at_once_leave_no_stale_hour(
    installation: Installation, tmp_path: Path, hour: int, measured_by_the_other: list[int]
) -> None:
    """One run measures an hour; between its choice of files and their reading, late predictions of hour 0 land."""
    pipeline = pipeline_of(installation)
    events = [e for h in range(3) for e in predicted(h)]
    ingest(installation, predictions=events)
    log(pipeline, range(3))
    measured(pipeline, [2])

    def meanwhile() -> None:
        ingest(installation, predictions=LATE)
        log(pipeline, [0])
        if measured_by_the_other:
            measure_drift(pipeline, Grain.HOUR, starts_of(measured_by_the_other), only_due=True)

    report = measure_drift(interrupted(pipeline, meanwhile), Grain.HOUR, starts_of([hour]))
    assert report.failures == ()
    bring_up_to_date(pipeline, range(3))

    assert end_state(installation) == rebuilt(tmp_path, [*events, *LATE], range(3))


def test_a_follower_that_got_rows_of_its_own_meanwhile_keeps_its_newer_result(
    installation: Installation, tmp_path: Path
) -> None:
    pipeline = pipeline_of(installation)
    events = [e for h in range(3) for e in predicted(h)]
    own = predicted(1, first=ROWS, count=5)
    ingest(installation, predictions=events)
    bring_up_to_date(pipeline, range(3))
    ingest(installation, predictions=LATE)
    log(pipeline, [0])

    def meanwhile() -> None:
        ingest(installation, predictions=own)
        bring_up_to_date(pipeline, [1])

    measure_drift(interrupted(pipeline, meanwhile), Grain.HOUR, starts_of([0]))
    bring_up_to_date(pipeline, range(3))

    assert end_state(installation) == rebuilt(tmp_path, [*events, *LATE, *own], range(3))


# --- who is compared with what --------------------------------------------------------------------------------------


def write_reference(installation: Installation, **columns: Any) -> dict[str, str]:
    pq.write_table(pa.table(columns), installation.home.root / "own.parquet")
    return {"file": "own.parquet"}


def test_segments_are_measured_against_their_own_rows_of_the_reference(installation: Installation) -> None:
    carriers = ["AA"] * 60 + ["a=b"] * 50 + [None] * 40
    reference = write_reference(
        installation,
        distance=np.concatenate((np.arange(60.0), 1000 + np.arange(50.0), 5000 + np.arange(40.0))),
        carrier=pa.array(carriers, type=pa.string()),
        depot=["north", "south"] * 75,
    )
    pipeline = pipeline_of(
        installation,
        reference=reference,
        features={"distance": {"type": "numeric"}},
        segments=["carrier", "depot", ["carrier", "depot"]],
        drift={**SMALL, "segments": ["carrier", ["carrier", "depot"]], "pool": {"rows": 1, "hours": 1}},
    )
    events = []
    for number, (carrier, base) in enumerate((("AA", 0.0), ("a=b", 1000.0), (None, 0.0))):
        for row, event in enumerate(predicted(0, count=25, entity_id=str(number))):
            said = {"distance": base + 2.0 * row, "depot": "north", "carrier": carrier}
            events.append({**event, "features": {name: value for name, value in said.items() if value is not None}})
    ingest(installation, predictions=events)

    measured(pipeline, [0])

    found = {row["segment"]: row for row in stored(installation, measure="overall", feature="distance")}
    assert {segment: row["n_reference"] for segment, row in found.items()} == {
        "all": 150,
        "carrier=AA": 60,
        "carrier=a=b": 50,
        "carrier=(none)": 40,
        "carrier & depot=AA & north": 30,
        "carrier & depot=a=b & north": 25,
        "carrier & depot=(none) & north": 20,
    }
    drifted = {segment for segment, row in found.items() if row["verdict"] == "drift"}
    assert drifted >= {"carrier=(none)", "carrier & depot=(none) & north"}
    assert not drifted & {"carrier=AA", "carrier & depot=AA & north"}
    # One budget over all of them: seven p-values are corrected together.
    q_values = {row["q_value"] for row in found.values()}
    smallest = min(found.values(), key=lambda row: row["p_value"])
    assert min(q_values) >= smallest["p_value"]
    assert max(q_values) <= 1.0


def test_a_reference_file_that_does_not_say_its_segments_has_no_rows_of_any(installation: Installation) -> None:
    reference = write_reference(installation, distance=np.arange(200.0))
    pipeline = pipeline_of(
        installation, reference=reference, segments=["carrier"], drift={**SMALL, "segments": ["carrier"]}
    )
    ingest(installation, predictions=[{**e, "features": {"distance": 5.0}} for e in predicted(0, count=30)])

    measured(pipeline, [0])

    found = {row["segment"]: row for row in stored(installation, measure="overall", feature="distance")}
    assert {segment: row["n_reference"] for segment, row in found.items()} == {"all": 200, "carrier=(none)": 0}
    assert found["carrier=(none)"]["reason"] == "too_few_reference_rows"


def test_versions_and_environments_are_judged_apart(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    groups = [("1", "production", False), ("2", "production", True), ("2", "shadow", False)]
    for version, environment, moved in groups:
        events = predicted(0, count=30, moved=moved, model_version=version, environment=environment)
        ingest(installation, predictions=events)

    measured(pipeline, [0])

    found = stored(installation, measure="overall", feature="distance")
    assert {(r["model_version"], r["environment"], r["verdict"] == "drift") for r in found} == set(groups)
    assert {row["n_window"] for row in found} == {30}


@pytest.mark.parametrize("kind", ["file", "window"])
def test_predictions_and_their_confidence_are_compared_too(installation: Installation, kind: str) -> None:
    rng = np.random.default_rng(3)

    def said(hour: int, shift: float) -> list[dict[str, Any]]:
        return [
            {**event, "predicted_value": float(rng.normal(shift)), "confidence": float(rng.uniform(0.5, 0.9))}
            for event in predicted(hour, count=60)
        ]

    reference = write_reference(
        installation,
        distance=rng.uniform(100, 2000, size=300),
        predicted_value=rng.normal(size=300),
        confidence=rng.uniform(0.5, 0.9, size=300),
    )
    window = {"start": isoformat(START), "end": isoformat(START + 20 * HOUR_MICROS)}
    pipeline = pipeline_of(installation, reference=reference if kind == "file" else window)
    ingest(installation, predictions=[e for hour in range(20) for e in said(hour, 0.0)])
    ingest(installation, predictions=[*said(30, 0.0), *said(31, 2.0)])
    log(pipeline, range(20))

    measured(pipeline, [30, 31])

    def verdicts(hour: int) -> dict[str, str]:
        found = stored(installation, measure="overall", window_start=START + hour * HOUR_MICROS)
        return {row["feature"]: row["verdict"] for row in found if row["drift_type"] == "prediction_drift"}

    assert verdicts(30) == {"(prediction)": "no_drift", "(confidence)": "no_drift"}
    assert verdicts(31) == {"(prediction)": "drift", "(confidence)": "no_drift"}


# --- declarations ---------------------------------------------------------------------------------------------------


def test_a_feature_is_measured_by_its_own_measures_and_its_own_minimum_effects(installation: Installation) -> None:
    ingest(installation, predictions=predicted(0, count=60, moved=True))
    own = {"measures": ["ks", "cramer_von_mises"], "ks": 0.9999}
    features = {
        "distance": {"type": "numeric", "drift": own},
        "carrier": {"type": "categorical", "drift": {"chi2": 0.5}},
    }
    pipeline = pipeline_of(
        installation, features=features, drift={**SMALL, "cramer_von_mises": 0.7, "measures": ["chi2", "g_test"]}
    )

    measured(pipeline, [0])

    found = {(row["feature"], row["measure"]): row for row in stored(installation)}
    assert {measure for feature, measure in found if feature == "distance"} == {"overall", "ks", "cramer_von_mises"}
    assert {measure for feature, measure in found if feature == "carrier"} == {"overall", "chi2", "g_test"}
    assert (found["distance", "ks"]["threshold"], found["distance", "cramer_von_mises"]["threshold"]) == (0.9999, 0.7)
    assert (found["carrier", "chi2"]["threshold"], found["carrier", "g_test"]["threshold"]) == (0.5, 0.5)
    assert found["distance", "ks"]["verdict"] == "drift"  # every value is beyond the reference: KS is 1
    assert found["distance", "cramer_von_mises"]["reason"] == "effect_below_minimum"


def seasonal_reference(installation: Installation) -> dict[str, str]:
    """Twenty days of forty rows an hour, which follow the sun."""
    hours = np.repeat(np.arange(24 * 20), 40)
    values = 10 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(5).normal(size=hours.size)
    instants = START - 21 * DAY_MICROS + hours * HOUR_MICROS
    return write_reference(installation, distance=values, predicted_at=pa.array(instants, pa.timestamp("us", "UTC")))


@pytest.mark.parametrize(
    ("settings", "verdict", "least_effective", "most_effective"),
    [
        ({}, "no_drift", 20.0, 40.0),
        ({"season": "hour_of_day"}, "no_drift", 20.0, 40.0),
        ({"season": "none"}, None, 1.0, 2.0),  # hours differ that much by themselves
        ({"independent_rows": True}, "drift", 40.0, 40.0),
    ],
)
def test_the_declared_season_says_what_is_compared_with_what(
    installation: Installation,
    settings: dict[str, Any],
    verdict: str | None,
    least_effective: float,
    most_effective: float,
) -> None:
    pipeline = pipeline_of(installation, reference=seasonal_reference(installation), drift={**SMALL, **settings})
    rng = np.random.default_rng(6)
    events = [{**event, "features": {"distance": float(10 + rng.normal())}} for event in predicted(6, count=40)]
    ingest(installation, predictions=events)

    measured(pipeline, [6])

    found = overall(installation, 6)
    assert verdict in {None, found["verdict"]}
    assert least_effective <= found["n_effective"] <= most_effective


@pytest.mark.parametrize(
    "instants", [["yesterday"] * 100, pa.array([START] * 99 + [None]), [1.5] * 100], ids=["text", "missing", "fraction"]
)
def test_a_reference_whose_instants_cannot_be_read_is_refused_with_what_to_do(
    installation: Installation, instants: Any
) -> None:
    reference = write_reference(installation, distance=np.arange(100.0), predicted_at=instants)
    pipeline = pipeline_of(installation, reference=reference)
    ingest(installation, predictions=predicted(0))
    log(pipeline, [0])

    [failure] = measure_drift(pipeline, Grain.HOUR, starts_of([0])).failures

    assert isinstance(failure.error, MonitorError)
    assert "column predicted_at of the reference file" in failure.sentence
    assert "it must be timestamps or microseconds UTC, one for each row, or be left out" in failure.sentence


def test_a_new_reference_rewrites_nothing_until_hours_are_computed_again(installation: Installation) -> None:
    first = write_reference(installation, distance=np.arange(100, 2000.0))
    pipeline = pipeline_of(installation, reference=first)
    ingest(installation, predictions=[e for hour in (0, 1) for e in predicted(hour, count=30)])
    measured(pipeline, [0])
    told = stored(installation, every=True)

    write_reference(installation, distance=np.arange(9000.0, 9500.0))
    measured(pipeline, [0, 1])
    assert [row for row in stored(installation, every=True) if row["window_start"] == START] == told
    ids = [overall(installation, hour)["reference_id"] for hour in (0, 1)]
    assert ids[0] != ids[1]
    assert [overall(installation, hour)["verdict"] for hour in (0, 1)] == ["no_drift", "drift"]

    measure_drift(pipeline, Grain.HOUR, starts_of([0]))
    assert overall(installation, 0)["reference_id"] == ids[1]
    past = [row for row in stored(installation, every=True) if row["known_to"] is not None]
    assert {row["reference_id"] for row in past} == {ids[0]}


def test_a_feature_that_was_declared_later_is_missing_in_earlier_hours(installation: Installation) -> None:
    reference = write_reference(installation, distance=np.arange(100, 2000.0), load=np.arange(100, 2000.0))
    both = {"distance": {"type": "numeric"}, "load": {"type": "numeric"}}
    events = [
        {**event, "features": {**event["features"], **({"load": event["features"]["distance"]} if hour else {})}}
        for hour in (0, 1)
        for event in predicted(hour, count=20)
    ]
    ingest(installation, predictions=events)
    log(pipeline_of(installation, reference=reference, features={"distance": {"type": "numeric"}}), [0])
    pipeline = pipeline_of(installation, reference=reference, features=both)

    measured(pipeline, [0, 1])

    found = {
        (row["window_start"], row["feature"]): row
        for row in stored(installation, measure="ks")
        if row["feature"] != "(prediction)"
    }
    assert found[START, "load"]["reason"] == "all_missing"
    assert found[START + HOUR_MICROS, "load"]["n_window"] == 20  # the hour's own, and none of the one before
    assert found[START + HOUR_MICROS, "distance"]["n_window"] in (20, 40)


def test_sealed_hours_are_looked_back_at_and_keep_their_own_verdicts(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    ingest(installation, predictions=[e for hour in range(2) for e in predicted(hour)])
    measured(pipeline, [0, 1])
    told = stored(installation, every=True)
    with writing(installation.engine) as connection:
        entry = ledger.entries(connection, "hourly_drift", [START])["delay", START]
        ledger.publish(connection, [replace(entry, dataset="sealed_events")], now=LONG_AFTER)
    ingest(installation, predictions=predicted(2))

    measured(pipeline, [0, 1, 2])

    found = stored(installation, every=True)
    assert [row for row in found if row["window_start"] < START + 2 * HOUR_MICROS] == told
    assert (overall(installation, 2)["window_count"], overall(installation, 2)["n_window"]) == (3, 24)
