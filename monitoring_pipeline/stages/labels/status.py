"""The status of a model's labels as of an instant: the verdict, how labels usually come, and what comes now."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from monitoring_pipeline.config.models import Labels, MonitoringConfig
from monitoring_pipeline.performance.labels.arrivals import Arrivals
from monitoring_pipeline.performance.labels.history import DelayHistory
from monitoring_pipeline.performance.labels.lateness import Lateness
from monitoring_pipeline.performance.labels.verdict import LabelVerdict, judge_labels
from monitoring_pipeline.stages.labels.history import LOOK_BACK_MICROS, LabelHistory, judged_at, label_histories
from monitoring_pipeline.stages.labels.orphans import Orphans, orphans_of
from monitoring_pipeline.stages.labels.windows import CoverageAtAge, WindowMaturity, coverage_by_age, window_maturities
from monitoring_pipeline.windows import DAY_MICROS, MICROSECOND, SECOND_MICROS, isoformat

MAX_LOOK_BACK_MICROS = 90 * DAY_MICROS
"""The cost grows with the square of it; slower labels are not judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedDelays:
    """How labels usually come, by the curve.

    Attributes:
        median_seconds: by then half of the labels that ever come have come.
        p90_seconds: by then nine of ten.
        eventual_coverage: the share of predictions that is ever labelled.
        label_count: what it was learned from.
    """

    median_seconds: float
    p90_seconds: float
    eventual_coverage: float
    label_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentLabels:
    """One environment's labels, all versions together; counts are of the look-back.

    Attributes:
        environment: whose.
        judged_at: the instant of the verdict, microseconds UTC: the one asked for, unless the last label is long past.
        verdict: see :class:`LabelVerdict`.
        reasons: plain sentences with the numbers.
        delays: ``None`` without enough history; then there are no ages and windows either.
        arrivals: lately come against expected.
        lateness: new predictions against older ones, at one age.
        prediction_count: rows.
        arrived_count: those that were ever labelled.
        corrected_count: of those, changed later.
        retracted_count: of those, taken back and not given again.
        uncounted_hours: hours that have changed since they were last computed; more labels may be stored.
        ages: expected against seen coverage.
        windows: the last 24 hours and the last 7 days.
    """

    environment: str
    judged_at: int
    verdict: LabelVerdict
    reasons: tuple[str, ...]
    delays: LearnedDelays | None
    arrivals: Arrivals | None
    lateness: Lateness | None
    prediction_count: int
    arrived_count: int
    corrected_count: int
    retracted_count: int
    uncounted_hours: int
    ages: tuple[CoverageAtAge, ...]
    windows: tuple[WindowMaturity, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelStatus:
    """A model's labels.

    Attributes:
        model_id: whose.
        look_back_seconds: how long the history is that was read.
        environments: by name.
        orphans: truth without prediction.
    """

    model_id: str
    look_back_seconds: int
    environments: tuple[EnvironmentLabels, ...]
    orphans: Orphans

    def to_dict(self) -> list[dict[str, Any]]:
        """One JSON-safe row for each environment; instants are ISO 8601."""
        return [self._row(labels) for labels in self.environments]

    def _row(self, labels: EnvironmentLabels) -> dict[str, Any]:
        oldest = self.orphans.oldest_at
        return {
            "model_id": self.model_id,
            **asdict(labels),
            "verdict": labels.verdict.value,
            "windows": [_window_row(window) for window in labels.windows],
            "orphan_count": self.orphans.count,
            "oldest_orphan_at": None if oldest is None else isoformat(oldest),
            "judged_at": isoformat(labels.judged_at),
            "look_back_seconds": self.look_back_seconds,
        }


def label_status(
    connection: Connection, config: MonitoringConfig, model_id: str, *, now: int, is_present: bool = False
) -> LabelStatus:
    """A model's labels as they were known at an instant.

    Looks back 30 days, or three times the config's ``maturity`` if that is longer, 90 days at most.

    Args:
        connection: a reading transaction.
        config: says when the model's labels are due; an undeclared model has the defaults.
        model_id: whose labels.
        now: microseconds UTC; of a past instant, orphans that were joined since are missing.
        is_present: ``now`` is the present instant: see :func:`label_histories`.
    """
    declared = config.model(model_id)
    labels = Labels() if declared is None else declared.labels
    look_back = min(max(LOOK_BACK_MICROS, 3 * (labels.maturity // MICROSECOND)), MAX_LOOK_BACK_MICROS)
    histories = label_histories(connection, model_id, now=now, look_back=look_back, is_present=is_present)
    return LabelStatus(
        model_id=model_id,
        look_back_seconds=look_back // SECOND_MICROS,
        environments=tuple(_environment(history, labels, now=now) for history in histories),
        orphans=orphans_of(connection, model_id, now=now),
    )


def _environment(history: LabelHistory, labels: Labels, *, now: int) -> EnvironmentLabels:
    delays = DelayHistory.of(history.hours)
    at = judged_at(delays, now=now)
    delays = delays.before(at)
    judgement = judge_labels(delays, at=at)
    curve = judgement.curve
    return EnvironmentLabels(
        environment=history.environment,
        judged_at=at,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        delays=None
        if curve is None
        else LearnedDelays(
            median_seconds=curve.delay_seconds(0.5),
            p90_seconds=curve.delay_seconds(0.9),
            eventual_coverage=curve.eventual_coverage,
            label_count=curve.label_count,
        ),
        arrivals=judgement.arrivals,
        lateness=judgement.lateness,
        prediction_count=int(delays.prediction_counts.sum()),
        arrived_count=history.arrived_count,
        corrected_count=history.corrected_count,
        retracted_count=history.retracted_count,
        uncounted_hours=int((delays.observed_until < at).sum()),
        ages=() if curve is None else tuple(coverage_by_age(delays, curve, at=at)),
        windows=() if curve is None else tuple(window_maturities(delays, curve, labels, at=at)),
    )


def _window_row(maturity: WindowMaturity) -> dict[str, Any]:
    row = {name: value for name, value in asdict(maturity).items() if name != "window"}
    return {"grain": maturity.window.grain.value, "window_start": isoformat(maturity.window.start), **row}
