"""What to do about the monitoring itself: what is not computed, does not arrive, or was never declared."""

from collections.abc import Iterator
from shlex import quote

from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.reports.advice.entry import Advice, Urgency
from monitoring_pipeline.reports.facts import Facts


def about_pipeline(facts: Facts) -> Iterator[Advice]:
    """That hours wait to be computed."""
    if facts.late_hours:
        yield Advice(
            urgency=Urgency.NOW,
            because=f"{facts.late_hours} hours with events wait to be computed for more than two hours.",
            do="See that Dagster's daemon runs, or compute them now: until then this page lacks them.",
            command="monitor reconcile",
        )


def about_labels(facts: Facts) -> Iterator[Advice]:
    """That the truth stopped coming, or comes late."""
    for row in facts.labels:
        where = row["environment"]
        if row["verdict"] == LabelVerdict.LABELS_STOPPED:
            yield Advice(
                urgency=Urgency.NOW,
                because=f"Labels stopped coming in {where}.",
                do="Mend what delivers the truth first: without it nobody can tell whether the model errs.",
                command=f"monitor labels --model {quote(facts.model.id)}",
            )
        elif row["verdict"] == LabelVerdict.LABELS_LATE:
            yield Advice(
                urgency=Urgency.SOON,
                because=f"Labels come later than they used to in {where}.",
                do="Ask what delivers the truth, and do not trust the newest days until their labels are complete.",
                command=f"monitor labels --model {quote(facts.model.id)}",
            )


def about_gaps(facts: Facts) -> Iterator[Advice]:
    """What cannot be seen because nobody said what to look at."""
    if facts.ended_on is not None:
        yield Advice(
            urgency=Urgency.NOW,
            because=f"The last prediction was made on {facts.ended_on}, before the days of this page.",
            do="Look at the days before it, here or with latest=true at /monitor/report; if the model still serves, "
            "see whether what logs its predictions still runs.",
            command=f"monitor report --model {quote(facts.model.id)} --latest",
        )
        return
    if not facts.present.prediction_count and facts.newest is None and not facts.performance:
        yield Advice(
            urgency=Urgency.NOW,
            because="There are no predictions.",
            do="Send some: over HTTP, from files, or from Python.",
            command="monitor ingest predictions.ndjson",
        )
        return
    if not facts.present.prediction_count:
        yield Advice(
            urgency=Urgency.NOW,
            because="There were no predictions in the last 24 hours.",
            do="See whether the model still serves, and whether what logs its predictions still runs.",
            command=f"monitor metrics --model {quote(facts.model.id)} --metric predictions_per_second",
        )
    if facts.present.prediction_count and not facts.performance and not facts.late_hours:
        yield Advice(
            urgency=Urgency.WHEN_POSSIBLE,
            because="There are predictions, and no whole day of them has been computed yet.",
            do="Wait for the day to end, or see that Dagster's daemon runs.",
            command="monitor reconcile",
        )
    if facts.performance and all(day.value is None for series in facts.performance for day in series.days):
        yield Advice(
            urgency=Urgency.SOON,
            because="No truth has arrived: how good the model is, nobody knows.",
            do="Send what turned out to be true, under the predictions' ids.",
            command="monitor ingest actuals.csv",
        )
    if facts.model.reference is None:
        yield Advice(
            urgency=Urgency.WHEN_POSSIBLE,
            because="No reference is declared: drift cannot be seen.",
            do="Declare the rows that the model was trained on as its reference.",
        )
    if not facts.model.rules:
        yield Advice(
            urgency=Urgency.WHEN_POSSIBLE,
            because="No rules are declared: nobody is told of anything.",
            do="Declare from when on somebody should know.",
        )
