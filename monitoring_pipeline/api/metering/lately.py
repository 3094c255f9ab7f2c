"""How many requests were answered lately, and how many of them with an error of the server's: for ``GET /health``.

Counters that only grow (see :mod:`.meter`) leave it to whoever scrapes them to say what the last minutes were like; a
person who asks once wants to know it at once.
"""

from dataclasses import dataclass
from http import HTTPStatus

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.windows import SECOND_MICROS

LATELY_SECONDS = 300
_CELL_MICROS = 10 * SECOND_MICROS
_CELLS = LATELY_SECONDS * SECOND_MICROS // _CELL_MICROS


@dataclass(slots=True)
class Answered:
    """Requests that were answered.

    Attributes:
        requests: all of them.
        errors: those that the server could not serve (5xx), refusals while it is full included.
    """

    requests: int = 0
    errors: int = 0

    @property
    def error_rate(self) -> float | None:
        """The share of errors; ``None`` if nothing was asked."""
        return self.errors / self.requests if self.requests else None


class Lately:
    """The answers of the last five minutes of one process, in cells of ten seconds.

    Noted in the event loop, read by any thread.

    Args:
        clock: what time it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cells: dict[int, Answered] = {}

    def note(self, status: int) -> None:
        """A request was answered."""
        number = self._clock() // _CELL_MICROS
        cell = self._cells.get(number)
        if cell is None:
            self._cells = {at: old for at, old in self._cells.items() if at > number - _CELLS}
            cell = self._cells[number] = Answered()
        cell.requests += 1
        cell.errors += status >= HTTPStatus.INTERNAL_SERVER_ERROR

    def answered(self) -> Answered:
        """All that was answered lately."""
        first = self._clock() // _CELL_MICROS - _CELLS
        # One reading of a dictionary that grows elsewhere.
        found = [cell for number, cell in tuple(self._cells.items()) if number > first]
        return Answered(sum(cell.requests for cell in found), sum(cell.errors for cell in found))
