"""The columns of a table for people: what a cell says in a pipe, and shorter on a terminal."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from monitoring_pipeline.windows import Grain

Row = Mapping[str, Any]
Cell = Callable[[Row], str]

# Six digits keep a piped value comparable; on a terminal the width is worth more than the last two.
PIPE_DIGITS = 6
TERMINAL_DIGITS = 4


@dataclass(frozen=True)
class Column:
    """A heading, and how the cell is made of a row.

    ``on_terminal`` makes the cell there, where it differs. A column with a name under ``shared`` stands once above the
    table, with that name, on a terminal where all rows say the same. ``whole``: wrapped last in a narrow terminal.
    ``optional``: left out on a terminal that is too narrow for the whole table, the rightmost first.
    """

    heading: str
    cell: Cell
    _: KW_ONLY
    on_terminal: Cell | None = None
    shared: str = ""
    whole: bool = False
    optional: bool = False


def text(key: str) -> Cell:
    """A cell with the value as it is; a missing one is a dash."""
    return lambda row: "-" if row[key] is None else str(row[key])


def ratio(key: str) -> Cell:
    """A cell with a share in percent."""
    return lambda row: "-" if row[key] is None else f"{row[key]:.1%}"


def digits(key: str, count: int) -> Cell:
    """A cell with ``count`` significant digits; a missing number is a dash."""
    return lambda row: "-" if row[key] is None else f"{row[key]:.{count}g}"


def number(heading: str, key: str, *, on_terminal: int = TERMINAL_DIGITS, optional: bool = False) -> Column:
    """A column of numbers: six significant digits, four on a terminal."""
    return Column(
        heading,
        digits(key, PIPE_DIGITS),
        on_terminal=digits(key, on_terminal),
        whole=key == "value",
        optional=optional,
    )


def value_or_reason(heading: str, key: str) -> Column:
    """A column of values of metrics; a missing one is the reason why there is none."""

    def cell(count: int) -> Cell:
        known = digits(key, count)
        return lambda row: str(row["undefined_reason"] or "-") if row[key] is None else known(row)

    return Column(heading, cell(PIPE_DIGITS), on_terminal=cell(TERMINAL_DIGITS), whole=True)


def _window(row: Row) -> str:
    start = str(row["window_start"])
    has_time = row["grain"] == Grain.HOUR or start[11:16] != "00:00"
    return start[:16].replace("T", " ") if has_time else start[:10]


WINDOW = Column("window", text("window_start"), on_terminal=_window, whole=True)
MODEL = Column("model", text("model_id"), shared="model", whole=True)
GROUP = (
    MODEL,
    Column("version", text("model_version"), shared="version"),
    Column("environment", text("environment"), shared="environment"),
    Column("segment", text("segment"), shared="segment"),
)
"""Which rows of a model were judged together."""
