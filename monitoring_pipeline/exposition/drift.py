"""What has moved from the reference: each feature's measures and verdict in the newest hour and day."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.exposition.families import MODEL, Family
from monitoring_pipeline.exposition.moment import Moment
from monitoring_pipeline.exposition.standing import newest_rows
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.windows import Grain

_FEATURE = (MODEL, "version", "environment", "grain", "drift_type", "feature")


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    rows = [row for grain in Grain for row in newest_rows(moment, drift_results, grain)]
    rows.sort(key=lambda row: (row.verdict != DriftVerdict.DRIFT.value, moment.rank[row.model_id], *map(str, row[:9])))
    verdicts = [row for row in rows if row.measure == Measure.OVERALL.value]
    yield Family(
        name="mlmon_drift_score",
        meaning="How far a feature is from its reference in the newest hour or day, by measure (psi, ks, …).",
        labels=(*_FEATURE, "measure"),
        samples=[
            ((*_feature(row), row.measure), row.value)
            for row in rows
            if row.measure != Measure.OVERALL.value and row.value is not None and math.isfinite(row.value)
        ],
        most=700,
    )
    yield Family(
        name="mlmon_drift_detected",
        meaning="1 if a feature has drifted, 0 if not; absent where there is not enough data to tell.",
        labels=_FEATURE,
        samples=[
            (_feature(row), float(row.verdict == DriftVerdict.DRIFT.value))
            for row in verdicts
            if row.verdict != DriftVerdict.NOT_ENOUGH_DATA.value
        ],
        most=300,
    )
    counts = Counter((row.model_id, row.grain, row.verdict) for row in verdicts)
    groups = {(row.model_id, row.grain) for row in verdicts}
    yield Family(
        name="mlmon_drift_features",
        meaning="How many features got each verdict in the newest hour or day.",
        labels=(MODEL, "grain", "verdict"),
        samples=[
            ((*group, verdict.value), counts[*group, verdict.value])
            for group in sorted(groups)
            for verdict in DriftVerdict
        ],
        most=200,
    )


def _feature(row: Row[Any]) -> tuple[str, ...]:
    return (row.model_id, row.model_version, row.environment, row.grain, row.drift_type, row.feature)
