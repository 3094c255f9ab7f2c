"""The end of ``monitor simulate``: what was injected, what the monitor said of it, and where to look."""

from typing import TYPE_CHECKING, Any

from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.output import counted, print_table, say
from monitoring_pipeline.cli.reading import EXIT_NOT_ENOUGH_DATA

if TYPE_CHECKING:
    from monitoring_pipeline.simulation.scenarios.outcome import Ending, Notice, Outcome

EXIT_NOT_AS_IT_SHOULD = 3

COLUMNS = (
    Column("rule", text("rule_id")),
    Column("for", text("signal")),
    Column("should be", text("expected")),
    Column("windows judged", text("judged_count")),
    Column("false alarms", text("before")),
    Column("alerts", text("after"), whole=True),
    Column("first after", text("delay"), whole=True),
)


def exit_code(ending: "Ending") -> int:
    """0 if the monitor said what it should."""
    if ending.right:
        return 0
    return EXIT_NOT_ENOUGH_DATA if ending == "not_enough_data" else EXIT_NOT_AS_IT_SHOULD


def print_summary(outcome: "Outcome") -> None:
    """The rules as a table on stdout, the rest on stderr."""
    onset = f" from {outcome.onset_at} on" if outcome.onset_at else ""
    say(f"injected: {outcome.injected}{onset} (seed {outcome.seed})")
    if outcome.rejected_count:
        say(f"ingest refused {counted(outcome.rejected_count, 'row')}")
    print_table([_row(rule) for rule in outcome.as_json()["rules"]], COLUMNS)
    if outcome.onset_at is not None:
        say(f"first drift of {outcome.feature}: {_told(outcome.first_drift)}")
        say(f"first alert: {_told(outcome.first_alert)}")
    say(f"false alarms: {outcome.false_alarm_count}")
    say(f"{outcome.ending.replace('_', ' ')}: {outcome.ending.meaning}")
    say("where to look:")
    say(f"  export MONITOR_HOME={outcome.home}")
    since = "" if outcome.onset_at is None else f" --from {outcome.onset_at[:10]}"
    for command in ("alerts list", f"drift{since}", f"metrics --segment all{since}"):
        say(f"  monitor {command}")


def _row(rule: dict[str, Any]) -> Row:
    first = rule["first"]
    delay = "-" if first is None else f"{first['delay_hours']:g} h"
    return {**rule, "before": _counts(rule["before"]), "after": _counts(rule["after"]), "delay": delay}


def _counts(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items()) or "-"


def _told(notice: "Notice | None") -> str:
    if notice is None:
        return "none"
    return (
        f"{notice.what} in {notice.window_start}, said at {notice.known_at}, {notice.delay_hours:g} h after the onset"
    )
