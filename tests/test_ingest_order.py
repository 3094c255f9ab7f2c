"""Whatever the order, batching and repetition of events, the store ends up saying the same."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS
from tests.ingest_examples import NOTHING_DECLARED, adds_up, empty, stored

IDS = st.sampled_from(["a", "b", "c", "d"])
MODELS = st.sampled_from(["m", "n"])
Labelled = tuple[Kind, dict[str, object]]


def _prediction(model_id: str, prediction_id: str, *, labelled: bool) -> Labelled:
    # Everything follows from the key, so that no two events of a key contradict each other.
    hour = ord(prediction_id) - ord("a")
    event: dict[str, object] = {
        "model_id": model_id,
        "prediction_id": prediction_id,
        "timestamp": isoformat(NOON_MICROS - hour * HOUR_MICROS),
        "predicted_value": float(hour),
    }
    return Kind.PREDICTIONS, {**event, "actual_value": 7} if labelled else event


def _actual(model_id: str, prediction_id: str, value: int, minute: int | None) -> Labelled:
    event: dict[str, object] = {"model_id": model_id, "prediction_id": prediction_id, "actual_value": value}
    stamp = {} if minute is None else {"timestamp": f"2026-03-02T11:0{minute}:00Z"}
    return Kind.ACTUALS, {**event, **stamp}


EVENTS = st.lists(
    st.one_of(
        st.builds(_prediction, MODELS, IDS, labelled=st.booleans()),
        st.builds(_actual, MODELS, IDS, st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2))),
    ),
    max_size=25,
)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Labelled], list[list[Labelled]]]:
    """A set of events, and one way in which it may arrive: shuffled, repeated, and cut into calls."""
    events = draw(EVENTS)
    repeated = events + [event for event in events if draw(st.booleans())]
    order = draw(st.permutations(repeated))
    calls: list[list[Labelled]] = []
    for event in order:
        if not calls or calls[-1][0][0] is not event[0] or draw(st.integers(0, 3)) == 0:
            calls.append([])
        calls[-1].append(event)
    return events, calls


def _said(engine: Engine) -> tuple[list[dict[str, Any]], Counter[tuple[Any, ...]], list[tuple[Any, ...]]]:
    predictions = [{**row, "batch_id": "", "received_at": 0} for row in stored(engine, "predictions")]
    names = ("model_id", "prediction_id", "predicted_at", "observed_at", "actual_value")
    truths = Counter(tuple(row[name] for name in names) for row in stored(engine, "actuals"))
    hours = [(row["model_id"], row["hour"]) for row in stored(engine, "hour_revision")]
    return predictions, truths, hours


@pytest.mark.parametrize("examples", [40])
def test_order_batching_and_repetition_do_not_matter(engine: Engine, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(arrivals())
    def holds(arrival: tuple[list[Labelled], list[list[Labelled]]]) -> None:
        events, calls = arrival
        empty(engine)
        for kind in Kind:
            _ingest(engine, kind, [event for event in events if event[0] is kind])
        expected = _said(engine)
        empty(engine)

        for call in calls:
            _ingest(engine, call[0][0], call)

        assert _said(engine) == expected
        assert all(count == 1 for count in expected[1].values())
        _assert_revisions_are_gapless(engine)

    holds()


def _ingest(engine: Engine, kind: Kind, events: list[Labelled]) -> None:
    rows = [event for _, event in events]
    clock = lambda: NOON_MICROS  # noqa: E731 - shorter than a function here
    report = ingest_rows(engine, rows, kind=kind, config=NOTHING_DECLARED, clock=clock, batch_rows=3)
    assert adds_up(report)
    assert report.received == len(rows)
    assert report.quarantined == report.conflicts == 0


def _assert_revisions_are_gapless(engine: Engine) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for row in stored(engine, "actuals"):
        key = (str(row["model_id"]), str(row["prediction_id"]))
        seen[key] += 1
        assert row["revision"] == seen[key]
