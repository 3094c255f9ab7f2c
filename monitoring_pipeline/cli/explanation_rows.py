"""An explanation as rows for tables and JSON, and as a sentence."""

from typing import Any

from monitoring_pipeline.performance.root_cause.values import Contribution, Decomposition, Part
from monitoring_pipeline.stages.explaining.explanation import Explanation, Side
from monitoring_pipeline.text import printable
from monitoring_pipeline.windows import Grain, Window, isoformat


def explanation_rows(found: Explanation) -> list[dict[str, Any]]:
    """One row per split and segment, in the order of the explanation; what all share stands in every row."""
    shared = {
        "model_id": found.model_id,
        "metric": found.metric,
        "quantity": found.quantity,
        "environment": found.environment,
        "grain": found.after.window.grain.value,
        "window_start": isoformat(found.after.window.start),
        "against_start": isoformat(found.before.window.start),
        "coverage_before": found.before.coverage,
        "coverage_after": found.after.coverage,
    }
    return [
        {**shared, "split": cause.split, **_of_split(cause.found), **_of_segment(segment, place, cause.found)}
        for cause in found.causes
        if isinstance(cause.found, Decomposition)
        for place, segment in enumerate(cause.found.contributions, start=1)
    ]


def _of_split(found: Decomposition) -> dict[str, Any]:
    lower, upper = (found.interval.lower, found.interval.upper) if found.interval else (None, None)
    return {
        "change": found.change,
        "change_lower": lower,
        "change_upper": upper,
        "change_mix": found.mix,
        "change_within": found.within,
        "concentration": found.concentration,
    }


def _of_segment(segment: Contribution, place: int, found: Decomposition) -> dict[str, Any]:
    largest = max(abs(other.total.value) for other in found.contributions)
    return {
        "place": place,
        "segment": segment.segment,
        "count_before": segment.count_before,
        "count_after": segment.count_after,
        "mean_before": segment.mean_before,
        "mean_after": segment.mean_after,
        **_of_part("mix", segment.mix),
        **_of_part("within", segment.within),
        **_of_part("total", segment.total),
        "significant": segment.total.significant,
        "relative": abs(segment.total.value) / largest if largest else 0.0,
    }


def _of_part(name: str, part: Part) -> dict[str, Any]:
    lower, upper = (part.interval.lower, part.interval.upper) if part.interval else (None, None)
    return {name: part.value, f"{name}_lower": lower, f"{name}_upper": upper}


def summary(found: Explanation) -> str:
    """What happened and where it came from, for people to read first."""
    before, after = found.before.metric.value, found.after.metric.value
    happened = (
        f"{found.metric} of {found.model_id} in {found.environment}: {_side(found.before)}, {_side(found.after)}."
    )
    first = next((cause for cause in found.causes if isinstance(cause.found, Decomposition)), None)
    if before is None or after is None or first is None or not isinstance(first.found, Decomposition):
        return printable(happened)
    return printable(f"{happened} {_cause(found, first.split, first.found)}")


def _side(side: Side) -> str:
    value = side.metric.undefined if side.metric.value is None else f"{side.metric.value:.4g}"
    return f"{value} on {_named(side.window)} ({side.coverage:.0%} of {side.prediction_count:,} predictions labelled)"


def _named(window: Window) -> str:
    start = isoformat(window.start)
    return start[:10] if window.grain is Grain.DAY else start[:16].replace("T", " ")


def _cause(found: Explanation, split: str, parts: Decomposition) -> str:
    name = f"The {found.quantity}" if found.quantity.startswith("share") else f"The mean {found.quantity}"
    if parts.interval is None or parts.interval.lower <= 0 <= parts.interval.upper:
        return f"{name} changed by {parts.change:.4g}, which cannot be told from chance."
    certain = [segment for segment in parts.contributions if segment.total.significant]
    moved = "rose" if parts.change > 0 else "fell"
    said = f"{name} {moved} by {abs(parts.change):.4g}: {parts.within:.4g} within segments of {split}, "
    said += f"{parts.mix:.4g} by their mix."
    if not certain:
        return f"{said} No single segment stands out from chance."
    return f"{said} Most came from {_listed(certain[:3])}."


def _listed(segments: list[Contribution]) -> str:
    return ", ".join(f"{segment.segment} ({segment.total.value:+.4g})" for segment in segments)
