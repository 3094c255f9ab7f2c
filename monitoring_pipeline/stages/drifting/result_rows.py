"""Drift verdicts as rows of ``drift_results``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.judge import MeasuredFeature, MeasureResult, judge_features
from monitoring_pipeline.drift.verdict import DriftType
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.windows import Grain

DRIFT_KEY = (
    "model_id", "grain", "window_start", "model_version", "environment", "segment", "drift_type", "feature", "measure",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One feature or output of one group, measured.

    Attributes:
        key: the group and its window.
        drift_type: what it means if it moved.
        name: what results call it.
        reference_id: the hash of what it was compared with.
        measured: its measures.
    """

    key: GroupKey
    drift_type: DriftType
    name: str
    reference_id: str
    measured: MeasuredFeature


def judged_rows(model: Model, grain: Grain, comparisons: Sequence[Comparison]) -> list[Row]:
    """The rows of everything that is judged together: features, outputs and segments of one window and version.

    What is of one drift type shares the window's budget; a model's outputs have one of their own, beside its inputs.
    """
    rows: list[Row] = []
    for drift_type in dict.fromkeys(comparison.drift_type for comparison in comparisons):
        together = [c for c in comparisons if c.drift_type is drift_type]
        verdicts = judge_features([c.measured for c in together], alpha=model.drift.alpha)
        for comparison, results in zip(together, verdicts, strict=True):
            common = _common(model.id, grain, comparison)
            rows += [{**common, **_of_measure(result)} for result in results]
    return rows


def _common(model_id: str, grain: Grain, comparison: Comparison) -> Row:
    key, measured = comparison.key, comparison.measured
    return {
        "model_id": model_id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": grain.value,
        "window_start": key.window_start,
        "drift_type": comparison.drift_type.value,
        "feature": comparison.name,
        "n_reference": measured.n_reference,
        "n_window": measured.n_window,
        "n_effective": measured.n_effective,
        "window_count": measured.window_count,
        "reference_id": comparison.reference_id,
    }


def _of_measure(result: MeasureResult) -> Mapping[str, object]:
    return {
        "measure": result.measure.value,
        "value": result.value,
        "p_value": result.p_value,
        "q_value": result.q_value,
        "threshold": result.threshold,
        "noise_limit": result.noise_limit,
        "detectable": result.detectable,
        "verdict": result.verdict.value,
        "reason": result.reason.value,
        "detail": _detail(result),
    }


def _detail(result: MeasureResult) -> str | None:
    said = dict(result.detail or {})
    if result.led_by is not None:
        said["led_by"] = result.led_by.value
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode() if said else None
