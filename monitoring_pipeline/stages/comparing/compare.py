"""A window beside past windows at the same label age: what ``monitor compare`` shows."""

from typing import Any

from monitoring_pipeline.config.models import Baseline, Model
from monitoring_pipeline.performance.comparison import NoChange, relative_change
from monitoring_pipeline.stages.comparing.same_age import comparable_age, past_windows
from monitoring_pipeline.stages.comparing.snapshots import GroupName, Snapshot, metric_of, same_group, snapshots
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import MICROSECOND, SECOND_MICROS, Window, isoformat

ComparisonRow = dict[str, Any]


def compare_window(
    pipeline: Pipeline, model: Model, metric: str, window: Window, baseline: Baseline, *, segment: str = ALL
) -> list[ComparisonRow]:
    """A window's metric, and that of past windows twice: at the same label age, and as it is known at maturity.

    The second is what other tools compare with. Where the two differ, a young window looks better or worse than it
    is for no other reason than its youth.

    Args:
        pipeline: the installation.
        model: its present declaration.
        metric: one of its metrics.
        window: the window to judge.
        baseline: which past windows.
        segment: the segment to compare.

    Returns:
        For each version and environment one row of the window and one for each past window.
    """
    age = comparable_age(window, model.labels, now=pipeline.clock())
    maturity: int = model.labels.maturity // MICROSECOND
    past = past_windows(window, baseline)
    young = snapshots(pipeline, model, window.grain, [window.start, *past], age_micros=age)
    whole = snapshots(pipeline, model, window.grain, past, age_micros=maturity)
    rows: list[ComparisonRow] = []
    for name in sorted(young.get(window.start, {})):
        if name[2] != segment:
            continue
        earlier = [same_group(young.get(start, {}), name) for start in past]
        change = _change(young[window.start][name], earlier, metric)
        rows.append({**_row(model, metric, name, window, young[window.start][name], age), **change})
        for start, snapshot in zip(past, earlier, strict=True):
            row = _row(model, metric, name, Window(start, window.grain), snapshot, age)
            mature = metric_of(same_group(whole.get(start, {}), name), metric)
            rows.append({**row, **_NO_CHANGE, "mature_value": None if mature is None else mature.value})
    return rows


_NO_CHANGE: ComparisonRow = {
    "baseline": None,
    "change": None,
    "change_lower": None,
    "change_upper": None,
    "reason": None,
    "mature_value": None,
}


def _change(present: Snapshot, earlier: list[Snapshot | None], metric: str) -> ComparisonRow:
    window = metric_of(present, metric)
    past = [value for snapshot in earlier if (value := metric_of(snapshot, metric)) is not None]
    found = NoChange.NO_VALUE if window is None else relative_change(window, past)
    if isinstance(found, NoChange):
        return {**_NO_CHANGE, "reason": found.value}
    interval = found.interval
    return {
        **_NO_CHANGE,
        "baseline": found.baseline,
        "change": found.value,
        "change_lower": interval.lower if interval else None,
        "change_upper": interval.upper if interval else None,
    }


def _row(
    model: Model, metric: str, name: GroupName, window: Window, snapshot: Snapshot | None, age_micros: int
) -> ComparisonRow:
    version, environment, segment = name
    value = metric_of(snapshot, metric)
    return {
        "model_id": model.id,
        "model_version": version,
        "environment": environment,
        "segment": segment,
        "grain": window.grain.value,
        "window_start": isoformat(window.start),
        "window_end": isoformat(window.end),
        "known_at": isoformat(window.end + age_micros),
        "label_age_seconds": age_micros // SECOND_MICROS,
        "metric": metric,
        "value": value.value if value else None,
        "lower": value.lower if value else None,
        "upper": value.upper if value else None,
        "prediction_count": snapshot.prediction_count if snapshot else None,
        "labelled_count": snapshot.labelled_count if snapshot else None,
        "coverage": snapshot.coverage if snapshot else None,
    }
