"""``model_drift_detection``: whether the errors of the last hours differ from those of the days before."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.stages.live.answer import Answer
from monitoring_pipeline.stages.live.error_change import LiveDriftReason, judge, relative_change
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.windows import HOUR_MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One version's errors, recent against historical.

    Attributes:
        model_id: the model.
        model_version: its version.
        environment: where it ran.
        recent_mae: mean absolute error of the recent window; ``None`` without truth.
        historical_mae: that of the time before it.
        drift_percentage: ``(recent - historical) / historical``: 0.1 is ten percent worse.
        recent_count: predictions of the recent window, labelled or not.
        historical_count: those of the time before it.
        analysis_timestamp: now, microseconds UTC.
        drift_low: where the 95 % interval of ``drift_percentage`` begins.
        drift_high: where it ends.
        verdict: whether it drifted.
        reason: why that is said.
        recent_labelled_count: predictions of the recent window whose truth has arrived.
        historical_labelled_count: those of the time before it.
    """

    model_id: str
    model_version: str
    environment: str
    recent_mae: float | None
    historical_mae: float | None
    drift_percentage: float | None
    recent_count: int
    historical_count: int
    analysis_timestamp: int
    drift_low: float | None
    drift_high: float | None
    verdict: DriftVerdict
    reason: LiveDriftReason
    recent_labelled_count: int
    historical_labelled_count: int


def drift_detection(
    live: Live, *, model_id: str, environment: str, recent_window_hours: int, historical_window_hours: int
) -> Answer[DriftRow]:
    """The versions that made predictions lately, those that changed most first.

    Args:
        live: the store, as of now.
        model_id: the model.
        environment: the environment.
        recent_window_hours: how far back the recent window begins.
        historical_window_hours: how far back the historical one begins, which ends where the recent one begins.
    """
    now = live.clock()
    begins = now - recent_window_hours * HOUR_MICROS
    recent, historical = Stretch(begins), Stretch(now - historical_window_hours * HOUR_MICROS, begins)
    found = live.errors.of(model_id, [recent, historical], which=lambda group: group[1] == environment)
    rows = [
        _row(model_id, *group, lately=lately, before=found.groups[1].get(group), now=now)
        for group, lately in found.groups[0].items()
    ]
    return Answer(rows=_ordered(rows), cost=found.cost)


def _row(
    model_id: str, version: str, environment: str, *, lately: ErrorSums, before: ErrorSums | None, now: int
) -> DriftRow:
    historical_mae = None if before is None else before.mae
    judged = judge(lately, before)
    return DriftRow(
        model_id=model_id,
        model_version=version,
        environment=environment,
        recent_mae=lately.mae,
        historical_mae=historical_mae,
        drift_percentage=relative_change(lately.mae, historical_mae),
        recent_count=lately.prediction_count,
        historical_count=0 if before is None else before.prediction_count,
        analysis_timestamp=now,
        drift_low=judged.low,
        drift_high=judged.high,
        verdict=judged.verdict,
        reason=judged.reason,
        recent_labelled_count=lately.labelled_count,
        historical_labelled_count=0 if before is None else before.labelled_count,
    )


def _ordered(rows: Iterable[DriftRow]) -> list[DriftRow]:
    """By the size of the change, largest first; those without one last."""
    return sorted(
        rows,
        key=lambda row: (row.drift_percentage is None, -abs(row.drift_percentage or 0.0), row.model_version),
    )
