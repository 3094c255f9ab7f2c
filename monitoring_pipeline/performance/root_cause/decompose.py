"""The change of a mean between two windows as what each segment brought to it."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.root_cause.exact import WindowSamples, exact_parts
from monitoring_pipeline.performance.root_cause.uncertainty import Spread, gradients, significant
from monitoring_pipeline.performance.root_cause.values import Contribution, Decomposition, NotDecomposed, Part
from monitoring_pipeline.performance.values import Interval

PARTS = ("mix", "within", "total")


def decompose(before: WindowSamples, after: WindowSamples) -> Decomposition | NotDecomposed:
    """What each segment brought to the change of a mean (see :mod:`.exact` for the formula).

    It says where a change came from, not why: a segment that is large in the sum may stand for something else that
    changed with it.

    Args:
        before: the values of the quantity in the earlier window, by segment. Each row is in just one segment.
        after: likewise, in the later window.

    Returns:
        Segments in order of what they brought, or the reason why there is no decomposition.

    >>> from monitoring_pipeline.performance.root_cause.sample import Sample
    >>> monday = {"AA": Sample.of_share(90, 100), "UA": Sample.of_share(80, 100)}
    >>> tuesday = {"AA": Sample.of_share(90, 100), "UA": Sample.of_share(60, 100)}
    >>> found = decompose(monday, tuesday)
    >>> found.change, [(part.segment, part.within.value) for part in found.contributions]
    (-0.1, [('UA', -0.1), ('AA', 0.0)])
    """
    if not before:
        return NotDecomposed.NO_ROWS_BEFORE
    if not after:
        return NotDecomposed.NO_ROWS_AFTER
    try:
        return _decomposed(before, after)
    except OverflowError:  # a part, or a square, is beyond the doubles
        return NotDecomposed.OVERFLOW


def _decomposed(before: WindowSamples, after: WindowSamples) -> Decomposition | NotDecomposed:
    exact = exact_parts(before, after)
    # float() of a fraction is the double nearest to it.
    mix = {segment: float(part) for segment, part in exact.mix.items()}
    within = {segment: float(part) for segment, part in exact.within.items()}
    total = {segment: mix[segment] + within[segment] for segment in mix}
    if not all(map(math.isfinite, total.values())):
        return NotDecomposed.OVERFLOW
    spreads = _spreads(before, after, exact.centre)
    parts = _with_intervals({"mix": mix, "within": within, "total": total}, spreads)
    contributions = [_contribution(segment, before, after, parts) for segment in mix]
    contributions.sort(key=lambda found: (-abs(found.total.value), found.segment))
    change = math.fsum([*mix.values(), *within.values()])
    return Decomposition(
        mean_before=float(exact.mean_before),
        mean_after=float(exact.mean_after),
        change=change,
        interval=_interval(change, _error_of_change(spreads)),
        mix=math.fsum(mix.values()),
        within=math.fsum(within.values()),
        contributions=tuple(contributions),
        concentration=_concentration(contributions),
    )


def _contribution(
    segment: str, before: WindowSamples, after: WindowSamples, parts: Mapping[str, Mapping[str, Part]]
) -> Contribution:
    earlier, later = before.get(segment), after.get(segment)
    return Contribution(
        segment=segment,
        count_before=earlier.count if earlier else 0,
        count_after=later.count if later else 0,
        mean_before=float(earlier.mean) if earlier else None,
        mean_after=float(later.mean) if later else None,
        mix=parts["mix"][segment],
        within=parts["within"][segment],
        total=parts["total"][segment],
    )


_Spreads = tuple[Spread, Spread] | None


def _spreads(before: WindowSamples, after: WindowSamples, centre: Fraction) -> _Spreads:
    try:
        earlier, later = Spread.of(before, centre), Spread.of(after, centre)
    except OverflowError:  # the parts are doubles, their squares are not
        return None
    return None if earlier is None or later is None else (earlier, later)


def _with_intervals(values: Mapping[str, Mapping[str, float]], spreads: _Spreads) -> dict[str, dict[str, Part]]:
    """Each part of each segment; parts of one name are tested together."""
    segments = list(values["total"])
    if spreads is None:
        return {
            name: {segment: Part(value=values[name][segment], interval=None, significant=False) for segment in segments}
            for name in PARTS
        }
    found = {segment: gradients(*spreads, segment) for segment in segments}
    parts: dict[str, dict[str, Part]] = {}
    for name in PARTS:
        errors = [
            math.sqrt(sum(spread.variance(s, g) for spread, g in zip(spreads, found[s][name], strict=True)))
            for s in segments
        ]
        told = significant([values[name][segment] for segment in segments], errors)
        parts[name] = {
            segment: Part(value=values[name][segment], interval=_interval(values[name][segment], error), significant=t)
            for segment, error, t in zip(segments, errors, told, strict=True)
        }
    return parts


def _error_of_change(spreads: _Spreads) -> float | None:
    return None if spreads is None else math.sqrt(sum(spread.variance_of_mean() for spread in spreads))


def _interval(value: float, error: float | None) -> Interval | None:
    if error is None or not math.isfinite(error * NORMAL_QUANTILE):
        return None
    half_width = NORMAL_QUANTILE * error
    return Interval(lower=value - half_width, upper=value + half_width)


def _concentration(contributions: Sequence[Contribution]) -> float:
    moved = math.fsum(abs(found.total.value) for found in contributions)
    if not moved:
        return 0.0
    rows = [sum(getattr(found, name) for found in contributions) for name in ("count_before", "count_after")]
    excess = (
        abs(found.total.value) / moved - (found.count_before / rows[0] + found.count_after / rows[1]) / 2
        for found in contributions
        if found.total.significant
    )
    return min(math.fsum(max(share, 0.0) for share in excess), 1.0)
