from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import DECLARED, actual, adds_up, empty, prediction, stored

NINE = NOON_MICROS - 3 * HOUR_MICROS
QUARTER_PAST_NINE = NINE + HOUR_MICROS // 4


@pytest.fixture
def land(engine: Engine, clock: FixedClock) -> "Lander":
    return Lander(engine, clock)


class Lander:
    """Ingests rows a second after the previous ones."""

    def __init__(self, engine: Engine, clock: FixedClock) -> None:
        self._engine, self._clock = engine, clock

    def predictions(self, *rows: dict[str, object]) -> IngestReport:
        return self._land(Kind.PREDICTIONS, rows)

    def actuals(self, *rows: dict[str, object]) -> IngestReport:
        return self._land(Kind.ACTUALS, rows)

    def _land(self, kind: Kind, rows: tuple[dict[str, object], ...]) -> IngestReport:
        self._clock.advance(seconds=1)
        report = ingest_rows(self._engine, rows, kind=kind, config=DECLARED, clock=self._clock)
        assert adds_up(report)
        return report


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.accepted, report.duplicates, report.conflicts, report.quarantined


def test_every_field_of_a_prediction_is_stored(engine: Engine, land: Lander) -> None:
    land.predictions(
        prediction(
            model_version="v2",
            environment="staging",
            prediction_proba=0.25,
            probabilities={"no": 0.75, "yes": 0.25},
            confidence=0.75,
            latency_ms=3,
            entity_id='tail 17, "x"\n\\.\n',
            carrier="UA",
            received_at="2026-03-02 09:16:00",
        )
    )

    [row] = stored(engine, "predictions")
    assert row.pop("batch_id")
    assert row == {
        "model_id": "delay",
        "prediction_id": "p1",
        "predicted_at": QUARTER_PAST_NINE,
        "model_version": "v2",
        "environment": "staging",
        "predicted_value": 12.5,
        "predicted_class": None,
        "prediction_proba": 0.25,
        "probabilities": '{"no":0.75,"yes":0.25}',
        "confidence": 0.75,
        "latency_ms": 3.0,
        "entity_id": 'tail 17, "x"\n\\.\n',
        "features": '{"carrier":"UA","distance":300}',
        "extras": '{"carrier":"UA"}',
        "received_at": QUARTER_PAST_NINE + 60_000_000,
    }


@pytest.mark.parametrize(
    "text", ["Ünï ✈", 'quo"te', "comma,", "tab\t", "\\N", "\\.", "'; DROP TABLE predictions; --", " x", "a\rb", "\r."]
)
def test_any_unicode_text_comes_back_as_it_was(engine: Engine, land: Lander, text: str) -> None:
    land.predictions(prediction(prediction_id=text, model_id="reason", predicted_value=text))

    [row] = stored(engine, "predictions")
    assert (row["prediction_id"], row["predicted_class"]) == (text, text)


@pytest.mark.parametrize("examples", [40])
def test_control_characters_anywhere_come_back_as_they_were(engine: Engine, clock: FixedClock, examples: int) -> None:
    specials = st.text(st.sampled_from("\r\n\t\\.\",'a\x01\x1a\x1b\x7f\x85\u2028"), min_size=1, max_size=6)
    texts = specials.filter(lambda text: not text.isspace())

    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(texts, texts, texts)
    def holds(model_id: str, prediction_id: str, other: str) -> None:
        empty(engine)
        event = prediction(model_id=model_id, prediction_id=prediction_id, predicted_value=other, entity_id=other)
        rows = [event, {**event, "prediction_id": "z", "actual_value": other, "features": {other: other}}]

        report = ingest_rows(engine, rows, kind=Kind.PREDICTIONS, config=DECLARED, clock=clock)

        assert report.accepted == 2
        found = {row["prediction_id"]: row for row in stored(engine, "predictions")}
        names = ("model_id", "entity_id", "predicted_class")
        assert all(tuple(row[name] for name in names) == (model_id, other, other) for row in found.values())
        assert found.keys() == {prediction_id, "z"}
        assert stored(engine, "actuals")[0]["actual_class"] == other

    holds()


@pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1e-7, 2**53 + 2])
def test_numbers_come_back_bit_equal(engine: Engine, land: Lander, number: float) -> None:
    land.predictions(prediction(predicted_value=number))

    assert stored(engine, "predictions")[0]["predicted_value"] == number


def test_the_same_prediction_again_is_a_duplicate_and_touches_nothing(engine: Engine, land: Lander) -> None:
    first = land.predictions(prediction())
    before = {table: stored(engine, table) for table in ("predictions", "hour_revision", "quarantine")}

    again = land.predictions(prediction(), prediction(features='{"carrier": "UA", "distance": 300.0}'))

    assert (counts(first), counts(again)) == ((1, 0, 0, 0), (0, 2, 0, 0))
    assert again.touched_hours == 0
    assert {table: stored(engine, table) for table in before} == before


def test_a_repetition_within_one_batch_is_a_duplicate(engine: Engine, land: Lander) -> None:
    report = land.predictions(prediction(), prediction())

    assert counts(report) == (1, 1, 0, 0)
    assert len(stored(engine, "predictions")) == 1


def test_a_prediction_that_contradicts_the_first_is_kept_apart_as_a_conflict(engine: Engine, land: Lander) -> None:
    land.predictions(prediction())

    report = land.predictions(prediction(predicted_value=99.0, actual_value=1.0))

    assert counts(report) == (0, 0, 1, 0)
    assert report.reasons == {"conflicting_prediction": 1}
    assert stored(engine, "predictions")[0]["predicted_value"] == 12.5
    assert stored(engine, "actuals") == []
    [row] = stored(engine, "quarantine")
    assert (row["reason"], row["field"], row["line"]) == ("conflicting_prediction", "prediction_id", 1)
    assert '"predicted_value":99.0' in row["raw"]


def test_a_conflict_within_one_batch_is_resolved_the_same_way(engine: Engine, land: Lander) -> None:
    report = land.predictions(prediction(), prediction(features={"distance": 301}))

    assert counts(report) == (1, 0, 1, 0)
    assert stored(engine, "predictions")[0]["features"] == '{"carrier":"UA","distance":300}'


def test_equal_prediction_ids_of_two_models_are_two_predictions(engine: Engine, land: Lander) -> None:
    report = land.predictions(prediction(), prediction(model_id="late", predicted_value=True))

    assert counts(report) == (2, 0, 0, 0)
    assert len(stored(engine, "predictions")) == 2


def test_an_inline_actual_is_appended_like_an_actual_event(engine: Engine, land: Lander) -> None:
    report = land.predictions(prediction(actual_value=14))

    assert (report.received, report.accepted) == (1, 1)
    [row] = stored(engine, "actuals")
    assert (row["revision"], row["actual_value"], row["observed_at"]) == (1, 14.0, QUARTER_PAST_NINE)
    assert row["predicted_at"] == QUARTER_PAST_NINE


def test_a_known_prediction_that_now_brings_its_actual_is_accepted_for_the_actual(engine: Engine, land: Lander) -> None:
    land.predictions(prediction())

    labelled = land.predictions(prediction(actual_value=14))
    again = land.predictions(prediction(actual_value=14))

    assert (counts(labelled), counts(again)) == ((1, 0, 0, 0), (0, 1, 0, 0))
    assert [row["actual_value"] for row in stored(engine, "actuals")] == [14.0]


def test_truth_is_appended_as_revisions_and_never_overwritten(engine: Engine, land: Lander, clock: FixedClock) -> None:
    land.predictions(prediction())
    first = land.actuals(actual(actual_value=20))
    corrected = land.actuals(actual(actual_value=25), actual(actual_value=25), actual(actual_value=20))

    assert (counts(first), first.revised) == ((1, 0, 0, 0), 0)
    assert (counts(corrected), corrected.revised) == ((1, 2, 0, 0), 1)
    rows = stored(engine, "actuals")
    assert [(row["revision"], row["actual_value"]) for row in rows] == [(1, 20.0), (2, 25.0)]
    assert [row["received_at"] for row in rows] == [clock.now - 1_000_000, clock.now]


