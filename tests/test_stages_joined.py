"""Truth joined with predictions: independent of arrival, retractable, and tellable for any past instant."""

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.stages.rows.known_at import known_at
from monitoring_pipeline.windows import HOUR_MICROS, isoformat, to_micros
from tests.conftest import FixedClock
from tests.ingest_examples import stored
from tests.joined_examples import HOUR, MODEL, Event, Store, only, truths

MINUTE = 60_000_000
LATER = HOUR + HOUR_MICROS


@pytest.fixture
def store(engine: Engine, tmp_path: Path, clock: FixedClock) -> Store:
    return Store.open(engine, tmp_path, clock)


@pytest.fixture
def quick_store(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Store:
    return Store.open(sqlite_engine, tmp_path, clock)


def prediction(prediction_id: str = "a", *, received: int | None = 0, **further: object) -> Event:
    """A prediction of the hour, received so many minutes after it."""
    stamp = {} if received is None else {"received_at": isoformat(LATER + received * MINUTE)}
    identity = {"model_id": MODEL, "prediction_id": prediction_id, "timestamp": isoformat(HOUR)}
    return {**identity, "predicted_value": 5.0, **stamp, **further}


def actual(
    said: float | str | None, prediction_id: str = "a", *, observed: int | None = None, received: int | None = None
) -> Event:
    """What turned out to be true, or a retraction (``None``), observed and received so many minutes after the hour."""
    outcome = {"retracted": True} if said is None else {"actual_value": said}
    stamps = {"timestamp": observed, "received_at": received}
    written = {name: isoformat(LATER + minute * MINUTE) for name, minute in stamps.items() if minute is not None}
    return {"model_id": MODEL, "prediction_id": prediction_id, **outcome, **written}


PREDICTIONS = st.builds(
    lambda minutes: [prediction(name, received=minute) for name, minute in zip("abc", minutes, strict=True)],
    st.tuples(*[st.integers(0, 4)] * 3),
)
ACTUALS = st.lists(
    st.builds(
        actual,
        st.sampled_from([1.0, 2.0, 10.0, "late", None]),
        st.sampled_from(["a", "b", "c", "nobody"]),
        observed=st.sampled_from([None, 0, 1]),
        received=st.integers(0, 4),
    ),
    max_size=14,
)


@st.composite
def facts_and_calls(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]], int]:
    """Facts; one way in which they arrive, shuffled, repeated and cut into calls; and how many a batch takes."""
    facts = [*draw(PREDICTIONS), *draw(ACTUALS)]
    arriving = draw(st.permutations([*facts, *(fact for fact in facts if draw(st.booleans()))]))
    calls: list[list[Event]] = []
    for fact in arriving:
        if not calls or ("predicted_value" in calls[-1][0]) is not ("predicted_value" in fact) or draw(st.booleans()):
            calls.append([])
        calls[-1].append(fact)
    return facts, calls, draw(st.integers(1, 4))


