"""What a declared model predicts, and its declared features, are of the declared kind or refused at the door."""

from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pytest

from monitoring_pipeline.config.models import Feature, FeatureType, Model, MonitoringConfig, Task
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.read import PREDICTION_COLUMNS
from monitoring_pipeline.events.schema import Actual, Prediction
from monitoring_pipeline.events.validation.validate import Validator
from monitoring_pipeline.stages.rows.columns import logged_table, texts
from tests.conftest import NOON_MICROS
from tests.ingest_examples import actual, prediction

R = QuarantineReason
TYPES = {"speed": "numeric", "night": "boolean", "origin": "categorical", "note": "text"}
VALIDATOR = Validator(
    MonitoringConfig(
        models=[
            Model(
                id="delay", task=Task.REGRESSION, features={k: Feature(type=FeatureType(v)) for k, v in TYPES.items()}
            ),
            Model(id="late", task=Task.BINARY),
            Model(id="reason", task=Task.MULTICLASS),
            Model(id="colour", task=Task.MULTICLASS, classes=["red", "green", "2"]),
        ]
    ),
    now=NOON_MICROS,
)


def predicted(model_id: str, value: object) -> Prediction:
    return VALIDATOR.prediction(prediction(model_id=model_id, predicted_value=value, features=...))[0]


def learned(model_id: str, value: object) -> Actual:
    return VALIDATOR.actual(actual(model_id=model_id, actual_value=value))


def feature(name: str, value: object) -> object:
    [found] = orjson.loads(VALIDATOR.prediction(prediction(features={name: value}))[0].features).values()
    return found


@pytest.mark.parametrize(
    ("said", "number"),
    [(0, 0.0), (1.0, 1.0), (True, 1.0), (False, 0.0), ("true", 1.0), ("False", 0.0), ("1", 1.0), (np.True_, 1.0)],
)
def test_a_binary_model_says_yes_or_no(said: object, number: float) -> None:
    assert predicted("late", said)[5:7] == (number, None)
    assert learned("late", said)[2:4] == (number, None)


@pytest.mark.parametrize(
    ("said", "reason", "remedy"),
    [
        (5, R.OUT_OF_RANGE, "allowed is 0 or 1"),
        (0.7, R.OUT_OF_RANGE, "a probability belongs in prediction_proba"),
        (float("nan"), R.NOT_FINITE, "leave out what is unknown"),
        ("nan", R.NOT_FINITE, "leave out what is unknown"),
        ("yes", R.WRONG_TYPE, "write 0 or 1 (or false, true), or declare the model's task as multiclass"),
        ("", R.MISSING_VALUE, "is empty"),
        ([1], R.WRONG_TYPE, "is a list"),
    ],
)
def test_what_a_binary_model_cannot_say_is_refused_with_the_remedy(
    said: object, reason: QuarantineReason, remedy: str
) -> None:
    with pytest.raises(Rejected, match=r".") as of_prediction:
        predicted("late", said)
    with pytest.raises(Rejected) as of_actual:
        learned("late", said)

    assert (of_prediction.value.reason, of_prediction.value.field) == (reason, "predicted_value")
    assert (of_actual.value.reason, of_actual.value.field) == (reason, "actual_value")
    assert remedy in of_prediction.value.detail


@pytest.mark.parametrize(
    ("said", "name"),
    [(2, "2"), (2.0, "2"), (Decimal(2), "2"), (2.5, "2.5"), (True, "true"), (False, "false"), ("007", "007")],
)
def test_numbers_and_booleans_of_a_multiclass_model_name_classes(said: object, name: str) -> None:
    assert predicted("reason", said)[5:7] == (None, name)
    assert learned("reason", said)[2:4] == (None, name)


@pytest.mark.parametrize(
    ("said", "reason"),
    [("", R.MISSING_VALUE), (float("inf"), R.NOT_FINITE), ("NaN", R.NOT_FINITE), ({}, R.WRONG_TYPE)],
)
def test_what_names_no_class_is_refused(said: object, reason: QuarantineReason) -> None:
    with pytest.raises(Rejected) as caught:
        predicted("reason", said)

    assert caught.value.reason is reason


