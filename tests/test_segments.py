"""Which group a row belongs to: windows, versions, environments, and the values of one field or of several combined."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.stages.measuring import groups
from monitoring_pipeline.stages.measuring.groups import (
    ALL,
    NO_VALUE,
    GroupKey,
    group_rows,
    segment_name,
    split_name,
    split_of,
)

HOUR = 3_600_000_000

# Everything that names are made of, so that clashes would be found.
values = st.text(alphabet="a& =|", max_size=6)
Row = tuple[int, str, str, str | None, str | None]
a_row = st.tuples(
    st.integers(0, 2), st.sampled_from("12"), st.sampled_from("ps"), st.none() | values, st.none() | values
)


def table_of(rows: list[Row]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    windows, versions, environments, carriers, origins = zip(*rows, strict=True)
    columns = {
        "model_version": versions,
        "environment": environments,
        "s.carrier": carriers,
        "s.origin": origins,
    }
    table = pa.table({name: pa.array(column, type=pa.string()) for name, column in columns.items()})
    return table, np.array(windows, dtype=np.int64) * HOUR


@settings(deadline=None)
@given(st.lists(a_row, min_size=1, max_size=30))
def test_rows_are_grouped_by_the_combination_of_their_values(
    rows: list[Row],
) -> None:
    table, windows = table_of(rows)

    found = group_rows(table, windows, segment_columns=("s.carrier", "s.origin"))

    told = Counter((*row[:3], *(NO_VALUE if value is None else value for value in row[3:])) for row in rows)
    assert sorted(Counter(found.codes.tolist()).values()) == sorted(told.values())
    assert len(set(found.keys)) == len(found.keys) == len(told)
    for (window, version, environment, carrier, origin), code in zip(rows, found.codes, strict=True):
        names = [NO_VALUE if value is None else value for value in (carrier, origin)]
        assert found.keys[code] == GroupKey(
            window_start=window * HOUR,
            model_version=version,
            environment=environment,
            segment=segment_name(["carrier", "origin"], names),
        )


def test_a_combination_is_called_by_its_fields_and_values() -> None:
    table, windows = table_of([(0, "1", "p", "UA", "JFK"), (0, "1", "p", "UA", None)])

    found = group_rows(table, windows, segment_columns=("s.carrier", "s.origin"))

    assert [key.segment for key in found.keys] == ["carrier & origin=UA & (none)", "carrier & origin=UA & JFK"]


def test_without_segment_columns_the_whole_model_is_one_segment() -> None:
    table, windows = table_of([(0, "1", "p", "UA", "JFK"), (1, "1", "p", "AA", None)])

    found = group_rows(table, windows)

    assert [(key.window_start, key.segment) for key in found.keys] == [(0, ALL), (HOUR, ALL)]


@settings(deadline=None)
@given(st.lists(st.tuples(values, values), min_size=2, max_size=2, unique=True))
def test_two_combinations_never_share_a_name(pairs: list[tuple[str, str]]) -> None:
    one, other = (segment_name(["carrier", "origin"], pair) for pair in pairs)

    assert one != other


@settings(deadline=None)
@given(values, values)
def test_a_name_tells_its_split_whatever_the_values_are(carrier: str, origin: str) -> None:
    crossing = segment_name(["carrier", "origin"], [carrier, origin])
    single = segment_name(["carrier"], [carrier])

    assert split_of(crossing) == split_name(["carrier", "origin"]) == "carrier & origin"
    assert split_of(single) == "carrier"


def test_more_combinations_than_codes_have_bits_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    table, windows = table_of([(n % 3, "1", "p", f"c{n % 7}", f"o{n % 5}") for n in range(200)])
    plain = group_rows(table, windows, segment_columns=("s.carrier", "s.origin"))
    monkeypatch.setattr(groups, "_MOST_CODES", 4)

    found = group_rows(table, windows, segment_columns=("s.carrier", "s.origin"))

    assert found.keys == plain.keys
    assert found.codes.tolist() == plain.codes.tolist()