def expected_truths(facts: list[Event]) -> dict[str, tuple[Any, ...]]:
    """The naive oracle: gather what was said of each prediction, put it in order, look at the last of it."""
    said: dict[Any, dict[tuple[Any, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for fact in only(facts, Kind.ACTUALS):
        value = fact.get("actual_value")
        number, label = (None, value) if isinstance(value, str) else (value, None)
        said[fact["prediction_id"]][micros(fact.get("timestamp")), number, label].append(micros(fact["received_at"]))
    return {str(fact["prediction_id"]): _last(said[fact["prediction_id"]]) for fact in only(facts, Kind.PREDICTIONS)}


def _last(said: dict[tuple[Any, ...], list[int]]) -> tuple[Any, ...]:
    history = [[min(times), *statement] for statement, times in said.items()]
    history.sort(key=lambda s: (s[0], -1 if s[1] is None else s[1], json.dumps(s[2:], separators=(",", ":"))))
    known_at, _, value, label = history[-1] if history else [None] * 4
    is_labelled = value is not None or label is not None
    labelled_since = [statement[0] for statement in history if statement[2] is not None or statement[3] is not None]
    return (
        value,
        label,
        known_at if is_labelled else None,
        min(labelled_since, default=None),
        json.dumps(history, separators=(",", ":")) if len(history) > 1 else None,
    )


def micros(stamp: Any) -> Any:
    return None if stamp is None else to_micros(datetime.fromisoformat(stamp))


def land(store: Store, facts: list[Event]) -> None:
    for kind in Kind:
        store.put(kind, only(facts, kind))


def test_the_same_facts_give_the_same_truth_whatever_the_order_the_batches_and_the_copies(quick_store: Store) -> None:
    @settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(facts_and_calls())
    def holds(arrival: tuple[list[Event], list[list[Event]], int]) -> None:
        facts, calls, batch_rows = arrival
        quick_store.empty()

        for call in calls:
            kind = Kind.PREDICTIONS if "predicted_value" in call[0] else Kind.ACTUALS
            quick_store.put(kind, call, batch_rows=batch_rows)
            if len(call) % 3 == 0:
                quick_store.join()  # what was joined on the way leaves no trace

        assert truths(quick_store.joined()) == expected_truths(facts)

    holds()


def test_what_was_known_at_an_instant_is_what_joining_would_have_given_then(quick_store: Store) -> None:
    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(PREDICTIONS, ACTUALS)
    @example([prediction()], [actual(1.0, received=1), actual(None, received=2)])
    @example([prediction()], [actual(1.0, received=1), actual(None, received=2), actual(1.0, observed=1, received=3)])
    def holds(predictions: list[Event], actuals: list[Event]) -> None:
        facts = [*predictions, *actuals]
        quick_store.empty()
        land(quick_store, facts)
        whole = quick_store.joined()

        for instant in range(LATER - MINUTE, LATER + 5 * MINUTE, MINUTE):
            quick_store.empty()
            land(quick_store, [fact for fact in facts if micros(fact["received_at"]) <= instant])
            quick_store.join()
            then = quick_store.table()

            assert known_at(whole, instant).equals(whole.slice(0, 0) if then is None else then)

        last = max(micros(fact["received_at"]) for fact in facts)
        assert known_at(whole, last).equals(whole)

    holds()


def test_a_retraction_makes_the_prediction_unlabelled_again(store: Store, clock: FixedClock) -> None:
    store.put(Kind.PREDICTIONS, [prediction(), prediction("b")])
    store.put(Kind.ACTUALS, [actual(7.0), actual(8.0, "b")])
    labelled = store.join()
    said_at = clock.now
    clock.advance(hours=1)

    report = store.put(Kind.ACTUALS, [actual(None)])
    retracted = store.join()

    assert (report.accepted, report.revised, report.retracted, report.touched_hours) == (1, 1, 1, 1)
    assert [outcome.details for outcome in (*labelled.outcomes, *retracted.outcomes)] == [
        {"labelled": 2},
        {"labelled": 1},
    ]
    assert truths(store.joined()) == {
        "a": (None, None, None, said_at, f"[[{said_at},null,7.0,null],[{clock.now},null,null,null]]"),
        "b": (8.0, None, said_at, said_at, None),
    }
    assert [(row["revision"], row["actual_value"], row["actual_class"]) for row in stored_of_a(store)] == [
        (1, 7.0, None),
        (2, None, None),
    ]


def test_a_truth_that_was_retracted_holds_again_when_it_is_said_with_a_time_of_its_own(
    store: Store, clock: FixedClock
) -> None:
    store.put(Kind.PREDICTIONS, [prediction()])
    for said in (7.0, None):
        store.put(Kind.ACTUALS, [actual(said)])
        clock.advance(hours=1)

    without_time = store.put(Kind.ACTUALS, [actual(7.0)])
    still = truths(store.joined())["a"]
    with_time = store.put(Kind.ACTUALS, [actual(7.0, observed=1)])

    assert (without_time.accepted, without_time.returned, still[0]) == (0, 1, None)
    assert (with_time.accepted, truths(store.joined())["a"][0]) == (1, 7.0)


def test_a_retraction_of_what_was_never_said_leaves_the_prediction_unlabelled(store: Store) -> None:
    store.put(Kind.ACTUALS, [actual(None)])

    store.put(Kind.PREDICTIONS, [prediction()])

    assert truths(store.joined()) == {"a": (None, None, None, None, None)}


def test_a_replay_of_truth_and_retractions_adds_nothing(store: Store) -> None:
    events = [actual(1.0), actual(None), actual(1.0, observed=1), actual(2.0, received=3), actual(2.0, received=1)]
    store.put(Kind.PREDICTIONS, [prediction()])
    store.put(Kind.ACTUALS, events)
    before = (stored_of_a(store), stored(store.pipeline.engine, "hour_revision"), store.joined())

    report = store.put(Kind.ACTUALS, [*reversed(events), *events])

    assert (report.accepted, report.duplicates, report.touched_hours) == (0, 10, 0)
    assert (stored_of_a(store), stored(store.pipeline.engine, "hour_revision"), store.joined()) == before


def test_a_copy_that_was_known_earlier_is_one_more_revision_and_reopens_the_hour(store: Store) -> None:
    store.put(Kind.PREDICTIONS, [prediction()])
    store.put(Kind.ACTUALS, [actual(1.0, received=5), actual(2.0, received=3)])
    before = truths(store.joined())["a"]

    later = store.put(Kind.ACTUALS, [actual(1.0, received=9)])
    earlier = store.put(Kind.ACTUALS, [actual(1.0, received=1)])

    assert (later.accepted, later.touched_hours) == (0, 0)
    assert (earlier.accepted, earlier.revised, earlier.touched_hours) == (1, 1, 1)
    assert [row["received_at"] for row in stored_of_a(store)] == [LATER + minute * MINUTE for minute in (5, 3, 1)]
    assert (before[0], before[2]) == (1.0, LATER + 5 * MINUTE)
    assert truths(store.joined())["a"][:4] == (2.0, None, LATER + 3 * MINUTE, LATER + MINUTE)


def test_of_truths_that_arrive_in_one_batch_the_last_holds(store: Store, clock: FixedClock) -> None:
    store.put(Kind.PREDICTIONS, [prediction()])

    store.put(Kind.ACTUALS, [actual(said) for said in (9.0, 1.0, None, 3.0)])

    assert [row["received_at"] - clock.now for row in stored_of_a(store)] == [0, 1, 2, 3]
    assert truths(store.joined())["a"][0] == 3.0


def test_what_is_said_and_taken_back_at_one_instant_is_not_known(quick_store: Store) -> None:
    quick_store.put(Kind.PREDICTIONS, [prediction(), prediction("b")])

    quick_store.put(Kind.ACTUALS, [actual(None, received=1), actual(9e9, received=1)])
    quick_store.put(Kind.ACTUALS, [actual(None, "b", received=1), actual("zoo", "b", received=1)])

    assert [found[:2] for found in truths(quick_store.joined()).values()] == [(None, None), (None, None)]


def test_a_ranking_model_has_its_query_and_any_model_its_numeric_fields(store: Store) -> None:
    store = store.declared(
        task="ranking",
        query="search",
        resources=["memory_mb", "cpu"],
        segments=["market"],
        business={"value": {"relevant_shown": 1.0}, "amount": "price"},
        features={"price": "numeric"},
    )
    of_feature = prediction("a", search=17, memory_mb=512, cpu="idle", market="DE", features={"price": 3})
    of_neither = prediction("b", features={"cpu": True, "price": None})

    store.put(Kind.PREDICTIONS, [of_feature, of_neither])
    joined = store.joined()

    names = ("query_id", "x.memory_mb", "x.cpu", "x.price", "s.market")
    for table in (joined, store.table("logged_predictions")):
        assert table is not None
        assert [tuple(row[name] for name in names) for row in table.to_pylist()] == [
            ("17", 512.0, None, 3.0, "DE"),
            (None, None, None, None, None),
        ]
        assert [table.schema.field(name).type for name in names[:4]] == [pa.string(), *[pa.float64()] * 3]


def test_a_model_without_query_and_numeric_fields_has_no_columns_for_them(quick_store: Store) -> None:
    quick_store.put(Kind.PREDICTIONS, [prediction(query_id="q", cpu=3)])

    names = quick_store.joined().column_names

    assert [name for name in names if name == "query_id" or name.startswith("x.")] == []
    assert "received_at" in names


def test_files_from_before_knowledge_was_kept_are_told_as_far_as_they_go(quick_store: Store) -> None:
    quick_store.put(Kind.PREDICTIONS, [prediction(received=9), prediction("b", received=0)])
    quick_store.put(Kind.ACTUALS, [actual(1.0, received=1), actual(2.0, received=3), actual(4.0, "b", received=3)])
    new = quick_store.joined()
    old = new.drop_columns(["received_at", "first_actual_received_at", "truth_history"])

    then = known_at(old, LATER + 2 * MINUTE)
    both = known_at(pa.concat_tables([old, new], promote_options="default"), LATER + 3 * MINUTE)

    assert then.schema == old.schema
    assert [row["actual_value"] for row in then.to_pylist()] == [None, None]
    assert [row["actual_received_at"] for row in then.to_pylist()] == [None, None]
    assert [(row["prediction_id"], row["actual_value"]) for row in both.to_pylist()] == [
        ("a", 2.0),
        ("b", 4.0),
        ("b", 4.0),
    ]


def stored_of_a(store: Store) -> list[dict[str, Any]]:
    return [row for row in stored(store.pipeline.engine, "actuals") if row["prediction_id"] == "a"]