def test_a_prediction_outside_of_the_declared_classes_is_refused_and_such_a_truth_is_welcome() -> None:
    with pytest.raises(Rejected, match="'blue' is not one of the model's 3 classes") as caught:
        predicted("colour", "blue")

    assert (caught.value.reason, caught.value.field) == (R.OUT_OF_RANGE, "predicted_value")
    assert predicted("colour", 2)[6] == "2"
    assert learned("colour", "blue")[3] == "blue"


@pytest.mark.parametrize("said", [True, "3", "three"])
def test_a_regression_model_says_numbers_only(said: object) -> None:
    for say in (predicted, learned):
        with pytest.raises(Rejected) as caught:
            say("delay", said)
        assert caught.value.reason is R.WRONG_TYPE


@pytest.mark.parametrize(
    ("value", "kept"), [(17, 17), (1.5, 1.5), ("17", 17), (" -1.5", -1.5), ("1e3", 1000), (True, 1), (np.int64(3), 3)]
)
def test_a_numeric_feature_takes_a_number_or_a_text_that_writes_one(value: object, kept: float) -> None:
    assert feature("speed", value) == kept


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("speed", "abc", R.WRONG_TYPE),
        ("speed", "", R.WRONG_TYPE),
        ("speed", "1_000", R.WRONG_TYPE),
        ("speed", [1], R.WRONG_TYPE),
        ("speed", "NaN", R.NOT_FINITE),
        ("speed", "1e400", R.NOT_FINITE),
        ("speed", float("nan"), R.NOT_FINITE),
        ("night", "yes", R.WRONG_TYPE),
        ("night", 2, R.WRONG_TYPE),
        ("night", {}, R.WRONG_TYPE),
        ("night", float("nan"), R.NOT_FINITE),
    ],
)
def test_a_feature_that_is_not_of_its_declared_type_is_refused_by_its_name(
    name: str, value: object, reason: QuarantineReason
) -> None:
    with pytest.raises(Rejected) as caught:
        feature(name, value)

    assert (caught.value.reason, caught.value.field) == (reason, f"features.{name}")


@pytest.mark.parametrize("value", [True, 1, 1.0, "True", "true", "1", np.True_])
def test_a_boolean_feature_says_the_same_however_it_is_written(value: object) -> None:
    assert feature("night", value) is True


@pytest.mark.parametrize(("name", "value"), [("origin", "007"), ("origin", 7), ("note", "1"), ("speed", None)])
def test_other_features_and_unknown_ones_stay_as_they_are(name: str, value: object) -> None:
    assert feature(name, value) == value


def test_features_that_come_as_text_are_held_to_their_types_too() -> None:
    accepted, _ = VALIDATOR.prediction(prediction(features='{"speed": "17", "night": 0}'))

    assert orjson.loads(accepted.features) == {"speed": 17, "night": False}


def test_a_declared_boolean_is_one_value_in_the_lake_however_an_older_event_or_a_file_wrote_it() -> None:
    model = Model(id="m", task=Task.REGRESSION, features={"night": Feature(type=FeatureType.BOOLEAN)})
    written = [True, 1, 1.0, "True", False, 0, "false", "yes", None]
    blank = dict.fromkeys(PREDICTION_COLUMNS)
    rows = [{**blank, "prediction_id": str(n), "features": orjson.dumps({"night": v})} for n, v in enumerate(written)]

    table = logged_table(model, [tuple(row.values()) for row in rows])

    expected = ["true"] * 4 + ["false"] * 3 + ["yes", None]
    assert table["f.night"].to_pylist() == expected
    assert texts(pa.chunked_array([["1", "0", "True"]]), boolean=True) == ["true", "false", "true"]
    assert texts(pa.chunked_array([[1, 0]]), boolean=True) == ["true", "false"]
    assert texts(pa.chunked_array([[1, 0]])) == ["1", "0"]
