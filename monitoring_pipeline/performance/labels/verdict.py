"""How a label pipeline does: whether labels stopped, come late, come as they used to, or cannot be told.

Silence is not health: labels are called healthy only if a stop and a delay would both have been seen.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.performance.labels.arrivals import Arrivals, recent_arrivals
from monitoring_pipeline.performance.labels.curve import DelayCurve, NotEnoughHistory, learn_curve
from monitoring_pipeline.performance.labels.history import HOUR_SECONDS, SECOND_MICROS, DelayHistory
from monitoring_pipeline.performance.labels.lateness import MAX_RECENT_COHORTS, Lateness, judge_lateness

NEWS_MICROS = MAX_RECENT_COHORTS * 24 * HOUR_SECONDS * SECOND_MICROS
"""What is younger is judged; where enough is older, the usual delays are learned from that alone."""


class LabelVerdict(StrEnum):
    """What is said of the labels of a model."""

    HEALTHY = "healthy"
    """They come as they used to."""
    LABELS_STOPPED = "labels_stopped"
    """Far fewer came lately than should have, longer than any silence of the past."""
    LABELS_LATE = "labels_late"
    """They come, but the newest predictions get theirs later than older ones did."""
    NOT_ENOUGH_DATA = "not_enough_data"
    """Too little history or too few labels that are due: nobody can tell, which is not health."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelJudgement:
    """A verdict with what it rests on.

    Attributes:
        verdict: see :class:`LabelVerdict`.
        reasons: plain sentences with the numbers.
        curve: how labels usually come: from the whole history, or from what is older than ten days if labels stopped
            or are late; ``None`` where there is too little.
        arrivals: lately come against expected; ``None`` where no look-back can tell.
        lateness: new cohorts against old ones; ``None`` where there are too few.
    """

    verdict: LabelVerdict
    reasons: tuple[str, ...]
    curve: DelayCurve | None
    arrivals: Arrivals | None
    lateness: Lateness | None


def judge_labels(history: DelayHistory, *, at: int) -> LabelJudgement:
    """The verdict on the labels of a history at an instant, microseconds UTC.

    A stop comes first: labels that do not come at all are late as well.
    """
    curve = learn_curve(history, at=at)
    if not isinstance(curve, DelayCurve):
        return LabelJudgement(
            verdict=LabelVerdict.NOT_ENOUGH_DATA,
            reasons=(_WITHOUT_CURVE[curve],),
            curve=None,
            arrivals=None,
            lateness=None,
        )
    older = learn_curve(history, at=at - NEWS_MICROS)
    usual = older if isinstance(older, DelayCurve) else curve
    arrivals = recent_arrivals(history, at=at)
    lateness = judge_lateness(history, usual, at=at)
    reasons: tuple[str, ...]
    if arrivals is not None and arrivals.stopped:
        verdict, reasons = LabelVerdict.LABELS_STOPPED, (_arrived(arrivals), _was_never_so_quiet(arrivals))
    elif lateness is not None and lateness.late:
        verdict, reasons = LabelVerdict.LABELS_LATE, (_is_late(lateness),)
    elif arrivals is None or lateness is None:
        verdict, reasons = LabelVerdict.NOT_ENOUGH_DATA, _not_told(arrivals, lateness)
    else:
        verdict, reasons = LabelVerdict.HEALTHY, (_arrived(arrivals),)
    # What is wrong now has begun to bend the curve of the whole history.
    shown = usual if verdict in {LabelVerdict.LABELS_STOPPED, LabelVerdict.LABELS_LATE} else curve
    return LabelJudgement(verdict=verdict, reasons=reasons, curve=shown, arrivals=arrivals, lateness=lateness)


_WITHOUT_CURVE = {
    NotEnoughHistory.TOO_FEW_LABELS: "too few labels to learn how they usually come",
    NotEnoughHistory.TOO_FEW_HOURS: "too few hours of predictions to learn how their labels usually come",
}


def _not_told(arrivals: Arrivals | None, lateness: Lateness | None) -> tuple[str, ...]:
    stop = "whether labels stopped cannot be told: too few are due, or less than two weeks are known"
    delay = "whether labels are late cannot be told: too few days of predictions are old enough"
    return (*((stop,) if arrivals is None else (_arrived(arrivals),)), *((delay,) if lateness is None else ()))


def _arrived(arrivals: Arrivals) -> str:
    hours = arrivals.look_back_seconds // HOUR_SECONDS
    return f"in the last {hours} h, {arrivals.seen:,} labels arrived; about {arrivals.expected:,.0f} were due"


def _was_never_so_quiet(arrivals: Arrivals) -> str:
    return (
        f"the quietest time before, a quarter shorter, had {arrivals.quietest_ratio:.0%} of its labels "
        f"(p {arrivals.p_value:.1g})"
    )


def _is_late(lateness: Lateness) -> str:
    days = "day" if lateness.recent_cohorts == 1 else f"{lateness.recent_cohorts} days"
    return (
        f"{lateness.age_seconds / HOUR_SECONDS:.1f} h after the prediction, at most {lateness.recent_coverage:.0%} "
        f"of the newest {days} was labelled; it used to be {lateness.older_coverage:.0%}, never below "
        f"{lateness.lowest_older_coverage:.0%} (p {lateness.p_value:.1g})"
    )
