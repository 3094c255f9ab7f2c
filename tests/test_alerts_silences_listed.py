"""Silences as they are made, shown and ended; what they do to messages is told beside."""

from itertools import product

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts.handling.listed_silences import SilenceSelection, page_of_silences, silenced_models
from monitoring_pipeline.alerts.handling.silences import (
    NoSuchSilenceError,
    SilenceState,
    Subject,
    UnusableSilenceError,
    create_silence,
    end_silence,
    find_silence,
    list_silences,
)
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import NOON_MICROS, FixedClock
from tests.silences_examples import MODEL, silence


def test_silences_are_listed_with_their_state(engine: Engine, clock: FixedClock) -> None:
    made = silence(engine, clock)

    assert list_silences(engine) == [made] == [find_silence(engine, made.silence_id)]
    assert made.to_dict(clock()) == {
        "silence_id": made.silence_id,
        "model_id": "flight_delay",
        "rule_id": None,
        "segment": None,
        "state": "holding",
        "starts_at": "2026-03-02T12:00:00Z",
        "ends_at": "2026-03-02T13:00:00Z",
        "reason": "planned work",
        "created_at": "2026-03-02T12:00:00Z",
        "created_by": "ana",
        "ended_at": None,
        "ended_by": None,
    }
    assert [made.state(NOON_MICROS - 1), made.state(made.ends_at)] == [SilenceState.PLANNED, SilenceState.OVER]


def test_the_pages_of_silences_are_the_list_of_those_that_stand_so_at_the_instant(
    engine: Engine, clock: FixedClock
) -> None:
    for starts, ends in ((0, 1), (1, 2), (2, 3), (1, 3)):  # all made at one instant: their ids tell them apart
        start, end = (NOON_MICROS + hours * HOUR_MICROS for hours in (starts, ends))
        create_silence(engine, MODEL, starts_at=start, ends_at=end, reason="planned", by="ana", clock=clock)
    end_silence(engine, list_silences(engine)[0].silence_id, by="ben", clock=clock)
    edges = [NOON_MICROS + hours * HOUR_MICROS + step for hours in range(4) for step in (-1, 0)]
    chosen = [None, *([state] for state in SilenceState), [SilenceState.PLANNED, SilenceState.OVER]]

    for now, states_wanted in product(edges, chosen):
        selection, found, key = SilenceSelection(states=states_wanted), [], None
        while True:
            page, key = page_of_silences(engine, selection, now=now, limit=2, after=key)
            found += page
            if key is None:
                break
        expected = [made for made in list_silences(engine) if states_wanted is None or made.state(now) in states_wanted]
        assert found == expected


def test_of_some_models_those_silences_are_shown_that_concern_them(engine: Engine, clock: FixedClock) -> None:
    subjects = [Subject(), MODEL, Subject(model_id="flight_late"), Subject(rule_id="mae-high")]
    made = {silence(engine, clock, subject).subject: subject for subject in subjects}

    late = SilenceSelection(model_ids=["flight_late"])
    found, _ = page_of_silences(engine, late, now=clock(), limit=10)
    of_none, _ = page_of_silences(engine, SilenceSelection(model_ids=[]), now=clock(), limit=10)

    assert {one.subject for one in found} == set(made) - {MODEL}
    assert {one.subject for one in of_none} == {Subject(), Subject(rule_id="mae-high")}
    assert silenced_models(engine) == ["flight_delay", "flight_late"]


@pytest.mark.parametrize(
    ("hours", "reason", "complaint"),
    [
        (1, " ", "needs a reason"),
        (0, "why", "would end before it starts, or has ended already"),
        (-1, "why", "would end before it starts, or has ended already"),
        (91 * 24, "why", "90 days at most"),
    ],
)
def test_a_silence_that_says_too_little_or_too_much_is_refused(
    sqlite_engine: Engine, clock: FixedClock, hours: int, reason: str, complaint: str
) -> None:
    ends_at = clock() + hours * HOUR_MICROS

    with pytest.raises(UnusableSilenceError, match=complaint):
        create_silence(sqlite_engine, MODEL, ends_at=ends_at, reason=reason, by="ana", clock=clock)

    assert list_silences(sqlite_engine) == []


def test_a_silence_that_is_not_there_cannot_be_ended(engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(NoSuchSilenceError, match="there is no silence 'x'"):
        end_silence(engine, "x", by="ana", clock=clock)
