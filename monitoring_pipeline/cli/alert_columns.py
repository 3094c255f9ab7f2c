"""How alerts and what happened to them are shown in tables."""

from monitoring_pipeline.cli.columns import (
    GROUP,
    PIPE_DIGITS,
    TERMINAL_DIGITS,
    WINDOW,
    Cell,
    Column,
    Row,
    number,
    ratio,
    text,
)


def _bound(digits: int) -> Cell:
    return lambda row: f"{row['direction']} {row['threshold']:.{digits}g}"


def _deliveries(row: Row) -> str:
    return ", ".join(f"{count} {state}" for state, count in row["deliveries"].items() if count) or "-"


ALERT_COLUMNS = (
    WINDOW,
    Column("grain", text("grain"), shared="grain"),
    *GROUP,
    Column("rule", text("rule_id")),
    Column("severity", text("severity"), whole=True),
    Column("state", text("state"), whole=True),
    Column("metric", text("metric")),
    number("value", "value"),
    Column("alert if", _bound(PIPE_DIGITS), on_terminal=_bound(TERMINAL_DIGITS)),
    Column("coverage", ratio("coverage"), optional=True),
    Column("deliveries", _deliveries, optional=True),
    Column("acknowledged", text("acknowledged_by"), optional=True),
)


def _change(key: str, digits: str) -> Cell:
    def told(row: Row) -> str:
        old, new = ("-" if row[name] is None else format(row[name], digits) for name in (f"old_{key}", f"new_{key}"))
        return new if old in {"-", new} else f"{old} -> {new}"

    return told


def _causes(row: Row) -> str:
    causes = row["causes"]
    if causes is None:
        return "-"
    if causes["by_age_alone"]:
        return "age alone"
    named = [f"{batch['source']} ({batch['row_count']} {batch['kind']})" for batch in causes["batches"]]
    further = causes["further_batch_count"]
    return ", ".join([*named, *([f"{further} more"] if further else [])]) or "-"


HISTORY_COLUMNS = (
    Column("known at", text("known_at"), whole=True),
    Column("from", text("from_state")),
    Column("to", text("to_state"), whole=True),
    Column("severity", text("severity")),
    Column("value", _change("value", f".{PIPE_DIGITS}g"), on_terminal=_change("value", f".{TERMINAL_DIGITS}g")),
    Column("coverage", _change("coverage", ".1%")),
    Column("caused by", _causes),
)
