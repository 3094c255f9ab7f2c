"""Drift of every kind of input through the real pipeline: texts, instants, vectors, and all inputs together."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from monitoring_pipeline.config.models import DriftSettings
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.ingest import ingest_file, ingest_rows
from monitoring_pipeline.events.read import PREDICTION_COLUMNS
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.estimating.rows import learning_columns
from monitoring_pipeline.stages.rows.columns import logged_table
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.drift_examples import DAY_BEFORE, Features, events_of, measured, opened, reference_of, verdicts
from tests.pipeline_examples import START, Event, ingest, table_rows

TOGETHER, TIES = "(inputs together)", "(ties between inputs)"
BOTH = {"multivariate": ["reconstruction", "domain_classifier"]}
TABLE = {"x": "numeric", "y": "numeric", "z": "numeric", "plan": "categorical"}


def row_of(x: float, y: float, z: float, *, plan: str = "basic") -> Event:
    return {"x": x, "y": y, "z": z, "plan": plan}


def tied(rng: np.random.Generator, _at: int) -> Event:
    x = rng.normal()
    return row_of(x, x + 0.3 * rng.normal(), x + 0.3 * rng.normal(), plan=str(rng.choice(["basic", "full"])))


def untied(rng: np.random.Generator, _at: int) -> Event:
    """Each feature as in :func:`tied`, but none goes with another."""
    spread = np.sqrt(1.09)
    values = rng.normal(), spread * rng.normal(), spread * rng.normal()
    return row_of(*values, plan=str(rng.choice(["basic", "full"])))


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Installation]:
    with opened(tmp_path, TABLE, reference=reference_of(tied), drift=BOTH) as installation:
        yield installation


def test_inputs_that_no_longer_go_together_are_seen_although_each_looks_as_ever(together: Installation) -> None:
    found = verdicts(measured(together, events_of(untied)))

    assert found == dict.fromkeys(TABLE, "no_drift") | {TOGETHER: "drift", TIES: "drift"}


def test_inputs_that_go_together_as_ever_have_not_drifted_and_hours_are_not_looked_at(together: Installation) -> None:
    found = verdicts(measured(together, events_of(tied)))
    of_an_hour = verdicts(measured(together, [], grain=Grain.HOUR))

    assert found == dict.fromkeys([*TABLE, TOGETHER, TIES], "no_drift")
    assert of_an_hour.keys() == TABLE.keys()


def test_the_classifier_names_the_features_that_tell_the_rows_apart(together: Installation) -> None:
    def moved(rng: np.random.Generator, at: int) -> Event:
        return {**untied(rng, at), "y": rng.normal(2.5, 1.0), "z": rng.normal(1.0, 1.0)}

    row = measured(together, events_of(moved))[TOGETHER, "domain_classifier"]

    said = json.loads(row["detail"])
    assert said["auc"] == pytest.approx((1 + row["value"]) / 2)
    assert said["top_features"][0]["feature"] == "y"
    assert (row["drift_type"], row["threshold"], row["n_window"]) == ("data_drift", 0.2, 360)


def test_too_few_rows_are_not_called_healthy(together: Installation) -> None:
    results = measured(together, events_of(tied, hours=[0], per_hour=10))

    assert {(r["verdict"], r["reason"]) for r in results.values() if r["feature"] in (TOGETHER, TIES)} == {
        ("not_enough_data", "too_few_window_rows")
    }


def test_a_reference_without_rows_says_so_of_all_inputs_together(tmp_path: Path) -> None:
    with opened(tmp_path, TABLE, reference=DAY_BEFORE, drift=BOTH) as installation:
        results = measured(installation, events_of(tied))

        assert {r["reason"] for r in results.values()} == {"too_few_reference_rows"}
        assert {TOGETHER, TIES} <= verdicts(results).keys()


def with_weather(rng: np.random.Generator, at: int) -> Event:
    weather = np.random.default_rng(at // DAY_MICROS).normal(0, 0.25)
    return row_of(rng.normal() + weather, rng.normal(), rng.normal())


@pytest.mark.parametrize(("independent_rows", "expected"), [(False, "no_drift"), (True, "drift")])
def test_the_weather_of_a_day_tells_its_rows_apart_and_is_not_drift(
    tmp_path: Path, independent_rows: bool, expected: str
) -> None:
    settings = {"multivariate": ["domain_classifier"], "independent_rows": independent_rows, "domain_classifier": 0.05}

    def that_day(rng: np.random.Generator, _at: int) -> Event:
        return row_of(rng.normal() + 0.5, rng.normal(), rng.normal())

    with opened(tmp_path, TABLE, reference=reference_of(with_weather), drift=settings) as installation:
        found = verdicts(measured(installation, events_of(that_day)))

        assert found[TOGETHER] == expected


def test_a_day_is_told_apart_from_days_like_it(tmp_path: Path) -> None:
    def quiet_sundays(rng: np.random.Generator, at: int) -> Event:
        sunday = (at // DAY_MICROS - START // DAY_MICROS) % 7 == 6
        return row_of(rng.normal() + 3 * sunday, rng.normal(), rng.normal())

    reference = reference_of(quiet_sundays, days=70)
    with opened(tmp_path, TABLE, reference=reference, drift=BOTH) as installation:
        results = measured(installation, events_of(quiet_sundays))  # a Monday

        assert verdicts(results)[TOGETHER] == "no_drift"
        assert results[TOGETHER, "domain_classifier"]["n_reference"] == 10 * 40


def test_nobody_looks_at_all_inputs_together_unasked_or_where_there_is_only_one(tmp_path: Path) -> None:
    with opened(tmp_path / "unasked", TABLE, reference=reference_of(tied)) as installation:
        assert verdicts(measured(installation, events_of(tied))).keys() == TABLE.keys()
    features = {"x": "numeric", "y": {"type": "numeric", "drift": False}}
    with opened(tmp_path / "alone", features, reference=reference_of(tied), drift=BOTH) as installation:
        assert verdicts(measured(installation, events_of(tied))).keys() == {"x"}


def test_a_look_at_all_inputs_is_asked_for_once() -> None:
    with pytest.raises(ValidationError, match="multivariate used twice: reconstruction"):
        DriftSettings.model_validate({"multivariate": ["reconstruction", "reconstruction"]})


# Texts

ORDERS = ["order", "parcel", "delivery", "late", "tracking", "courier", "address", "refund", "package", "arrived"]
LOGINS = ["password", "login", "account", "reset", "email", "locked", "browser", "error", "page", "code"]


def speaking_of(words: list[str]) -> Features:
    def features(rng: np.random.Generator, _at: int) -> Event:
        return {"comment": " ".join(rng.choice(words, size=8))}

    return features


@pytest.mark.parametrize(("words", "expected"), [(LOGINS, "drift"), (ORDERS, "no_drift")])
@pytest.mark.parametrize("grain", list(Grain))
def test_another_topic_is_drift_and_the_same_is_not(
    tmp_path: Path, words: list[str], expected: str, grain: Grain
) -> None:
    reference = reference_of(speaking_of(ORDERS))
    with opened(tmp_path, {"comment": "text"}, reference=reference) as installation:
        found = verdicts(measured(installation, events_of(speaking_of(words), per_hour=40), grain=grain))

        assert found.keys() >= {"comment: similarity", "comment: unknown_words", "comment: length"}
        assert (found["comment: similarity"], found["comment: unknown_words"]) == (expected, expected)


def test_texts_of_which_the_reference_has_none_are_not_silently_left_out(tmp_path: Path) -> None:
    empty = pa.table({"comment": pa.nulls(50, pa.string())})
    with opened(tmp_path, {"comment": "text"}, reference=empty) as installation:
        results = measured(installation, events_of(speaking_of(ORDERS)))

        assert {row["reason"] for (_, measure), row in results.items() if measure == "overall"} == {
            "too_few_reference_rows"
        }


# Instants


def booked(days_before: float) -> Features:
    def features(rng: np.random.Generator, at: int) -> Event:
        return {"booked_at": isoformat(at - round(rng.exponential(days_before) * DAY_MICROS))}

    return features


@pytest.mark.parametrize(("days_before", "expected"), [(10, "no_drift"), (30, "drift")])
def test_instants_that_move_with_time_are_not_drift_and_older_ones_are(
    tmp_path: Path, days_before: float, expected: str
) -> None:
    with opened(tmp_path, {"booked_at": "datetime"}, reference=reference_of(booked(10))) as installation:
        found = verdicts(measured(installation, events_of(booked(days_before))))

        assert found["booked_at: age"] == expected
        assert found["booked_at: hour"] == "no_drift"


def test_the_age_of_instants_needs_the_instants_of_the_reference_s_predictions(tmp_path: Path) -> None:
    reference = reference_of(booked(10))
    del reference["predicted_at"]
    with opened(tmp_path, {"booked_at": "datetime"}, reference=reference) as installation:
        results = measured(installation, events_of(booked(10)))

        row = results["booked_at: age", "overall"]
        assert (row["verdict"], row["reason"]) == ("not_enough_data", "too_few_reference_rows")


def test_instants_are_compared_within_segments_too(tmp_path: Path) -> None:
    def by_shop(rng: np.random.Generator, at: int) -> Event:
        shop = str(rng.choice(["east", "west"]))
        return {**booked(10 if shop == "east" else 30)(rng, at), "shop": shop}

    features = {"booked_at": "datetime", "shop": "categorical"}
    split: dict[str, Any] = {"segments": ["shop"], "drift": {"segments": ["shop"]}}
    with opened(tmp_path, features, reference=reference_of(by_shop), **split) as installation:
        measured(installation, events_of(by_shop))

        ages = {
            row["segment"]: row["verdict"]
            for row in table_rows(installation, "drift")
            if (row["feature"], row["measure"]) == ("booked_at: age", "overall")
        }
        assert ages == dict.fromkeys(["all", "shop=east", "shop=west"], "no_drift")


# Vectors

CENTRE = np.array([3.0, 0.0, 0.0, 1.0])


def vectors_around(centre: Any) -> Features:
    def features(rng: np.random.Generator, _at: int) -> Event:
        return {"embedding": (np.asarray(centre) + 0.3 * rng.normal(size=4)).round(4).tolist()}

    return features


@pytest.mark.parametrize(("centre", "expected"), [(CENTRE, "no_drift"), (CENTRE[::-1], "drift")])
def test_vectors_that_point_elsewhere_have_drifted(tmp_path: Path, centre: Any, expected: str) -> None:
    reference = reference_of(vectors_around(CENTRE))
    with opened(tmp_path, {"embedding": "vector"}, reference=reference) as installation:
        found = verdicts(measured(installation, events_of(vectors_around(centre))))

        names = ("distance", "reconstruction_error", "cosine")
        assert found == {f"embedding: {name}": expected for name in names}


def test_a_reference_holds_vectors_as_lists_as_json_or_as_logged_hours(tmp_path: Path) -> None:
    lists = reference_of(vectors_around(CENTRE), days=1, per_day=240)
    written = {**lists, "embedding": [json.dumps(vector) for vector in lists["embedding"]]}
    fixed = pa.table(lists).set_column(1, "embedding", pa.array(lists["embedding"], type=pa.list_(pa.float64(), 4)))
    found = []

    for place, reference in (("lists", lists), ("json", written), ("fixed", fixed), ("logged", DAY_BEFORE)):
        features, drift = {"embedding": "vector"}, {"independent_rows": True}
        with opened(tmp_path / place, features, reference=reference, drift=drift) as installation:
            if reference is DAY_BEFORE:
                log_reference(installation, lists)
            results = measured(installation, events_of(vectors_around(CENTRE)))
            of_vectors = {key: row for key, row in results.items() if key[0].startswith("embedding")}
            found.append({key: (row["value"], row["reference_id"]) for key, row in of_vectors.items()})

    assert found[0] == found[1] == found[2] == found[3]
    assert len(found[0]) == 3 * 6


def log_reference(installation: Installation, rows: dict[str, list[Any]]) -> None:
    common = {"model_id": "m", "predicted_value": 1.0}
    ingest(
        installation,
        predictions=[
            {**common, "prediction_id": f"r{i}", "timestamp": at.isoformat(), "features": {"embedding": vector}}
            for i, (at, vector) in enumerate(zip(rows["predicted_at"], rows["embedding"], strict=True))
        ],
    )
    log_predictions(installation.pipeline, range(START - DAY_MICROS, START, HOUR_MICROS))


def test_vectors_of_which_the_reference_has_too_few_are_not_silently_left_out(tmp_path: Path) -> None:
    reference = {"embedding": [[1.0, 2.0, 3.0, 4.0]] * 5}
    with opened(tmp_path, {"embedding": "vector"}, reference=reference) as installation:
        results = measured(installation, events_of(vectors_around(CENTRE)))

    assert {(row["verdict"], row["reason"], row["value"]) for row in results.values()} == {
        ("not_enough_data", "too_few_reference_rows", None)
    }


def test_a_reference_column_that_cannot_hold_vectors_is_named(tmp_path: Path) -> None:
    with opened(tmp_path, {"embedding": "vector"}, reference={"embedding": [1.0, 2.0]}) as installation:
        ingest(installation, predictions=events_of(vectors_around(CENTRE), hours=[0]))
        log_predictions(installation.pipeline, [START])

        (failure,) = measure_drift(installation.pipeline, Grain.DAY, [START]).failures

        assert isinstance(failure.error, MonitorError)
        assert all(word in failure.sentence for word in ("column embedding", "double", "vector"))


def one_event(value: Any, prediction_id: str = "1") -> Event:
    [event] = events_of(lambda _rng, _at: {"embedding": value}, hours=[0], per_hour=1)
    return {**event, "prediction_id": prediction_id}


def test_a_vector_is_kept_as_its_numbers(tmp_path: Path) -> None:
    written = [[1, 2.5], (1, 2.5), "[1, 2.5]", np.array([1, 2.5])]
    with opened(tmp_path, {"embedding": "vector"}) as installation:
        ingest(installation, predictions=[one_event(value, str(i)) for i, value in enumerate(written)])

        assert logged_vectors(installation) == [[1, 2.5]] * len(written)


def test_what_is_no_list_of_numbers_is_refused(tmp_path: Path) -> None:
    values = [1.0, "near", "{}", [1, "2"], [[1], [2]], [True], {"x": 1}, [1, None]]
    with opened(tmp_path, {"embedding": "vector"}) as installation:
        report = ingest_rows(
            installation.engine,
            [one_event(value, str(i)) for i, value in enumerate(values)],
            kind=Kind.PREDICTIONS,
            config=installation.config,
            clock=installation.clock,
        )

    assert (report.rejected, report.reasons) == (len(values), {"wrong_type": len(values)})


def test_tables_bring_vectors_as_json_and_as_lists(tmp_path: Path) -> None:
    event = one_event([1, 2.5])
    cells = {**{key: value for key, value in event.items() if key != "features"}, "features.embedding": [1, 2.5]}
    pq.write_table(pa.table({name: [value] for name, value in cells.items()}), tmp_path / "events.parquet")
    text = io.StringIO()
    writer = csv.DictWriter(text, cells)
    writer.writeheader()
    writer.writerow({**cells, "prediction_id": "2", "features.embedding": "[1, 2.5]"})
    (tmp_path / "events.csv").write_text(text.getvalue())

    with opened(tmp_path / "home", {"embedding": "vector"}) as installation:
        for name in ("events.parquet", "events.csv"):
            ingest_file(
                installation.engine,
                tmp_path / name,
                kind=Kind.PREDICTIONS,
                config=installation.config,
                clock=installation.clock,
            )

        assert logged_vectors(installation) == [[1, 2.5], [1, 2.5]]


def test_estimates_of_performance_do_not_learn_from_vectors(tmp_path: Path) -> None:
    with opened(tmp_path, {"embedding": "vector", "x": "numeric"}) as installation:
        [model] = installation.config.models
        values = {"prediction_id": "1", "predicted_value": 1.0, "features": '{"embedding":[1,2],"x":1}'}
        table = logged_table(model, [tuple(values.get(name) for name in PREDICTION_COLUMNS)])

        assert set(learning_columns(model, table)) == {"prediction", "f.x"}


def logged_vectors(installation: Installation) -> list[Any]:
    log_predictions(installation.pipeline, [START])
    [path] = installation.home.lake.rglob("*.parquet")
    return [json.loads(text) for text in pq.read_table(path)["f.embedding"].to_pylist()]
