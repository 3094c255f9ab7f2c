"""What to do about what the model does: its alerts, its inputs, how sure it is, and where it goes."""

from collections.abc import Iterator
from shlex import quote

from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.config.models import Rule
from monitoring_pipeline.drift.verdict import DriftType, DriftVerdict
from monitoring_pipeline.performance.trend import change_along_line
from monitoring_pipeline.performance.values import Estimate
from monitoring_pipeline.reports.advice.entry import Advice, Urgency
from monitoring_pipeline.reports.facts import Facts, Series
from monitoring_pipeline.reports.forecast import Forecast
from monitoring_pipeline.reports.measured import estimate_of
from monitoring_pipeline.windows import DAY_MICROS, isoformat

RECENT_DAYS = 7


OFTEN_DAYS = 3


CONFIDENCE_DAYS = 4
"""More than three days: four make a line."""


MOST_UNSURE = 0.3


NAMED = 3


_KINDS_OF_DRIFT = {
    DriftType.DATA: "Inputs",
    DriftType.PREDICTION: "What the model says",
    DriftType.LABEL: "The truth",
    DriftType.CONCEPT: "The relation between inputs and truth",
}


_AGAINST_DRIFT = {
    DriftType.DATA: "Look whether their source changed. If the world did, train again with rows of these days.",
    DriftType.PREDICTION: "Look which inputs moved with it; if none did, look at the model that was deployed.",
    DriftType.LABEL: "Look whether the truth is still measured as it was. If so, train again with rows of these days.",
    DriftType.CONCEPT: "Train again with rows of these days: the model answers a question that is no longer asked.",
}


def about_alerts(facts: Facts) -> Iterator[Advice]:
    """That alerts stand."""
    active = [alert for alert in facts.alerts if AlertState(alert["state"]).active]
    if not active:
        return
    critical = [alert for alert in active if alert["severity"] == "critical"]
    rules = sorted({alert["rule_id"] for alert in active})
    stand = "1 alert stands" if len(active) == 1 else f"{len(active)} alerts stand"
    yield Advice(
        urgency=Urgency.NOW if critical else Urgency.SOON,
        because=f"{stand}, {len(critical)} of them critical: {_named(rules)}.",
        do="Look at the newest one: the numbers, and which rows it came from.",
        command=f"monitor alerts list --model {quote(facts.model.id)}",
    )


def about_drift(facts: Facts) -> Iterator[Advice]:
    """Drift that is repeated, for each kind of it; what moved on single days is named and left alone."""
    recent = facts.days[-RECENT_DAYS:]
    counts = {
        subject: sum(day in days and days[day].verdict == DriftVerdict.DRIFT for day in recent)
        for subject, days in facts.drift.items()
    }
    command = f"monitor drift --model {quote(facts.model.id)} --verdict drift"
    for kind in DriftType:
        often = [subject for subject, count in counts.items() if subject[0] == kind and count >= OFTEN_DAYS]
        often.sort(key=lambda subject: (-counts[subject], subject))
        if often:
            names = _named([name for _, name in often])
            days = f"in up to {counts[often[0]]} of the last {len(recent)} days"
            because = f"{_KINDS_OF_DRIFT[kind]} drifted repeatedly, {days}: {names}."
            yield Advice(urgency=Urgency.SOON, because=because, do=_AGAINST_DRIFT[kind], command=command)
    once = sorted(name for (_, name), count in counts.items() if 0 < count < OFTEN_DAYS)
    if once:
        yield Advice(
            urgency=Urgency.WHEN_POSSIBLE,
            because=f"{_named(once)} moved, on fewer than {OFTEN_DAYS} of the last {len(recent)} days.",
            do="Nothing yet; train again if it is repeated.",
            command=command,
        )


def about_confidence(facts: Facts) -> Iterator[Advice]:
    """That the model becomes less sure, or is unsure too often."""
    confidence, unsure = facts.operations.get("average_confidence"), facts.operations.get("low_confidence_rate")
    change = None if confidence is None else _change(confidence, CONFIDENCE_DAYS)
    if change is not None and change.interval is not None and change.interval.upper < 0:
        yield Advice(
            urgency=Urgency.SOON,
            because=f"The model's confidence has been falling for {CONFIDENCE_DAYS} days, by {-change.value:.3g}.",
            do="It meets what it does not know: look at the newest inputs, and train again with rows like them.",
            command=f"monitor metrics --model {quote(facts.model.id)} --metric average_confidence",
        )
    rate = None if unsure is None else unsure.last.value
    if rate is not None and rate > MOST_UNSURE:
        yield Advice(
            urgency=Urgency.SOON,
            because=f"The model is unsure of {rate:.0%} of its predictions.",
            do=f"Train again: beyond {MOST_UNSURE:.0%} its answers are worth little.",
            command=f"monitor metrics --model {quote(facts.model.id)} --metric low_confidence_rate",
        )


def about_forecast(facts: Facts, ahead: Forecast | None) -> Iterator[Advice]:
    """That a bound will be passed, if the line goes one way for sure and the last day is still within it."""
    rule = facts.rule
    if ahead is None or rule is None or not _is_certain(ahead):
        return
    days = facts.performance[0].days
    last = next(day for day in reversed(days) if day.is_mature and day.value is not None)
    if last.value is None or _is_beyond(rule, last.value):
        return
    step = next((step for step, (value, _, _) in enumerate(ahead.ahead, start=1) if _is_beyond(rule, value)), None)
    if step is not None:
        day = isoformat(last.day + step * DAY_MICROS)[:10]
        command = f"monitor explain --model {quote(facts.model.id)} --metric {facts.headline}"
        yield Advice(
            urgency=Urgency.SOON,
            because=f"If {facts.headline} goes on like this, it passes the bound of {rule.id} on {day}.",
            do="Find out what changed before it does.",
            command=f"{command} --window {isoformat(last.day)[:10]}",
        )


def _is_beyond(rule: Rule, value: float) -> bool:
    return (rule.above is not None and value > rule.above) or (rule.below is not None and value < rule.below)


def _is_certain(ahead: Forecast) -> bool:
    """Whether the line goes one way, by its whole interval."""
    interval = ahead.change.interval
    return interval is not None and (interval.lower > 0 or interval.upper < 0)


def _change(series: Series, count: int) -> Estimate | None:
    days = series.days[-count:]
    known = [estimate for estimate in map(estimate_of, days) if estimate is not None]
    if len(known) < count or days[-1].day - days[0].day != (count - 1) * DAY_MICROS:
        return None
    change = change_along_line(known)
    return change if isinstance(change, Estimate) else None


def _named(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
