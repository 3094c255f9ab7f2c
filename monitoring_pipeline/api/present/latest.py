"""Answers that cost much, so that no crowd of dashboards can melt the server.

An answer is good while its revision is. When it is outdated one request computes the next one, and whoever comes
meanwhile is given the last one with its age, or is asked to come again if there is none. After a long computation
there is a rest of three times its length: a model whose events never stop takes a quarter of one core at most.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from monitoring_pipeline.api.problems import Problem

T = TypeVar("T")

MOST_KEPT = 200
MOST_AT_ONCE = 2  # of all questions: the other threads belong to ingest
SHORT_SECONDS = 0.25  # shorter computations melt nothing, and need no rest
REST_RATIO = 3.0
RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What was found.

    Attributes:
        value: the answer.
        revision: of what it was computed from.
        is_current: whether nothing has changed since.
    """

    value: T
    revision: Hashable
    is_current: bool = True


class LatestAnswers(Generic[T]):
    """The last answer to each question; one for each process, used by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, Answer[T]] = OrderedDict()
        self._computing: set[Hashable] = set()
        self._rests_until: dict[Hashable, float] = {}

    def ask(self, question: Hashable, *, revision: Hashable, compute: Callable[[], T]) -> Answer[T]:
        """The answer of this revision, or the last one if another thread is at it.

        Args:
            question: what tells answers apart.
            revision: of what the answer would be computed from, read before.
            compute: gives the answer.

        Raises:
            Problem: 503 if there is no answer yet, and this thread is not to compute one.
        """
        with self._lock:
            last = self._answers.get(question)
            if last is not None and last.revision == revision:
                self._answers.move_to_end(question)
                return last
            if not self._may_compute(question):
                return _outdated(last)
            self._computing.add(question)
        began = time.monotonic()
        try:
            answer = Answer(value=compute(), revision=revision)
        finally:
            self._end(question, began)
        with self._lock:
            self._answers[question] = answer
            self._answers.move_to_end(question)
            if len(self._answers) > MOST_KEPT:
                dropped, _ = self._answers.popitem(last=False)
                self._rests_until.pop(dropped, None)
        return answer

    def peek(self, question: Hashable) -> T | None:
        """The last answer, whatever has changed since; ``None`` if there is none."""
        with self._lock:
            last = self._answers.get(question)
        return None if last is None else last.value

    def _may_compute(self, question: Hashable) -> bool:
        if question in self._computing or len(self._computing) >= MOST_AT_ONCE:
            return False
        return question not in self._answers or time.monotonic() >= self._rests_until.get(question, 0.0)

    def _end(self, question: Hashable, began: float) -> None:
        ended = time.monotonic()
        with self._lock:
            self._computing.discard(question)
            if ended - began > SHORT_SECONDS:
                self._rests_until[question] = ended + REST_RATIO * (ended - began)


def _outdated(last: Answer[T] | None) -> Answer[T]:
    if last is None:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            "this is being computed, or too much else is; ask again in a moment",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    return Answer(value=last.value, revision=last.revision, is_current=False)
