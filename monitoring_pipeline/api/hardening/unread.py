"""Answers that their client does not take: they fill memory, and hold the connection that others would need."""

LEAST_TAKEN_BYTES = 65_536
"""Between two looks, which are a minute apart: a slow line takes more."""


class Unread:
    """What one client has not taken yet, looked at from time to time."""

    __slots__ = ("_answer", "_left")

    def __init__(self) -> None:
        self._answer: object = None
        self._left = 0

    def is_stuck(self, answer: object, left: int) -> bool:
        """Whether the client has taken hardly anything since the last look.

        Args:
            answer: which one it is given; while it is the same, what is left of it only shrinks.
            left: the bytes that wait to be taken.
        """
        is_stuck = left > 0 and answer is self._answer and left > self._left - LEAST_TAKEN_BYTES
        self._answer, self._left = answer, left
        return is_stuck
