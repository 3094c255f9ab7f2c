"""Prints results: data to stdout, everything said about it to stderr.

Names come from whoever sends events, so what people read is made printable: a terminal obeys escape
sequences. JSON stays exact.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby

import orjson
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitoring_pipeline.cli.columns import Column, Row
from monitoring_pipeline.text import printable

# More than this floods a terminal; --json and pipes get everything.
MAX_TERMINAL_ROWS = 200
GAP_CHARACTERS = 2
# How narrow a column may be wrapped so that a window or a value is not, and how narrow for anything else.
MIN_CHARACTERS = 4
READABLE_CHARACTERS = 8
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
    if sys.stdout.isatty():
        _print_on_terminal(rows, columns)
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column.heading)
    for row in rows:
        # As Text: a model may be called "[red]".
        table.add_row(*(Text(printable(column.cell(row))) for column in columns))
    Console(file=sys.stdout, width=PIPE_WIDTH_CHARACTERS).print(table)


def _print_on_terminal(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """What all rows share stands once above the table; nothing is cut, what is too wide is wrapped."""
    console = Console(file=sys.stdout)
    shown = rows[:MAX_TERMINAL_ROWS]
    cells = {column: [printable((column.on_terminal or column.cell)(row)) for row in shown] for column in columns}
    # Of all rows, not just of those shown.
    shared = {c: cells[c][0] for c in columns if c.shared and rows and len({c.cell(row) for row in rows}) == 1}
    for line in _lines([f"{column.shared}: {cell}" for column, cell in shared.items()], console.width):
        console.print(Text(line))
    kept = {column: found for column, found in cells.items() if column not in shared}
    room = _without_optional(kept, console.width)
    console.print(_fitted(room, console.width))
    missing = [column.heading for column in kept if column not in room and column.heading]
    if missing:
        say(f"no room for: {', '.join(missing)}; a wider terminal shows them, and so does --json")
    if len(shown) < len(rows):
        say(f"{len(rows) - len(shown)} further rows are not shown; --json prints all {len(rows)}")


def _lines(phrases: Sequence[str], width: int) -> list[str]:
    """The phrases on as few lines as they need, none broken that would fit on one."""
    lines: list[str] = []
    for phrase in phrases:
        longer = f"{lines[-1]}   {phrase}" if lines else phrase
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(phrase)
    return lines


def _without_optional(cells: Mapping[Column, Sequence[str]], width: int) -> Mapping[Column, Sequence[str]]:
    """What is left once the optional columns went that had no room: from the right, neighbours together."""
    kept = dict(cells)
    for optional, neighbours in groupby(reversed(list(cells)), key=lambda column: column.optional):
        if sum(_widths(kept).values()) <= width:
            break
        for column in neighbours if optional else []:
            del kept[column]
    return kept


def _widths(cells: Mapping[Column, Sequence[str]]) -> dict[Column, int]:
    return {
        column: max(map(cell_len, [*_heading(column.heading, found).split("\n"), *found])) + GAP_CHARACTERS
        for column, found in cells.items()
    }


def _fitted(cells: Mapping[Column, Sequence[str]], width: int) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, GAP_CHARACTERS - 1, 0, 0))
    headings = {column: _heading(column.heading, found) for column, found in cells.items()}
    whole = _kept_whole(_widths(cells), width)
    for column, heading in headings.items():
        table.add_column(heading, no_wrap=column in whole, overflow="fold")
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def _heading(heading: str, cells: Sequence[str]) -> str:
    """The heading, on two lines where it would make the column wider."""
    return heading if cell_len(heading) <= max(map(cell_len, cells), default=0) else heading.replace(" ", "\n")


def _kept_whole(widths: Mapping[Column, int], width: int) -> set[Column]:
    """Columns that are not wrapped: those marked so, then the narrowest, as long as the others can be read.

    Rich cuts a column that may not wrap and does not fit, so never more than fit.
    """
    marked = [column for column in widths if column.whole]
    others = sorted((column for column in widths if not column.whole), key=lambda column: widths[column])
    whole: set[Column] = set()
    for least, columns in ((MIN_CHARACTERS, marked), (READABLE_CHARACTERS, others)):
        for column in columns:
            wrapped = sum(min(least + GAP_CHARACTERS, widths[other]) for other in widths.keys() - whole - {column})
            if wrapped + widths[column] + sum(widths[other] for other in whole) <= width:
                whole.add(column)
    return whole


def say(sentence: str) -> None:
    """One sentence on stderr."""
    sys.stderr.write(f"{printable(sentence)}\n")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: ``1 row``, ``2,000 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
