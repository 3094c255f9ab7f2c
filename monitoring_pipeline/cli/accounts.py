"""How the accounts of sources are shown."""

from collections.abc import Callable, Sequence

from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.output import counted, print_json, print_table, say
from monitoring_pipeline.sources.account import Account

EXIT_TROUBLE = 1
EXIT_ROWS_REJECTED = 3

_COUNTS = ("received", "accepted", "duplicates", "conflicts", "quarantined", "passed_over", "lost")
_ALWAYS_SHOWN = {"received", "accepted"}


def show_accounts(accounts: Sequence[Account], *, as_json: bool) -> None:
    """Print the accounts; what hindered a reading goes to stderr."""
    rows = [account.as_json() for account in accounts]
    if as_json:
        print_json(rows)
    elif rows:
        told = [name for name in _COUNTS if name in _ALWAYS_SHOWN or any(row[name] for row in rows)]
        columns = [Column(name.replace("_", " "), _count(name)) for name in told]
        print_table(rows, [Column("source", text("source")), *columns])
    for account in accounts:
        for sentence in (*account.remarks, *account.troubles):
            say(f"{account.source}: {sentence}")
        if account.rejected:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(account.reasons.items()))
            say(
                f"{account.source}: {counted(account.rejected, 'row')} refused ({reasons}); see docs/how-to/bad-rows.md"
            )


def exit_code(accounts: Sequence[Account]) -> int:
    """What a reading ends with: something could not be read, rows were refused, or neither."""
    if any(account.troubles for account in accounts):
        return EXIT_TROUBLE
    return EXIT_ROWS_REJECTED if any(account.rejected for account in accounts) else 0


def _count(name: str) -> Callable[[Row], str]:
    return lambda row: f"{row[name]:,}"
