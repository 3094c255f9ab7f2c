from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected, storable_text
from monitoring_pipeline.events.validation.validate import Validator
from monitoring_pipeline.windows import to_micros
from tests.conftest import NOON_MICROS
from tests.ingest_examples import DECLARED, NOTHING_DECLARED, actual, prediction

R = QuarantineReason


def rejection(record: dict[str, object], *, of_actual: bool = False) -> Rejected:
    validator = Validator(DECLARED, now=NOON_MICROS)
    with pytest.raises(Rejected) as caught:
        validator.actual(record) if of_actual else validator.prediction(record)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"model_id": ...}, R.MISSING_FIELD, "model_id"),
        ({"model_id": None}, R.MISSING_VALUE, "model_id"),
        ({"model_id": ""}, R.EMPTY_ID, "model_id"),
        ({"model_id": ["delay"]}, R.WRONG_TYPE, "model_id"),
        ({"prediction_id": ...}, R.MISSING_FIELD, "prediction_id"),
        ({"prediction_id": ""}, R.EMPTY_ID, "prediction_id"),
        ({"prediction_id": "  "}, R.EMPTY_ID, "prediction_id"),
        ({"prediction_id": 1.5}, R.WRONG_TYPE, "prediction_id"),
        ({"prediction_id": True}, R.WRONG_TYPE, "prediction_id"),
        ({"prediction_id": "x" * 201}, R.TOO_LONG, "prediction_id"),
        ({"prediction_id": "a\0b"}, R.BAD_TEXT, "prediction_id"),
        ({"prediction_id": "a\ud800b"}, R.BAD_TEXT, "prediction_id"),
        ({"timestamp": ...}, R.MISSING_FIELD, "timestamp"),
        ({"timestamp": None}, R.MISSING_VALUE, "timestamp"),
        ({"timestamp": 1_772_452_800}, R.WRONG_TYPE, "timestamp"),
        ({"timestamp": "yesterday"}, R.BAD_TIMESTAMP, "timestamp"),
        ({"timestamp": "2026-03-02"}, R.BAD_TIMESTAMP, "timestamp"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, R.BAD_TIMESTAMP, "timestamp"),
        ({"timestamp": "2026-03-02T09:15:00+25:00"}, R.BAD_TIMESTAMP, "timestamp"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, R.OUT_OF_RANGE, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, R.OUT_OF_RANGE, "timestamp"),
        ({"timestamp": "2026-03-02T12:05:00.000001Z"}, R.FUTURE_TIMESTAMP, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, R.OUT_OF_RANGE, "timestamp"),
        ({"received_at": "2026-03-02T12:00:00.000001Z"}, R.FUTURE_TIMESTAMP, "received_at"),
        ({"predicted_value": ...}, R.MISSING_FIELD, "predicted_value"),
        ({"predicted_value": None}, R.MISSING_VALUE, "predicted_value"),
        ({"predicted_value": float("nan")}, R.NOT_FINITE, "predicted_value"),
        ({"predicted_value": float("-inf")}, R.NOT_FINITE, "predicted_value"),
        ({"predicted_value": 10**400}, R.NOT_FINITE, "predicted_value"),
        ({"predicted_value": "NaN"}, R.NOT_FINITE, "predicted_value"),
        ({"predicted_value": "12.5"}, R.WRONG_TYPE, "predicted_value"),
        ({"predicted_value": [1]}, R.WRONG_TYPE, "predicted_value"),
        ({"model_id": "reason", "predicted_value": "x" * 201}, R.TOO_LONG, "predicted_value"),
        ({"model_id": "reason", "predicted_value": ""}, R.MISSING_VALUE, "predicted_value"),
        ({"model_id": "reason", "predicted_value": "-Infinity"}, R.NOT_FINITE, "predicted_value"),
        ({"actual_value": "no number"}, R.WRONG_TYPE, "actual_value"),
        ({"actual_value": float("inf")}, R.NOT_FINITE, "actual_value"),
        ({"prediction_proba": 1.01}, R.OUT_OF_RANGE, "prediction_proba"),
        ({"prediction_proba": True}, R.WRONG_TYPE, "prediction_proba"),
        ({"confidence": -0.1}, R.OUT_OF_RANGE, "confidence"),
        ({"confidence": "high"}, R.WRONG_TYPE, "confidence"),
        ({"latency_ms": -1}, R.OUT_OF_RANGE, "latency_ms"),
        ({"model_version": ""}, R.EMPTY_ID, "model_version"),
        ({"environment": {"name": "x"}}, R.WRONG_TYPE, "environment"),
        ({"entity_id": "e" * 201}, R.TOO_LONG, "entity_id"),
        ({"features": [1, 2]}, R.WRONG_TYPE, "features"),
        ({"features": "{broken"}, R.BROKEN_JSON, "features"),
        ({"features": "[1]"}, R.WRONG_TYPE, "features"),
        ({"features": {"a": {"b": [float("nan")]}}}, R.NOT_FINITE, "features.a.b"),
        ({"features": '{"a": NaN}'}, R.NOT_FINITE, "features.a"),
        ({"features": '{"a": 1e400}'}, R.NOT_FINITE, "features.a"),
        ({"features": {"a": 2**70}}, R.OUT_OF_RANGE, "features"),
        ({"features": {"a": "x\0"}}, R.BAD_TEXT, "features"),
        ({"features": {"a": "\udfff"}}, R.BAD_TEXT, "features"),
        ({"features": {"a": object()}}, R.WRONG_TYPE, "features"),
        ({"features": "[" * 100_000}, R.BROKEN_JSON, "features"),
        ({"probabilities": {"yes": 1.5}}, R.OUT_OF_RANGE, "probabilities.yes"),
        ({"probabilities": {"yes": None}}, R.WRONG_TYPE, "probabilities.yes"),
        ({"probabilities": {"": 0.5}}, R.EMPTY_ID, "probabilities"),
        ({"enviroment": "x"}, R.UNKNOWN_FIELD, "enviroment"),
        ({"carrier": ["UA"]}, R.WRONG_TYPE, "carrier"),
        ({"carrier": float("nan")}, R.NOT_FINITE, "carrier"),
        ({"carrier": "\0"}, R.BAD_TEXT, "carrier"),
    ],
)
def test_a_bad_prediction_is_rejected_with_reason_and_field(
    changes: dict[str, object], reason: QuarantineReason, field: str
) -> None:
    verdict = rejection(prediction(**changes))

    assert (verdict.reason, verdict.field) == (reason, field)
    assert verdict.detail


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"actual_value": None}, R.MISSING_VALUE, "actual_value"),
        ({"actual_value": ...}, R.MISSING_FIELD, "actual_value"),
        ({"actual_value": "late"}, R.WRONG_TYPE, "actual_value"),
        ({"timestamp": "2027-01-01T00:00:00Z"}, R.FUTURE_TIMESTAMP, "timestamp"),
        ({"predicted_value": 1}, R.UNKNOWN_FIELD, "predicted_value"),
        ({"carrier": "UA"}, R.UNKNOWN_FIELD, "carrier"),
        ({"prediction_id": ""}, R.EMPTY_ID, "prediction_id"),
    ],
)
def test_a_bad_actual_is_rejected_with_reason_and_field(
    changes: dict[str, object], reason: QuarantineReason, field: str
) -> None:
    verdict = rejection(actual(**changes), of_actual=True)

    assert (verdict.reason, verdict.field) == (reason, field)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-03-02T09:15:00Z",
        "2026-03-02T09:15:00",
        "2026-03-02 09:15:00",
        "2026-03-02 09:15:00.000000",
        "2026-03-02T10:15:00+01:00",
        "20260302T091500Z",
        "2026-03-02T09:15:00.0000009Z",
        datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        datetime(2026, 3, 2, 9, 15),  # noqa: DTZ001 - one without zone is UTC
    ],
)
def test_a_stamp_without_zone_is_utc_and_any_zone_is_understood(stamp: object) -> None:
    accepted, _ = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(timestamp=stamp))

    assert accepted.predicted_at == to_micros(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))