def test_a_later_truth_holds_though_the_clock_was_stepped_back(engine: Engine, land: Lander, clock: FixedClock) -> None:
    land.predictions(prediction(), prediction(prediction_id="p2"))
    land.actuals(actual(actual_value=20))
    before = clock.now

    clock.advance(hours=-1)
    land.actuals(actual(actual_value=25), actual(prediction_id="p2"))
    land.predictions(prediction(actual_value=30))

    rows = [(row["prediction_id"], row["actual_value"], row["received_at"]) for row in stored(engine, "actuals")]
    assert rows == [
        ("p1", 20.0, before),
        ("p1", 25.0, before + 1),
        ("p1", 30.0, before + 2),
        ("p2", 20.0, clock.now - 1_000_000),
    ]


def test_a_declared_knowledge_time_is_taken_as_it_is_and_later_ones_do_not_fall_behind_it(
    engine: Engine, land: Lander
) -> None:
    land.predictions(prediction())
    for hour, value in ((11, 20), (10, 25)):
        land.actuals(actual(actual_value=value, received_at=f"2026-03-02T{hour}:00:00Z"))

    assert [row["received_at"] for row in stored(engine, "actuals")] == [NINE + 2 * HOUR_MICROS, NINE + HOUR_MICROS]


def test_a_truth_that_seems_to_return_without_a_timestamp_is_told_apart_from_other_repetitions(land: Lander) -> None:
    land.predictions(prediction())
    land.actuals(actual(actual_value=20))
    land.actuals(actual(actual_value=25))

    back, again = land.actuals(actual(actual_value=20)), land.actuals(actual(actual_value=25))

    assert (counts(back), back.returned) == ((0, 1, 0, 0), 1)
    assert (counts(again), again.returned) == ((0, 1, 0, 0), 0)


def test_a_truth_that_returns_to_an_earlier_value_is_told_by_its_timestamp(engine: Engine, land: Lander) -> None:
    land.predictions(prediction())

    for minute, value in enumerate((20, 25, 20), start=10):
        land.actuals(actual(actual_value=value, timestamp=f"2026-03-02T11:{minute}:00Z"))

    assert [row["actual_value"] for row in stored(engine, "actuals")] == [20.0, 25.0, 20.0]


def test_an_actual_without_prediction_waits_as_an_orphan_until_the_prediction_comes(
    engine: Engine, land: Lander
) -> None:
    waiting = land.actuals(actual(), actual(prediction_id="other"))
    before = stored(engine, "actuals")
    untouched = stored(engine, "hour_revision")

    land.predictions(prediction())

    assert (waiting.accepted, waiting.orphans, waiting.touched_hours) == (2, 2, 0)
    assert [row["predicted_at"] for row in before] == [None, None]
    assert untouched == []
    adopted, other = sorted(stored(engine, "actuals"), key=lambda row: str(row["prediction_id"]), reverse=True)
    assert adopted == {**before[1], "predicted_at": QUARTER_PAST_NINE}
    assert other == before[0]
    assert [row["hour"] for row in stored(engine, "hour_revision")] == [NINE]


def test_each_transaction_that_touches_an_hour_counts_one_revision(
    engine: Engine, land: Lander, clock: FixedClock
) -> None:
    def revisions() -> list[tuple[int, int, int, int]]:
        rows = stored(engine, "hour_revision")
        return [(row["hour"], row["revision"], row["prediction_revision"], row["changed_at"]) for row in rows]

    start = clock.now
    land.predictions(prediction(), prediction(prediction_id="p2"))
    after_predictions = revisions()
    land.actuals(actual(), actual(prediction_id="p2"))
    after_actuals = revisions()
    land.predictions(prediction(prediction_id="p3"), prediction(prediction_id="p4", timestamp="2026-03-02T10:00:00Z"))

    assert after_predictions == [(NINE, 1, 1, start + 1_000_000)]
    assert after_actuals == [(NINE, 2, 1, start + 2_000_000)]
    assert revisions() == [(NINE, 3, 3, start + 3_000_000), (NINE + HOUR_MICROS, 1, 1, start + 3_000_000)]


