"""What every answer of this moment holds: rows, and what had to be read for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(slots=True, kw_only=True)
class Cost:
    """What had to be read for an answer: rows of events and of kept hours, and the bytes of their values."""

    rows: int = 0
    bytes: int = 0

    def add(self, rows: int, byte_count: int) -> None:
        """Take note of one more reading."""
        self.rows += rows
        self.bytes += byte_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[R]):
    """Some rows.

    Attributes:
        rows: what was asked for.
        has_more: whether a limit left rows out.
        cost: what had to be read.
    """

    rows: Sequence[R]
    has_more: bool = False
    cost: Cost