def test_a_producers_clock_may_run_five_minutes_ahead() -> None:
    accepted, _ = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(timestamp="2026-03-02T12:05:00Z"))

    assert accepted.predicted_at == NOON_MICROS + 300_000_000


def test_rows_of_a_data_frame_are_understood() -> None:
    frame = pd.DataFrame(
        [prediction(prediction_id=7, timestamp=pd.Timestamp("2026-03-02T09:15:00.000000999Z"), latency_ms=np.int64(3))]
    )
    validator = Validator(DECLARED, now=NOON_MICROS)

    [from_records] = frame.to_dict("records")
    from_series = dict(frame.iloc[0])
    with pytest.raises(Rejected) as no_time:
        validator.prediction({**from_series, "timestamp": pd.NaT})

    accepted, _ = validator.prediction({str(name): value for name, value in from_records.items()})
    assert validator.prediction({str(name): value for name, value in from_series.items()}) == (accepted, None)
    assert accepted.predicted_at == to_micros(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
    assert (accepted.prediction_id, accepted.latency_ms) == ("7", 3.0)
    assert (no_time.value.reason, no_time.value.field) == (R.WRONG_TYPE, "timestamp")


def test_what_is_left_out_gets_its_default() -> None:
    accepted, truth = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(features=...))

    assert (accepted.model_version, accepted.environment, accepted.features) == ("unversioned", "production", "{}")
    assert truth is None