def test_a_historical_import_keeps_its_own_knowledge_time_but_the_hour_changes_now(
    engine: Engine, land: Lander, clock: FixedClock
) -> None:
    land.predictions(prediction(received_at="2026-03-02T09:15:01Z"))
    land.actuals(actual(received_at="2026-03-02T11:00:00Z"))

    assert stored(engine, "predictions")[0]["received_at"] == QUARTER_PAST_NINE + 1_000_000
    assert stored(engine, "actuals")[0]["received_at"] == NINE + 2 * HOUR_MICROS
    assert stored(engine, "hour_revision")[0]["changed_at"] == clock.now


def test_the_same_prediction_with_another_knowledge_time_is_a_duplicate(land: Lander) -> None:
    land.predictions(prediction())

    assert counts(land.predictions(prediction(received_at="2026-03-02T10:00:00Z"))) == (0, 1, 0, 0)


def test_a_rejected_row_is_quarantined_once_however_often_it_comes(engine: Engine, land: Lander) -> None:
    first = land.predictions(prediction(), prediction(prediction_id="", predicted_value=1.0))
    again = land.predictions(prediction(prediction_id="", predicted_value=1.0))

    assert (counts(first), counts(again)) == ((1, 0, 0, 1), (0, 0, 0, 1))
    [row] = stored(engine, "quarantine")
    assert (row["line"], row["field"], row["reason"]) == (2, "prediction_id", "empty_id")
    assert (row["kind"], row["source"]) == ("predictions", "python")
    assert first.samples[0].line == 2


def test_a_row_of_python_that_is_no_mapping_is_quarantined(engine: Engine, clock: FixedClock) -> None:
    rows: list[dict[str, object]] = [["not", "a", "mapping"]]  # type: ignore[list-item]  # what a caller may do

    report = ingest_rows(engine, rows, kind=Kind.ACTUALS, config=DECLARED, clock=clock)

    assert report.reasons == {"not_an_object": 1}


def test_each_call_is_on_record_with_its_counts_also_an_empty_one(engine: Engine, land: Lander) -> None:
    land.predictions(prediction(), prediction(), prediction(predicted_value=1.0), prediction(model_id=""))
    land.actuals()

    batches = sorted(stored(engine, "ingest_batches"), key=lambda row: int(row["received_at"]))
    names = ("kind", "received_count", "accepted_count", "duplicate_count", "conflict_count", "quarantined_count")
    assert [tuple(row[name] for name in names) for row in batches] == [
        ("predictions", 4, 1, 1, 1, 1),
        ("actuals", 0, 0, 0, 0, 0),
    ]
    assert {row["batch_id"] for row in stored(engine, "predictions")} == {batches[0]["batch_id"]}


@pytest.mark.parametrize("kind", ["actuals", Kind.ACTUALS])
def test_the_kind_may_be_written_as_a_word(engine: Engine, clock: FixedClock, kind: Any) -> None:
    rows = [{"model_id": "m", "prediction_id": "p", "actual_value": 1.0}]

    report = ingest_rows(engine, rows, kind=kind, config=MonitoringConfig(), clock=clock)

    assert (report.kind, report.accepted, report.orphans) == (Kind.ACTUALS, 1, 1)


def test_a_kind_that_does_not_exist_is_refused(engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(ValueError, match="outcomes"):
        ingest_rows(engine, [], kind="outcomes", config=MonitoringConfig(), clock=clock)  # type: ignore[arg-type]  # what is tested
