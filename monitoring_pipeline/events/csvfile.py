"""CSV in UTF-8 with a header. Everything in it is text: numbers are read where a number is meant."""

import csv
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from monitoring_pipeline.events.checks import NOT_NUMBERS
from monitoring_pipeline.events.columns import checked_columns, fold_features
from monitoring_pipeline.events.lines import OversizedLine, numbered_lines
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.rows import Row
from monitoring_pipeline.events.schema import NUMERIC_FIELDS, PREDICTION_FIELDS

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGER_DIGITS = 18  # what surely fits in 64 bits
_WORDS = {"true": True, "false": False}


class CsvSource:
    """Rows of a CSV stream; an empty cell is an absent field, blank lines are passed over.

    Args:
        stream: the bytes, already unpacked.
        fraction: tells how much of the underlying file has been read.
        where: the file's name for messages.

    Raises:
        MonitorError: if the header cannot be used.
    """

    columns: frozenset[str] | None

    def __init__(self, stream: BinaryIO, *, fraction: Callable[[], float], where: str) -> None:
        self.fraction = fraction
        self._lines = _Lines(stream)
        self._reader = csv.reader(self._lines)
        self._header = next((cells for cells in self._reader if cells), [])
        self.columns = checked_columns(self._header, where=where)

    def rows(self) -> Iterator[Row]:
        """The rows, once."""
        while True:
            line = self._lines.number + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _TooLargeError) as error:
                rejected = Rejected(QuarantineReason.TOO_LARGE, None, f"the row cannot be held: {error}")
                yield Row(line, None, f"line {line}: {error}", 0, rejected)
                continue
            if cells:
                yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        size = sum(map(len, cells))
        if len(cells) != len(self._header):
            detail = f"the row has {len(cells)} cells, the header {len(self._header)}"
            return Row(line, None, cells, size, Rejected(QuarantineReason.BROKEN_ROW, None, detail))
        record = fold_features(
            (name, _value(name, cell)) for name, cell in zip(self._header, cells, strict=True) if cell
        )
        return Row(line, record, record, size)


class _TooLargeError(Exception):
    """A line that the reader below must not see."""


class _Lines:
    """Decoded lines. A class, not a generator, because after an error csv asks for the next line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._numbered = numbered_lines(stream)
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.number, line = next(self._numbered)
        if isinstance(line, OversizedLine):
            raise _TooLargeError(line.detail)
        # Undecodable bytes become lone surrogates, which validation refuses with the field's name.
        return line.decode("utf-8", "surrogateescape")


def _value(name: str, cell: str) -> object:
    if name in NUMERIC_FIELDS:
        return _number(cell)
    return cell if name in PREDICTION_FIELDS else _guess(cell)


def _number(cell: str) -> object:
    """A number if the text is one (also nan and inf, to be refused as such), else the text: perhaps a class."""
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell


def _guess(cell: str) -> object:
    """A feature's or extra's value: what JSON would call a number or boolean is one; ``007`` stays text."""
    if not _JSON_NUMBER.fullmatch(cell):
        return float(cell) if cell.lower() in NOT_NUMBERS else _WORDS.get(cell, cell)
    return int(cell) if len(cell) <= _INTEGER_DIGITS and cell.lstrip("-").isdigit() else float(cell)
