"""The order of truth by itself: a list of copies in any order says one thing."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.events.truth import UNKNOWN, Known, in_order, known_by, read_history, truth_of

RETRACTED: Known = (5, None, None, None)

COPIES: st.SearchStrategy[list[Known]] = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([None, 0, 7]),
        st.sampled_from([None, 1.0, 2.0, 10.0, 1e300]),
        st.sampled_from([None, "1.0", "zoë"]),
    ).map(lambda known: known if known[2] is None else (*known[:3], None)),
    max_size=8,
)


@given(COPIES, st.randoms(use_true_random=False))
def test_the_order_of_the_copies_does_not_matter(copies: list[Known], random: Random) -> None:
    shuffled = list(copies)
    random.shuffle(shuffled)

    ordered = in_order(shuffled)

    assert ordered == in_order(copies)
    assert {known[1:] for known in ordered} == {known[1:] for known in copies}
    assert all(known[0] == min(copy[0] for copy in copies if copy[1:] == known[1:]) for known in ordered)


@given(COPIES, st.integers(-1, 4))
def test_what_was_known_at_an_instant_needs_only_what_was_received_by_then(copies: list[Known], instant: int) -> None:
    received = [copy for copy in copies if copy[0] <= instant]

    assert known_by(in_order(copies), instant) == in_order(received)


@given(COPIES)
def test_a_history_reads_back_as_it_was_written(copies: list[Known]) -> None:
    ordered = in_order(copies)

    history = truth_of(ordered).truth_history

    assert (history is None) is (len(ordered) < 2)
    assert history is None or read_history(history) == ordered


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ((4, 9, 1.0, None), (5, 0, 1.0, None)),  # knowledge time before all else
        ((5, None, 1.0, None), (5, 0, 1.0, None)),  # then the time of observation, of which none is the earliest
        ((5, 0, 9.0, None), (5, 1, 1.0, None)),
        ((5, 0, 10.0, None), (5, 0, 9.0, None)),  # then the text
        ((5, None, 9.0, None), RETRACTED),  # in which a retraction comes last
        ((5, None, None, "zoo"), RETRACTED),
    ],
)
def test_of_two_statements_the_later_one_holds(earlier: Known, later: Known) -> None:
    found = [truth_of(in_order(copies)) for copies in ([earlier, later], [later, earlier])]

    assert found[0] == found[1]
    assert found[0][:2] == later[2:]


def test_without_statements_nothing_is_known() -> None:
    assert truth_of(in_order([])) == UNKNOWN
    assert truth_of([RETRACTED]) == UNKNOWN
