"""Replaying quarantined rows: each is in quarantine or landed, never both, never neither, however often it is tried."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.quarantined import (
    NoSuchRowError,
    QuarantineSelection,
    discard,
    find_quarantined,
    page_of_quarantined,
)
from monitoring_pipeline.events.replay import ROWS_PER_TRANSACTION, ReplayReport, replay
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import FixedClock
from tests.ingest_examples import DECLARED, NOTHING_DECLARED, actual, empty, prediction, stored

ALL = QuarantineSelection()
BINARY = MonitoringConfig(models=[Model(id="delay", task=Task.BINARY)])


def refused(
    engine: Engine, clock: FixedClock, *rows: dict[str, object], config: MonitoringConfig, kind: Kind = Kind.PREDICTIONS
) -> list[dict[str, Any]]:
    ingest_rows(engine, rows, kind=kind, config=config, clock=clock, source="events.ndjson")
    return waiting(engine)


def waiting(engine: Engine, selection: QuarantineSelection = ALL) -> list[dict[str, Any]]:
    return page_of_quarantined(engine, selection, limit=1_000)[0]


def replayed(
    engine: Engine, clock: FixedClock, config: MonitoringConfig = NOTHING_DECLARED, **how: Any
) -> ReplayReport:
    return replay(engine, how.pop("selection", ALL), config=config, clock=clock, **how)


def adds_up(report: ReplayReport) -> bool:
    stayed = report.refused + report.not_tried
    return report.selected == report.accepted + report.duplicates + stayed and stayed == sum(report.reasons.values())


def test_a_row_that_passes_by_now_leaves_the_quarantine_and_lands(engine: Engine, clock: FixedClock) -> None:
    [row] = refused(engine, clock, prediction(), config=BINARY)
    assert (row["reason"], row["model_id"], row["can_be_replayed"]) == ("out_of_range", "delay", True)

    report = replayed(engine, clock)

    assert report.to_dict() == {
        "selected": 1,
        "accepted": 1,
        "duplicates": 0,
        "refused": 0,
        "not_tried": 0,
        "reasons": {},
    }
    assert waiting(engine) == []
    assert [row["predicted_value"] for row in stored(engine, "predictions")] == [12.5]


def test_a_replayed_row_is_known_from_the_replay_on_and_touches_its_hour(engine: Engine, clock: FixedClock) -> None:
    refused(engine, clock, prediction(), config=BINARY)
    clock.advance(hours=5)

    replayed(engine, clock)

    assert [row["received_at"] for row in stored(engine, "predictions")] == [clock()]
    assert [row["changed_at"] for row in stored(engine, "hour_revision")] == [clock()]


def test_a_stamp_that_lay_in_the_future_passes_once_it_does_not(engine: Engine, clock: FixedClock) -> None:
    refused(engine, clock, prediction(timestamp="2026-03-02T13:00:00Z"), config=DECLARED)

    too_early = replayed(engine, clock, DECLARED)
    clock.advance(hours=1)
    in_time = replayed(engine, clock, DECLARED)

    assert (too_early.refused, dict(too_early.reasons)) == (1, {"future_timestamp": 1})
    assert (in_time.accepted, waiting(engine)) == (1, [])


def test_a_row_that_is_still_refused_stays_with_the_reason_that_holds_now(engine: Engine, clock: FixedClock) -> None:
    [before] = refused(engine, clock, prediction(predicted_value="yes", colour="red"), config=DECLARED)

    report = replayed(engine, clock, BINARY)

    [after] = waiting(engine)
    assert report.refused == 1
    assert (before["reason"], before["field"]) == ("unknown_field", "colour")
    assert (after["reason"], after["field"]) == ("unknown_field", "colour")
    replayed(engine, clock, MonitoringConfig(models=[Model(id="delay", task=Task.REGRESSION, segments=["colour"])]))
    [after] = waiting(engine)
    assert (after["reason"], after["field"]) == ("wrong_type", "predicted_value")
    assert {name: after[name] for name in ("quarantine_id", "received_at", "batch_id", "line", "raw")} == {
        name: before[name] for name in ("quarantine_id", "received_at", "batch_id", "line", "raw")
    }


def test_a_conflict_stays_until_a_person_decides(engine: Engine, clock: FixedClock) -> None:
    [row] = refused(engine, clock, prediction(), prediction(predicted_value=99.0), config=NOTHING_DECLARED)

    report = replayed(engine, clock)
    discarded = discard(engine, row["quarantine_id"], by="ana", note="sent twice by mistake", clock=clock)

    assert dict(report.reasons) == {"conflicting_prediction": 1}
    assert (discarded["discarded_by"], discarded["discard_note"]) == ("ana", "sent twice by mistake")
    assert waiting(engine) == []
    assert [row["quarantine_id"] for row in waiting(engine, QuarantineSelection(is_discarded=True))] == [
        row["quarantine_id"]
    ]
    assert replayed(engine, clock).selected == 0


def test_a_discarded_row_that_is_sent_again_stays_discarded(engine: Engine, clock: FixedClock) -> None:
    [row] = refused(engine, clock, prediction(), config=BINARY)
    discard(engine, row["quarantine_id"], by="ana", note="a test", clock=clock)

    assert refused(engine, clock, prediction(), config=BINARY) == []
    again = discard(engine, row["quarantine_id"], by="ben", note="me too", clock=clock)

    assert again["discarded_by"] == "ana"


@pytest.mark.parametrize(
    "row",
    [
        prediction(latency_ms=float("nan")),
        prediction(prediction_id="a\0b"),
        prediction(model_id="a\ud800"),
    ],
)
def test_a_row_whose_kept_text_says_less_than_it_did_is_not_tried(
    engine: Engine, clock: FixedClock, row: dict[str, object]
) -> None:
    [kept] = refused(engine, clock, row, config=NOTHING_DECLARED)

    report = replayed(engine, clock)

    assert (report.selected, report.not_tried, report.accepted) == (1, 1, 0)
    assert not kept["can_be_replayed"]
    assert waiting(engine) == [kept]


def test_predictions_of_a_replay_land_before_their_truth(engine: Engine, clock: FixedClock) -> None:
    refused(engine, clock, actual(), config=BINARY, kind=Kind.ACTUALS)
    clock.advance(seconds=1)
    refused(engine, clock, prediction(), config=BINARY)

    report = replayed(engine, clock)

    assert report.accepted == 2
    assert [row["predicted_at"] is None for row in stored(engine, "actuals")] == [False]


def test_many_rows_are_replayed_in_transactions_of_bounded_size(sqlite_engine: Engine, clock: FixedClock) -> None:
    count = ROWS_PER_TRANSACTION + 5
    refused(sqlite_engine, clock, *(prediction(prediction_id=f"p{i}") for i in range(count)), config=BINARY)

    first = replayed(sqlite_engine, clock, limit=10)
    rest = replayed(sqlite_engine, clock)

    assert (first.accepted, first.next_key is not None, rest.accepted, rest.next_key) == (10, True, count - 10, None)
    assert len(stored(sqlite_engine, "predictions")) == count


def test_a_limited_replay_goes_on_behind_the_rows_that_stayed(engine: Engine, clock: FixedClock) -> None:
    rows = [prediction(prediction_id=f"p{i}", predicted_value="no") for i in range(3)]
    refused(engine, clock, *rows, prediction(prediction_id="good", predicted_value=0.5), config=BINARY)

    reports = [replayed(engine, clock, DECLARED, limit=1)]
    while (after := reports[-1].next_key) is not None:
        reports.append(replayed(engine, clock, DECLARED, limit=1, after=after))

    assert [report.selected for report in reports] == [1, 1, 1, 1]
    assert (len(stored(engine, "predictions")), len(waiting(engine))) == (1, 3)


def test_only_the_rows_that_are_asked_for_are_replayed(engine: Engine, clock: FixedClock) -> None:
    rows = refused(engine, clock, prediction(), prediction(prediction_id="p2"), config=BINARY)

    report = replayed(engine, clock, ids=[rows[0]["quarantine_id"]])
    none = replayed(engine, clock, selection=QuarantineSelection(model_ids=["other"]))

    assert (report.selected, none.selected, len(waiting(engine))) == (1, 0, 1)


def test_the_batch_of_a_replay_keeps_the_law_of_accounting(engine: Engine, clock: FixedClock) -> None:
    rows = [prediction(), prediction(prediction_id="p2", predicted_value="no")]
    refused(engine, clock, *rows, config=BINARY)

    replayed(engine, clock, DECLARED)

    [batch] = [row for row in stored(engine, "ingest_batches") if row["source"] == "replay"]
    counts = [batch[f"{name}_count"] for name in ("received", "accepted", "duplicate", "conflict", "quarantined")]
    assert counts == [2, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (QuarantineSelection(), 3),
        (QuarantineSelection(model_ids=["delay"]), 2),
        (QuarantineSelection(kinds=[Kind.ACTUALS]), 1),
        (QuarantineSelection(reasons=[QuarantineReason.UNKNOWN_FIELD, QuarantineReason.MISSING_FIELD]), 2),
        (QuarantineSelection(source="events.ndjson"), 3),
        (QuarantineSelection(source="other.ndjson"), 0),
        (QuarantineSelection(is_discarded=None), 3),
    ],
)
def test_rows_are_found_by_what_they_say(
    engine: Engine, clock: FixedClock, selection: QuarantineSelection, found: int
) -> None:
    refused(engine, clock, prediction(colour="red"), prediction(predicted_value=...), config=DECLARED)
    refused(engine, clock, actual(model_id="late", actual_value=7), config=DECLARED, kind=Kind.ACTUALS)

    assert len(waiting(engine, selection)) == found


def test_rows_are_found_by_when_they_came(engine: Engine, clock: FixedClock) -> None:
    for number in range(3):
        refused(engine, clock, prediction(prediction_id=f"p{number}"), config=BINARY)
        clock.advance(hours=1)
    start = clock() - 2 * HOUR_MICROS

    found = waiting(engine, QuarantineSelection(start=start, end=start + HOUR_MICROS))

    assert [orjson.loads(row["raw"])["prediction_id"] for row in found] == ["p1"]


def test_what_is_not_there_is_told(sqlite_engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(NoSuchRowError, match="no row in quarantine with the id"):
        find_quarantined(sqlite_engine, "x")
    [row] = refused(sqlite_engine, clock, prediction(), config=BINARY)
    with pytest.raises(MonitorError, match="needs a note"):
        discard(sqlite_engine, row["quarantine_id"], by="ana", note=" ", clock=clock)


VALUES = st.sampled_from([0.0, 1.0, 7.5, "no", None, float("inf")])
EVENTS = st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3), VALUES), max_size=12)
CONFIGS = st.lists(st.sampled_from([BINARY, DECLARED, NOTHING_DECLARED]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, configs=CONFIGS)
def test_no_replay_loses_or_doubles_a_row_and_repeating_it_changes_nothing(
    events: list[tuple[Kind, int, object]], configs: list[MonitoringConfig], sqlite_engine: Engine, clock: FixedClock
) -> None:
    empty(sqlite_engine)
    for kind, number, value in events:
        example = {
            Kind.PREDICTIONS: prediction(prediction_id=f"p{number}", predicted_value=value),
            Kind.ACTUALS: actual(prediction_id=f"p{number}", actual_value=value),
        }
        ingest_rows(sqlite_engine, [example[kind]], kind=kind, config=BINARY, clock=clock)
    for config in configs:
        before = {row["quarantine_id"] for row in waiting(sqlite_engine)}

        report = replayed(sqlite_engine, clock, config)

        left = before - {row["quarantine_id"] for row in waiting(sqlite_engine)}
        assert adds_up(report)
        assert report.selected == len(before)
        assert report.accepted + report.duplicates == len(left)
        tables = ("predictions", "actuals", "quarantine", "hour_revision")
        standing = {table: stored(sqlite_engine, table) for table in tables}
        assert replayed(sqlite_engine, clock, config).accepted == 0
        assert {table: stored(sqlite_engine, table) for table in tables} == standing
