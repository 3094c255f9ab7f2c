"""What is kept of hours and parts of hours: the same sums to the last bit, of the same rows only, within a bound."""

import math
import tracemalloc
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.performance.registry import KINDS
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.reports.kept_sums import KeptSums
from monitoring_pipeline.stages.measuring.families.operations import OPERATIONS
from monitoring_pipeline.stages.measuring.groups import ALL, GroupKey
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS
from tests.kinds_examples import AnyRow, sums_of

HOUR = 500_000 * HOUR_MICROS
PARTS = [HOUR + number * 60 * SECOND_MICROS for number in range(3)]
COUNT = 100


def _sums(seed: int, versions: Sequence[str] = ("v1", "v2")) -> dict[GroupKey, Sums]:
    rng = np.random.default_rng(seed)
    found = operations_sums(
        rng.integers(2, size=COUNT),
        2,
        latency_ms=rng.lognormal(3, 2, size=COUNT),
        confidence=rng.random(COUNT),
        low_confidence=0.5,
        resources={"memory_mb": rng.lognormal(7, 3, size=COUNT)},
        window_seconds=3_600,
    )
    return {
        GroupKey(window_start=HOUR, model_version=name, environment="production", segment=ALL, family=OPERATIONS): sums
        for name, sums in zip(versions, found, strict=True)
    }


def _kept(parts: KeptSums) -> Mapping[int, Mapping[GroupKey, Sums]]:
    return parts.get_all("m", dict.fromkeys(PARTS, COUNT))


def test_what_is_kept_of_a_part_is_what_was_computed_of_it() -> None:
    parts = KeptSums()

    parts.put("m", PARTS[0], _sums(1), revision=COUNT)
    parts.put("other", PARTS[1], _sums(2), revision=COUNT)

    assert _kept(parts) == {PARTS[0]: _sums(1)}


def test_an_hour_is_computed_once_for_each_revision() -> None:
    hours, computed = KeptSums(), list[int]()

    def compute(hour: int) -> dict[GroupKey, Sums]:
        computed.append(hour)
        return {key.within(hour): sums for key, sums in _sums(len(computed)).items()}

    first = hours.each("m", {HOUR: 1, HOUR + HOUR_MICROS: 1}, compute)
    second = hours.each("m", {HOUR: 2, HOUR + HOUR_MICROS: 1}, compute)

    assert computed == [HOUR, HOUR + HOUR_MICROS, HOUR]
    assert second == [_sums(3), first[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_sums_of_every_kind_are_read_back_bit_for_bit_whatever_the_names_hold(kind: str) -> None:
    hours = KeptSums()
    rows: list[AnyRow] = [(0, 0.1, 1.0, 0.7, "ant", "b\0\N{ROCKET}"), (0, 1e308, math.nan, math.nan, None, None)]
    [of_kind] = sums_of(kind, rows)
    key = GroupKey(window_start=HOUR, model_version='\0 "\N{ROCKET}', environment="", segment=ALL, family=kind)

    hours.put("m", HOUR, {key: of_kind}, revision=1)

    assert repr(hours.get_all("m", {HOUR: 1})) == repr({HOUR: {key: of_kind}})


def test_a_part_to_which_a_row_came_is_not_kept_any_more() -> None:
    parts = KeptSums()
    parts.put("m", PARTS[0], _sums(1), revision=COUNT)

    assert parts.get_all("m", {PARTS[0]: COUNT + 1}) == {}


def test_beyond_their_bytes_the_parts_asked_for_least_recently_are_dropped() -> None:
    parts = KeptSums(most_bytes=5_000)  # a part of these takes some 2,300
    for seed, part in enumerate(PARTS):
        parts.put("m", part, _sums(seed), revision=COUNT)

    assert _kept(parts) == {part: _sums(seed) for seed, part in enumerate(PARTS) if seed > 0}


@pytest.mark.parametrize("versions", [("v1", "v2"), ("\N{ROCKET}", "v2")])
def test_kept_parts_hold_no_more_memory_than_their_texts(versions: Sequence[str]) -> None:
    parts, sums = KeptSums(), _sums(1, versions)
    parts.put("m", PARTS[0], sums, revision=COUNT)

    tracemalloc.start()
    for number in range(100):
        parts.put(f"m{number}", PARTS[0], sums, revision=COUNT)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held / 100 < 5_000  # bytes of a text: 3,000
