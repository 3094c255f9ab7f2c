"""Prints results: data to stdout, everything said about it to stderr."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]
"""A heading, and how the cell is made of a row."""

# More than this floods a terminal; --json and pipes get everything.
MAX_TERMINAL_ROWS = 200
# Off a terminal nothing is wrapped or cut, so that a table can be piped into other tools.
PIPE_WIDTH_CHARACTERS = 10_000


def print_json(rows: Sequence[Row]) -> None:
    """A JSON list with one row per line; doubles are written so that they read back equal."""
    out = sys.stdout
    out.write("[")
    for i, row in enumerate(rows):
        out.write(",\n " if i else "\n ")
        out.write(orjson.dumps(dict(row)).decode())
    out.write("\n]\n" if rows else "]\n")


def print_table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """A table for people; colours only on a terminal and without ``NO_COLOR``."""
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else PIPE_WIDTH_CHARACTERS)
    shown = rows[:MAX_TERMINAL_ROWS] if terminal else rows
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading, _ in columns:
        table.add_column(heading)
    for row in shown:
        # As Text: a model may be called "[red]".
        table.add_row(*(Text(cell(row)) for _, cell in columns))
    console.print(table)
    if len(shown) < len(rows):
        say(f"{len(rows) - len(shown)} further rows are not shown; --json prints all {len(rows)}")


def say(sentence: str) -> None:
    """One sentence on stderr."""
    sys.stderr.write(f"{sentence}\n")


def text(key: str) -> Callable[[Row], str]:
    """A cell with the value as it is; a missing one is a dash."""
    return lambda row: "-" if row[key] is None else str(row[key])


def number(key: str) -> Callable[[Row], str]:
    """A cell with six significant digits; a missing number is a dash."""
    return lambda row: "-" if row[key] is None else f"{row[key]:.6g}"


def ratio(key: str) -> Callable[[Row], str]:
    """A cell with a share in percent."""
    return lambda row: "-" if row[key] is None else f"{row[key]:.1%}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: ``1 row``, ``2,000 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
