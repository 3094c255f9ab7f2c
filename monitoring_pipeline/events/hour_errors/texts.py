"""The texts that hold the errors of an hour: by group, and by part of the hour and group."""

from collections.abc import Iterable, Mapping

import orjson

from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.windows import SECOND_MICROS

PART_MICROS = 300 * SECOND_MICROS
"""The parts of an hour: short enough that their rows are read in a few milliseconds."""

MOST_PARTS = 3_000
"""Of an hour that is kept: the twelve parts of 250 versions and environments, which take 50 ms to write down anew."""

Group = tuple[str, str]
"""A model's version and the environment that it ran in."""

Part = tuple[int, str, str]
"""The start of a part, microseconds UTC, with version and environment."""

ByGroup = Mapping[Group, ErrorSums]
ByPart = Mapping[Part, ErrorSums]


def by_group(parts: Iterable[tuple[Part, ErrorSums]]) -> dict[Group, ErrorSums]:
    """The parts of each group together."""
    found: dict[Group, list[ErrorSums]] = {}
    for (_, version, environment), sums in parts:
        found.setdefault((version, environment), []).append(sums)
    return {
        group: of_group[0] if len(of_group) == 1 else ErrorSums.merged(of_group) for group, of_group in found.items()
    }


def write_groups(groups: ByGroup) -> str:
    """JSON of the groups in their order: the same errors give the same text."""
    return orjson.dumps([[*group, groups[group].to_json()] for group in sorted(groups)]).decode()


def read_groups(text: str | None) -> dict[Group, ErrorSums]:
    """What :func:`write_groups` wrote; nothing of nothing."""
    if text is None:
        return {}
    return {(version, environment): ErrorSums.from_json(sums) for version, environment, sums in orjson.loads(text)}


def write_parts(parts: ByPart) -> str:
    """JSON of the parts in their order: the same errors give the same text."""
    return orjson.dumps([[*part, parts[part].to_json()] for part in sorted(parts)]).decode()


def read_parts(text: str | None) -> dict[Part, ErrorSums]:
    """What :func:`write_parts` wrote; nothing of nothing."""
    if text is None:
        return {}
    return {
        (start, version, environment): ErrorSums.from_json(sums)
        for start, version, environment, sums in orjson.loads(text)
    }
