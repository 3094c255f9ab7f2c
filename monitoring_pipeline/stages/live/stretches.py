"""Stretches of time that an answer is about, against the hours that errors are kept for."""

from collections.abc import Iterable
from typing import NamedTuple

from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor


class Stretch(NamedTuple):
    """``[start, end)``, microseconds UTC.

    Without an end it reaches as far as there are events: a producer's clock may run ahead of ours by as much as
    ingest tolerates, and what was acknowledged is in the next answer.
    """

    start: int
    end: int | None = None

    def holds(self, start: int, *, length: int = HOUR_MICROS) -> bool:
        """Whether it holds all of an hour, or of a part of one."""
        return self.start <= start and (self.end is None or start + length <= self.end)

    def meets(self, start: int, *, length: int = HOUR_MICROS) -> bool:
        """Whether it holds some of an hour, or of a part of one."""
        return start + length > self.start and (self.end is None or start < self.end)

    def whole(self, hours: Iterable[int]) -> list[int]:
        """Those of the hours that it holds all of."""
        first = -(-self.start // HOUR_MICROS) * HOUR_MICROS
        if self.end is None:
            return [hour for hour in hours if hour >= first]
        last = self.end - HOUR_MICROS
        return [hour for hour in hours if first <= hour <= last]

    def cut(self) -> set[int]:
        """The hours, at most two, of which it holds some but not all."""
        edges = (self.start,) if self.end is None else self
        return {floor(edge, Grain.HOUR) for edge in edges if edge is not None and edge % HOUR_MICROS}
