"""Errors read row by row, in the order of their predictions: when did the model start to miss more, or less?

A day is replayed from seven days before, from the lake, against the reference's level: its rows say the same whenever
they are computed. A change that lasts is raised once and then stands; a slow one is added up over the days, which a
replay of the day alone could not. After seven days its beginning is no longer replayed, and it stands since the first
rows that are. Detectors of river take a new level as normal: they are silent after it, and where a replay begins in
the middle of a day's change they may place it some rows otherwise than the day before did.

Run lengths count rows, not windows: a day of 10,000 rows has one false alarm on average if ``run_length`` is as long.
And they hold for rows that are independent: where days have their own weather, of which errors take a part, alarms come
and go with it. So detectors have no ``overall`` verdict, and no rule judges them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.streaming.alarms import Alarm, StreamReason
from monitoring_pipeline.drift.streaming.reach import largest_reach
from monitoring_pipeline.drift.streaming.replay import replay
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings
from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.drifting.truth.level import PreparedStream
from monitoring_pipeline.stages.drifting.truth.outcomes import outcomes_of
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.windows import Grain, isoformat

ROW_BY_ROW = "(error row by row)"
"""What results call it."""

DAYS_BEFORE = 7
"""A day is replayed from here: whatever the weekdays, each is in it."""

MOST_ALARMS = 20
"""Of one day, in its detail."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Errors:
    """The labelled rows of a day and the days before it, in the order of (predicted_at, prediction_id).

    Attributes:
        misses: what is read of each.
        instants: when each was predicted.
        first: where the day begins.
    """

    misses: Floats
    instants: Counts
    first: int

    @classmethod
    def of(cls, rows: pa.Table, model: Model, day: int) -> "Errors":
        """The sequence of labelled rows that end with a day."""
        instants = rows["predicted_at"].to_numpy()
        misses = outcomes_of(model.task).misses(rows, model.threshold)
        return cls(misses=misses, instants=instants, first=int(np.searchsorted(instants, day)))


def stream_rows(model: Model, key: GroupKey, rows: pa.Table, prepared: PreparedStream) -> Iterator[Row]:
    """What each detector says of a day, as rows of ``drift_results``.

    Args:
        model: the declaration.
        key: the group, and the day.
        rows: labelled rows of the day and the days before, in the order of time.
        prepared: the reference.
    """
    sequence = Errors.of(rows, model, key.window_start)
    for detector in model.drift.detectors:
        settings = DetectorSettings(detector=detector, run_length=model.drift.run_length)
        said = _said(sequence, settings, prepared, min_samples=model.drift.min_samples)
        yield {
            "model_id": model.id,
            "model_version": key.model_version,
            "environment": key.environment,
            "segment": key.segment,
            "grain": Grain.DAY.value,
            "window_start": key.window_start,
            "drift_type": DriftType.CONCEPT.value,
            "feature": ROW_BY_ROW,
            "measure": Measure(detector.value).value,
            "value": said.value,
            "p_value": None,
            "q_value": None,
            "threshold": 1.0,
            "noise_limit": None,
            "detectable": None,
            "verdict": said.verdict.value,
            "reason": said.reason.value,
            "n_reference": prepared.row_count,
            "n_window": sequence.misses.size - sequence.first,
            "n_effective": float(sequence.misses.size - sequence.first),
            "window_count": DAYS_BEFORE + 1,
            "detail": said.detail,
            "reference_id": prepared.reference_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    verdict: DriftVerdict
    reason: DriftReason
    value: float | None = None
    detail: str | None = None


def _said(sequence: Errors, settings: DetectorSettings, prepared: PreparedStream, *, min_samples: int) -> _Said:
    if sequence.first == sequence.misses.size:
        return _Said(verdict=DriftVerdict.NOT_ENOUGH_DATA, reason=DriftReason.TOO_FEW_WINDOW_ROWS)
    if prepared.baseline is None or prepared.row_count < min_samples:
        return _Said(verdict=DriftVerdict.NOT_ENOUGH_DATA, reason=DriftReason.TOO_FEW_REFERENCE_ROWS)
    baseline = prepared.baseline
    # Without a memory of the reference these would be blind for their first rows; of 0 and 1 they get one by itself.
    before = None if baseline.binary else prepared.last
    found = replay(sequence.misses, settings, baseline=baseline, before=before)
    if found.reason is not None:
        assert found.reason is StreamReason.NOT_BINARY, "the config refuses run lengths that are not calibrated"
        return _Said(verdict=DriftVerdict.NOT_ENOUGH_DATA, reason=DriftReason.NOT_BINARY)
    reach = largest_reach(sequence.misses, settings, baseline=baseline, first=sequence.first, last=sequence.misses.size)
    alarms = [alarm for alarm in found.alarms if _is_of_day(alarm, sequence, settings)]
    if not alarms:
        return _Said(verdict=DriftVerdict.NO_DRIFT, reason=DriftReason.NO_ALARM, value=reach)
    raised = any(alarm.position >= sequence.first for alarm in alarms)
    return _Said(
        verdict=DriftVerdict.DRIFT,
        reason=DriftReason.ALARM_RAISED if raised else DriftReason.ALARM_STANDS,
        value=reach,
        detail=_detail(alarms, sequence),
    )


def _is_of_day(alarm: Alarm, sequence: Errors, settings: DetectorSettings) -> bool:
    """Whether it was raised on the day, or still stood when the day began."""
    if alarm.position >= sequence.first:
        return True
    lasts = settings.detector in (Detector.CUSUM, Detector.PAGE_HINKLEY)
    return lasts and (alarm.ended_position is None or alarm.ended_position >= sequence.first)


def _detail(alarms: Sequence[Alarm], sequence: Errors) -> str:
    def at(position: int | None) -> str | None:
        return None if position is None else isoformat(int(sequence.instants[position]))

    told = [
        {
            "raised_at": at(alarm.position),
            "ended_at": at(alarm.ended_position),
            "direction": alarm.direction.value,
            "statistic": alarm.statistic,
            "limit": alarm.limit,
        }
        for alarm in alarms[-MOST_ALARMS:]
    ]
    said = {"alarms": told, "alarm_count": len(alarms)}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
