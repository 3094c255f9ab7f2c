"""The replies of pipes: rows with named and typed columns, as JSON, as CSV with a header, or a row per line.

Types are said in the words of ClickHouse, as programs that read such replies expect them. Instants are UTC, written
``YYYY-MM-DD HH:MM:SS``: a part of a second is cut off. A number that is none is null, in CSV an empty cell.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from starlette.responses import Response

from monitoring_pipeline.windows import from_micros

# A spreadsheet takes a cell that begins so for a formula, and runs it.
_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Format(StrEnum):
    """How a reply is written."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.NDJSON: "application/x-ndjson",
}


class Kind(StrEnum):
    """The type of a column."""

    STRING = "String"
    FLOAT = "Float64"
    COUNT = "UInt64"
    INSTANT = "DateTime"
    FLOAT_OR_NULL = "Nullable(Float64)"
    STRING_OR_NULL = "Nullable(String)"

    @property
    def is_text(self) -> bool:
        """Whether its values are texts that others chose."""
        return self in {Kind.STRING, Kind.STRING_OR_NULL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a reply.

    Args:
        name: as the reply calls it.
        kind: its type.
        meaning: one sentence for people.
        attribute: as the row calls it, where that is another name.
    """

    name: str
    kind: Kind
    meaning: str
    attribute: str | None = None

    def value(self, row: object) -> str | int | float | None:
        """The row's value as JSON has it."""
        value: Any = getattr(row, self.attribute or self.name)
        return written_instant(value) if self.kind is Kind.INSTANT else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of a pipe.

    Args:
        columns: of the rows, in their order.
        rows: objects with an attribute for each column.
        has_more: whether a limit cut off rows.
        rows_read: events and kept hours that were read for it.
        bytes_read: the bytes of their values.
        elapsed_seconds: how long it took.
    """

    columns: Sequence[Column]
    rows: Sequence[object]
    has_more: bool = False
    rows_read: int
    bytes_read: int
    elapsed_seconds: float

    def response(self, written: Format) -> Response:
        """The reply in a format."""
        write = {Format.JSON: self._json, Format.CSV: self._csv, Format.NDJSON: self._ndjson}[written]
        return Response(write(), media_type=MEDIA_TYPES[written], headers={"Cache-Control": "no-store"})

    def _records(self) -> Iterator[dict[str, Any]]:
        return ({column.name: column.value(row) for column in self.columns} for row in self.rows)

    def _json(self) -> bytes:
        document = {
            "meta": [{"name": column.name, "type": column.kind.value} for column in self.columns],
            "data": list(self._records()),
            "rows": len(self.rows),
            "rows_before_limit_at_least": len(self.rows) + self.has_more,
            "statistics": {
                "elapsed": self.elapsed_seconds,
                "rows_read": self.rows_read,
                "bytes_read": self.bytes_read,
            },
        }
        return orjson.dumps(document)

    def _ndjson(self) -> bytes:
        written = io.BytesIO()  # one line after the other: together, as orjson gives them, they hold 8 kB each
        written.writelines(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in self._records())
        return written.getvalue()

    def _csv(self) -> bytes:
        written = io.StringIO()
        lines = csv.writer(written, lineterminator="\n")
        lines.writerow([column.name for column in self.columns])
        lines.writerows([self._cell(column, row) for column in self.columns] for row in self.rows)
        return written.getvalue().encode()

    @staticmethod
    def _cell(column: Column, row: object) -> str | int | float | None:
        value = column.value(row)
        return harmless(value) if column.kind.is_text and isinstance(value, str) else value


def harmless(text: str) -> str:
    """A text that no spreadsheet runs: one that begins like a formula gets an apostrophe, which shows it as text.

    >>> harmless("=1+1"), harmless("v1")
    ("'=1+1", 'v1')
    """
    return f"'{text}" if text.startswith(_BEGIN_FORMULAS) else text


def written_instant(micros: int) -> str:
    """Whole seconds in UTC, as pipes write them.

    >>> written_instant(1_772_452_800_999_999)
    '2026-03-02 12:00:00'
    """
    return f"{from_micros(micros):%Y-%m-%d %H:%M:%S}"
