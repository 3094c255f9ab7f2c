"""What to do next, in sentences that follow from verdicts: the most urgent first, and never a guess."""

from collections.abc import Callable, Iterator

from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.reports.advice.about_model import about_alerts, about_confidence, about_drift, about_forecast
from monitoring_pipeline.reports.advice.about_monitoring import about_gaps, about_labels, about_pipeline
from monitoring_pipeline.reports.advice.entry import Advice, Urgency
from monitoring_pipeline.reports.facts import Facts
from monitoring_pipeline.reports.forecast import Forecast


def advice(facts: Facts, ahead: Forecast | None) -> list[Advice]:
    """What to do about what was found; one entry that there is nothing if so."""
    found = [entry for look in _LOOKS for entry in look(facts)]
    found += about_forecast(facts, ahead)
    order = list(Urgency)
    return sorted(found, key=lambda entry: order.index(entry.urgency)) or [_nothing(facts)]


_LOOKS: tuple[Callable[[Facts], Iterator[Advice]], ...] = (
    about_pipeline,
    about_alerts,
    about_labels,
    about_drift,
    about_confidence,
    about_gaps,
)


def _nothing(facts: Facts) -> Advice:
    coverage = facts.present.coverage
    seen = ["no alert stands"]
    if any(day.verdict != DriftVerdict.NOT_ENOUGH_DATA for days in facts.drift.values() for day in days.values()):
        seen.append("nothing that was measured drifts")
    if facts.labels and all(row["verdict"] == LabelVerdict.HEALTHY for row in facts.labels):
        seen.append("labels come as they used to")
    if coverage is not None:
        seen.append(f"the truth of {coverage:.0%} of the last day's predictions is known so far")
    text = "; ".join(seen)
    return Advice(
        urgency=Urgency.NOTHING, because=f"{text[0].upper()}{text[1:]}.", do="Nothing to do; look again tomorrow."
    )