def test_null_in_an_optional_field_means_absent() -> None:
    fields = ("actual_value", "features", "model_version", "environment", "confidence", "entity_id", "received_at")

    accepted = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(**dict.fromkeys(fields)))

    assert accepted == Validator(DECLARED, now=NOON_MICROS).prediction(prediction(features=...))


def test_integer_ids_become_text() -> None:
    accepted, _ = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(prediction_id=7, entity_id=8))

    assert (accepted.prediction_id, accepted.entity_id) == ("7", "8")


@pytest.mark.parametrize(
    ("value", "number", "label"),
    [(True, 1.0, None), (3, 3.0, None), (-0.0, 0.0, None), (Decimal("1.5"), 1.5, None), ("on time", None, "on time")],
)
def test_a_predicted_value_is_a_number_or_a_class(value: object, number: float | None, label: str | None) -> None:
    accepted, _ = Validator(NOTHING_DECLARED, now=NOON_MICROS).prediction(prediction(predicted_value=value))

    assert repr((accepted.predicted_value, accepted.predicted_class)) == repr((number, label))


def test_objects_are_written_canonically_whether_they_come_as_object_or_as_text() -> None:
    validator = Validator(DECLARED, now=NOON_MICROS)

    as_object, _ = validator.prediction(prediction(features={"b": 1, "a": "ü"}, probabilities={"y": 1, "x": 0.0}))
    as_text, _ = validator.prediction(prediction(features='{"a":"ü","b":1}', probabilities='{"x":0,"y":1.0}'))

    assert as_object == as_text
    assert (as_object.features, as_object.probabilities) == ('{"a":"ü","b":1}', '{"x":0.0,"y":1.0}')


def test_a_declared_model_may_carry_its_segments_as_extras() -> None:
    accepted, _ = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(carrier="UA"))

    assert accepted.extras == '{"carrier":"UA"}'


def test_an_undeclared_model_may_carry_any_scalar_extra() -> None:
    record = prediction(revenue=12.5, vip=True, note=None, model_id="nobody's")

    accepted, _ = Validator(DECLARED, now=NOON_MICROS).prediction(record)

    assert accepted.extras == '{"revenue":12.5,"vip":true}'


def test_an_unknown_field_is_answered_with_the_nearest_known_one() -> None:
    assert "did you mean environment?" in rejection(prediction(enviroment="x")).detail
    assert "did you mean carrier?" in rejection(prediction(carier="UA")).detail


def test_an_inline_actual_is_observed_at_the_events_own_time() -> None:
    accepted, truth = Validator(DECLARED, now=NOON_MICROS).prediction(prediction(actual_value=14))

    assert truth is not None
    assert (truth.actual_value, truth.observed_at) == (14.0, accepted.predicted_at)


def test_the_validator_forgets_what_it_remembers_before_that_fills_the_memory() -> None:
    validator = Validator(NOTHING_DECLARED, now=NOON_MICROS)

    for number in range(10_050):
        validator.prediction(prediction(model_id=f"m{number}", model_version=f"v{number}"))

    assert len(validator._rules) <= 10_000
    assert len(validator._labels) <= 10_000


@pytest.mark.parametrize("raw", [b"a\xff\0b", "a\0\ud800b", {"a": "\ud800"}, {"a": 2**80, "b": object()}])
def test_whatever_was_received_can_be_stored_as_text(raw: object) -> None:
    text = storable_text(raw)

    assert "\0" not in text
    assert text.encode().decode() == text
