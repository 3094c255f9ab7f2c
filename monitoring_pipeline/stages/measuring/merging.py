"""From the sums of hours to those of the windows that hold them."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.stages.measuring.groups import ALL, GroupKey, split_of


def merge_hours(hours: Mapping[GroupKey, Sums], window_of: Callable[[int], int]) -> dict[GroupKey, Sums]:
    """The sums of hours merged into windows, without segments that would be short of rows there.

    Args:
        hours: by group; ``window_start`` is that of the hour.
        window_of: the start of the window that an hour belongs to, by the hour's start.
    """
    parts: dict[GroupKey, list[Sums]] = defaultdict(list)
    for key, sums in hours.items():
        parts[key.within(window_of(key.window_start))].append(sums)
    return _complete_segments({key: merge(sums) for key, sums in parts.items()})


def _complete_segments(sums: Mapping[GroupKey, Sums]) -> dict[GroupKey, Sums]:
    """Drop segments that do not account for every prediction of their model, version and environment.

    An hour leaves a segment out when it has more values than the model allows. In a day merged from such
    hours its values would be short of rows and still look whole; they are absent instead.
    """
    counted: dict[tuple[int, str, str, str, str], int] = defaultdict(int)
    for key, value in sums.items():
        counted[(*_owner(key), split_of(key.segment))] += value.prediction_count
    return {
        key: value
        for key, value in sums.items()
        if counted[(*_owner(key), split_of(key.segment))] == counted[(*_owner(key), ALL)]
    }


def _owner(key: GroupKey) -> tuple[int, str, str, str]:
    return key.window_start, key.model_version, key.environment, key.family
