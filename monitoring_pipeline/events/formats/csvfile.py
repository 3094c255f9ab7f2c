"""CSV in UTF-8 with a header; what its cells mean is told by :mod:`.cells`.

A quote that is opened and not closed makes one row of all lines up to the next quote or the end of the file. Such a
row is refused line by line, so that each line is accounted for and can be mended, and reading goes on after it.
"""

import csv
from collections.abc import Callable, Iterator
from typing import BinaryIO

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.cells import Cells
from monitoring_pipeline.events.formats.columns import checked_columns
from monitoring_pipeline.events.formats.lines import OversizedLine, numbered_lines
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import MAX_LINE_BYTES


class CsvSource:
    """Rows of a CSV stream; an empty cell is an absent field, blank lines are passed over.

    Args:
        stream: the bytes, already unpacked.
        config: names the declared models, whose columns have types.
        fraction: tells how much of the underlying file has been read.
        where: the file's name for messages.

    Raises:
        MonitorError: if the header cannot be used.
    """

    columns: frozenset[str] | None

    def __init__(
        self, stream: BinaryIO, *, config: MonitoringConfig, fraction: Callable[[], float], where: str
    ) -> None:
        self.fraction = fraction
        self._lines = _Lines(stream)
        self._reader = csv.reader(self._lines, strict=True)
        try:
            self._header = next((cells for cells in self._reader if cells), [])
        except (csv.Error, _TooLargeError) as error:
            raise MonitorError(f"{where}: the header cannot be read: {error}; mend the first line") from None
        self.columns = checked_columns(self._header, where=where)
        self._cells = Cells(self._header, config)

    def rows(self) -> Iterator[Row]:
        """The rows, once."""
        while True:
            self._lines.begin_row()
            line = self._lines.number + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _TooLargeError) as error:
                yield from _refused(self._lines.of_row, error)
                continue
            if cells:
                yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        size = sum(map(len, cells))
        if len(cells) != len(self._header):
            detail = f"the row has {len(cells)} cells, the header {len(self._header)}"
            return Row(line, None, cells, size, Rejected(QuarantineReason.BROKEN_ROW, None, detail))
        record = self._cells.record(cells)
        return Row(line, record, record, size)


class _TooLargeError(Exception):
    """A line or row that the reader below must not see."""


class _Lines:
    """Decoded lines. A class, not a generator, because after an error csv asks for the next line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._numbered = numbered_lines(stream)
        self.number = 0
        self.of_row: list[tuple[int, bytes | OversizedLine]] = []  # those of the row that is being read
        self._row_bytes = 0

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self.of_row.clear()
        self._row_bytes = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.number, line = next(self._numbered)
        self.of_row.append((self.number, line))
        if isinstance(line, OversizedLine):
            raise _TooLargeError(line.detail)
        self._row_bytes += len(line)
        if self._row_bytes > MAX_LINE_BYTES:
            raise _TooLargeError(f"the row has more than {MAX_LINE_BYTES} bytes")
        # Undecodable bytes become lone surrogates, which validation refuses with the field's name.
        return line.decode("utf-8", "surrogateescape")


def _refused(lines: list[tuple[int, bytes | OversizedLine]], error: Exception) -> Iterator[Row]:
    """Each line of a row that cannot be read, as a rejected row of its own."""
    first = lines[0][0]
    spans = f"the row that begins on line {first} cannot be read: {error}"
    detail = spans if len(lines) == 1 else f"{spans}; is a quote on line {first} left open?"
    is_large = isinstance(error, _TooLargeError) or "field limit" in str(error)
    reason = QuarantineReason.TOO_LARGE if is_large and len(lines) == 1 else QuarantineReason.BROKEN_ROW
    for number, line in lines:
        if isinstance(line, OversizedLine):
            rejected = Rejected(QuarantineReason.TOO_LARGE, None, line.detail)
            yield Row(number, None, line.start, len(line.start), rejected, line.fingerprint)
        elif not line.isspace():
            yield Row(number, None, line, len(line), Rejected(reason, None, detail))
