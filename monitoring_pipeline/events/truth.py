"""Which truth holds about a prediction: one rule, whatever the order, the batches and the copies that it arrived in.

An actual makes a *statement*: a value or a class turned out to be true, or what was said is taken back (a
*retraction*, which has neither). Statements with the same content are copies of one; it is known since the earliest
of them. The statement that holds at an instant is, among those known by then, the last in the order of :func:`rank`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

Statement = tuple[int | None, float | None, str | None]
"""``(observed_at, actual_value, actual_class)``: what an actual says. A retraction has neither value nor class."""

Known = tuple[int, int | None, float | None, str | None]
"""A statement behind the instant when it became known: ``(known_at, observed_at, actual_value, actual_class)``."""


class Truth(NamedTuple):
    """What is known of one prediction, named as the columns of ``joined_predictions``."""

    actual_value: float | None
    actual_class: str | None
    actual_received_at: int | None  # since when the truth that holds is known; None: the prediction is unlabelled
    first_actual_received_at: int | None  # since when any value is known; None: it was never labelled
    truth_history: str | None  # JSON list of all statements in their order, where there is more than one


UNKNOWN = Truth(None, None, None, None, None)
"""Nothing was ever said."""


def rank(known: Known) -> tuple[int, int, bytes]:
    """The place of a statement in the order of truth: by when it was known, then observed, then by its text.

    The text decides only where both instants are equal. It says the same on every machine and in every database,
    and puts a retraction behind any value: what is said and taken back at once is not known.
    """
    known_at, observed_at, value, label = known
    return known_at, -1 if observed_at is None else observed_at, orjson.dumps((value, label))


def in_order(copies: Sequence[Known]) -> list[Known]:
    """Each statement among the copies once, with its earliest knowledge time; the last of them holds."""
    if len(copies) == 1:  # nearly always
        return list(copies)
    earliest: dict[Statement, int] = {}
    for known_at, observed_at, value, label in copies:
        statement = (observed_at, value, label)
        earliest[statement] = min(known_at, earliest.get(statement, known_at))
    return sorted(((known_at, *statement) for statement, known_at in earliest.items()), key=rank)


def truth_of(ordered: Sequence[Known]) -> Truth:
    """The truth after statements that stand :func:`in_order`."""
    if not ordered:
        return UNKNOWN
    first = next((known[0] for known in ordered if not is_retraction(known)), None)
    history = orjson.dumps(ordered).decode() if len(ordered) > 1 else None
    if is_retraction(ordered[-1]):
        return Truth(None, None, None, first, history)
    known_at, _, value, label = ordered[-1]
    return Truth(value, label, known_at, first, history)


def is_retraction(known: Known) -> bool:
    """Whether a statement takes the truth back."""
    return known[2] is None and known[3] is None


def read_history(text: str) -> list[Known]:
    """The statements that a ``truth_history`` holds, in their order."""
    return [(known_at, observed_at, value, label) for known_at, observed_at, value, label in orjson.loads(text)]


def known_by(ordered: Iterable[Known], instant: int) -> list[Known]:
    """Those of the statements that were known at an instant, in the same order."""
    return [known for known in ordered if known[0] <= instant]
