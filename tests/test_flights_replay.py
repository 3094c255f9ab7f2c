"""The demo's models and its replay: nothing is known too early, nothing is lost, the same bytes every time."""

import sys
from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import FEATURES, load_flights
from monitoring_pipeline.simulation.flights.files import REFERENCE_NAMES, write_references
from monitoring_pipeline.simulation.flights.replay import ReplayDay, replay
from monitoring_pipeline.simulation.flights.scores import june_scores
from monitoring_pipeline.simulation.flights.spring import predicted_spring
from monitoring_pipeline.simulation.flights.train import DELAY_MODEL_ID, LATE_THRESHOLD, FlightModels, fit, train
from monitoring_pipeline.windows import DAY_MICROS, to_micros

Events = list[dict[str, Any]]

LATE_COLUMNS = ["predicted_value", "prediction_proba", "actual_value"]
KNOWN_ONLY_LATER = ["arrival_delay_minutes", "landed_at"]


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return load_flights()


@pytest.fixture(scope="module")
def models(flights: pd.DataFrame) -> FlightModels:
    return train(flights)


@pytest.fixture(scope="module")
def days(flights: pd.DataFrame, models: FlightModels, tmp_path_factory: pytest.TempPathFactory) -> list[ReplayDay]:
    return list(replay(flights, models, tmp_path_factory.mktemp("replay")))


@pytest.fixture(scope="module")
def predictions(days: list[ReplayDay]) -> dict[date, Events]:
    return _events(days, "predictions")


@pytest.fixture(scope="module")
def actuals(days: list[ReplayDay]) -> dict[date, Events]:
    return _events(days, "actuals")


def test_the_models_see_only_what_is_known_at_departure(flights: pd.DataFrame, models: FlightModels) -> None:
    some = flights.iloc[150_000:150_500]

    blind = some.drop(columns=KNOWN_ONLY_LATER)

    assert list(models.delay.feature_names_in_) == list(FEATURES)
    assert list(models.late.feature_names_in_) == list(FEATURES)
    assert (models.delay_minutes(blind) == models.delay_minutes(some)).all()
    assert not set(FEATURES) & set(KNOWN_ONLY_LATER)


def test_training_ends_in_may(flights: pd.DataFrame, models: FlightModels) -> None:
    spring = flights[flights["departs_at"] < "2013-06-01T04:00Z"]

    assert models.trained_count == spring["landed_at"].notna().sum()


def test_training_tells_its_steps(flights: pd.DataFrame) -> None:
    steps: list[str] = []

    fit(flights.iloc[:2_000], on_progress=steps.append)

    assert [step.split(":")[0] for step in steps] == ["flight_delay", "flight_late"]


def test_in_june_both_models_beat_a_constant(flights: pd.DataFrame, models: FlightModels) -> None:
    scores = june_scores(models, flights)

    assert scores.mae_minutes < scores.constant_mae_minutes
    assert scores.log_loss < scores.constant_log_loss
    assert scores.auc > 0.7
    assert "27,075 flights: MAE" in str(scores)


def test_a_destination_the_models_never_saw_is_predicted_all_the_same(
    flights: pd.DataFrame, models: FlightModels
) -> None:
    anchorage = flights[flights["destination"] == "ANC"]

    assert "ANC" not in models.categories["destination"]
    assert len(models.delay_minutes(anchorage)) == 8


def test_the_replay_covers_28_days_and_the_landings_of_the_day_after(days: list[ReplayDay]) -> None:
    assert [day.day.isoformat() for day in (days[0], days[27], days[28])] == ["2013-06-17", "2013-07-14", "2013-07-15"]
    assert len(days) == 29
    assert days[28].prediction_count == 0
    assert [path.name for path in days[0].files] == ["predictions-2013-06-17.ndjson", "actuals-2013-06-17.ndjson"]
    assert [path.name for path in days[28].files] == ["actuals-2013-07-15.ndjson"]


def test_each_flight_is_predicted_once_by_each_model(
    flights: pd.DataFrame, days: list[ReplayDay], predictions: dict[date, Events]
) -> None:
    departing = flights[flights["departs_at"].between("2013-06-17T00:00Z", "2013-07-14T23:59Z")]

    made = Counter((event["model_id"], event["prediction_id"]) for events in predictions.values() for event in events)

    wanted = {(model, flight) for model in ("flight_delay", "flight_late") for flight in departing["prediction_id"]}
    assert set(made) == wanted
    assert sum(made.values()) == len(wanted) == sum(day.prediction_count for day in days) == 52_654


def test_each_landing_is_told_once_and_a_cancelled_flight_never(
    flights: pd.DataFrame, days: list[ReplayDay], actuals: dict[date, Events], predictions: dict[date, Events]
) -> None:
    landed = set(flights.loc[flights["landed_at"].notna(), "prediction_id"])

    told = Counter((event["model_id"], event["prediction_id"]) for events in actuals.values() for event in events)

    predicted = {(event["model_id"], event["prediction_id"]) for events in predictions.values() for event in events}
    assert set(told) == {(model, flight) for model, flight in predicted if flight in landed}
    assert sum(told.values()) == len(told) == sum(day.actual_count for day in days) == 50_116


def test_each_files_events_lie_in_its_day_and_are_known_before_the_day_closes(
    days: list[ReplayDay], predictions: dict[date, Events], actuals: dict[date, Events]
) -> None:
    for day in days:
        day_end = pd.Timestamp(day.day, tz="UTC") + pd.Timedelta(days=1)
        events = predictions[day.day] + actuals[day.day]

        assert {event["timestamp"][:10] for event in events} == {day.day.isoformat()}
        assert all(event["timestamp"] < event["received_at"] for event in events)
        assert all(_micros(event["received_at"]) < day.now for event in events)
        assert 0 < day.now - to_micros(day_end.to_pydatetime()) < DAY_MICROS / 24


def test_no_truth_is_known_before_its_prediction(predictions: dict[date, Events], actuals: dict[date, Events]) -> None:
    predicted_at = {
        (event["model_id"], event["prediction_id"]): event["received_at"]
        for events in predictions.values()
        for event in events
    }

    waited = [
        event["received_at"] > predicted_at[event["model_id"], event["prediction_id"]]
        for events in actuals.values()
        for event in events
    ]

    assert all(waited)


def test_the_truth_of_late_evening_flights_comes_on_a_later_day(
    predictions: dict[date, Events], actuals: dict[date, Events]
) -> None:
    departure_day = {event["prediction_id"]: day for day, events in predictions.items() for event in events}

    late = sum(departure_day[event["prediction_id"]] < day for day, events in actuals.items() for event in events)

    assert late == 2 * 5_893


def test_events_carry_the_fields_that_ingest_knows_and_nothing_invented(predictions: dict[date, Events]) -> None:
    first, second = predictions[date(2013, 6, 17)][:2]

    shared = {
        "model_id", "timestamp", "prediction_id", "entity_id", "model_version", "environment", "features",
        "received_at", "predicted_value",
    }  # fmt: skip
    assert set(first) == shared
    assert set(second) == {*shared, "prediction_proba"}
    assert list(first["features"]) == list(FEATURES)
    assert (first["model_id"], second["model_id"]) == ("flight_delay", "flight_late")
    assert first["prediction_id"] == second["prediction_id"]


def test_the_classifier_says_late_from_its_threshold_on(predictions: dict[date, Events]) -> None:
    said = [event for events in predictions.values() for event in events if event["model_id"] == "flight_late"]

    assert all(event["predicted_value"] == int(event["prediction_proba"] >= LATE_THRESHOLD) for event in said)
    assert all(0 < event["prediction_proba"] < 1 for event in said)


def test_late_means_more_than_fifteen_minutes(actuals: dict[date, Events]) -> None:
    minutes: dict[str, float] = {}
    late: dict[str, float] = {}
    for event in (event for events in actuals.values() for event in events):
        (minutes if event["model_id"] == "flight_delay" else late)[event["prediction_id"]] = event["actual_value"]

    assert 15 in minutes.values()
    assert all(late[flight] == int(delay > 15) for flight, delay in minutes.items())


def test_a_second_training_and_replay_write_the_same_bytes(
    flights: pd.DataFrame, days: list[ReplayDay], tmp_path: Path
) -> None:
    again = list(islice(replay(load_flights(), train(flights), tmp_path), 3))

    for day, repeated in zip(days, again, strict=False):
        assert [path.read_bytes() for path in repeated.files] == [path.read_bytes() for path in day.files]
        assert (repeated.now, repeated.prediction_count) == (day.now, day.prediction_count)


def test_the_references_are_the_training_months_with_instants_predictions_and_truth(
    flights: pd.DataFrame, tmp_path: Path
) -> None:
    # One flight in forty of each month: what is in the files does not depend on how many there are.
    some = flights[flights["month"] <= 6].iloc[::40]

    write_references(some, tmp_path / "new")
    write_references(some, tmp_path / "again")

    spring = some[some["month"] <= 5]
    for model_id, name in REFERENCE_NAMES.items():
        table = pd.read_parquet(tmp_path / "new" / name)
        outputs = ["predicted_value", "actual_value"] if model_id == DELAY_MODEL_ID else LATE_COLUMNS
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert list(table.columns) == [*FEATURES, "predicted_at", *outputs]
        assert table["predicted_at"].tolist() == spring["departs_at"].tolist()
        assert (table["actual_value"].notna().to_numpy() == spring["landed_at"].notna().to_numpy()).all()
    assert (table["predicted_value"] == (table["prediction_proba"] >= LATE_THRESHOLD)).all()


def test_each_month_of_the_spring_is_predicted_by_models_that_have_not_seen_it(flights: pd.DataFrame) -> None:
    some = flights[flights["month"] <= 5].iloc[::40]
    march = some["month"] == 3
    lied = some.assign(arrival_delay_minutes=some["arrival_delay_minutes"].mask(march, 999.0))

    honest, misled = predicted_spring(some), predicted_spring(lied)

    same = honest["predicted_minutes"] == misled["predicted_minutes"]
    assert same[march].all()
    assert not same[~march].all()


def test_a_missing_scikit_learn_is_one_sentence_with_the_command_that_mends_it(
    flights: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)

    with pytest.raises(MonitorError, match=r'scikit-learn .* pip install "monitoring-pipeline\[demo\]"'):
        train(flights)


def _events(days: list[ReplayDay], kind: str) -> dict[date, Events]:
    return {
        day.day: [
            orjson.loads(line)
            for path in day.files
            if path.name.startswith(kind)
            for line in path.read_bytes().splitlines()
        ]
        for day in days
    }


def _micros(stamp: str) -> int:
    return to_micros(pd.Timestamp(stamp).to_pydatetime())
