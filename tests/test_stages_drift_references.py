"""References as people have them: columns of other types than events have, files that are none, rows in any order."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.groups import Segment
from monitoring_pipeline.stages.drifting.reference_rows import file_reference, given_rows
from monitoring_pipeline.stages.drifting.truth.level import prepared_stream
from monitoring_pipeline.stages.drifting.truth.reference import MOST_SAMPLED_ROWS, labelled_rows
from monitoring_pipeline.windows import HOUR_MICROS
from tests.drift_examples import Features, events_of, measured, opened
from tests.pipeline_examples import START, Event, table_rows

NAN = float("nan")
ALONE = {"pool": {"rows": 1, "hours": 1}}


def holding(name: str, *values: Any) -> Features:
    """The values in turn, a missing one for ``None``."""
    told = iter(list(values) * 1000)

    def features(_rng: np.random.Generator, _at: int) -> Event:
        value = next(told)
        return {} if value is None else {name: value}

    return features


def overall_and_new(
    folder: Path, kind: str, reference: pa.Array, *values: Any
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The verdict on a feature of a day's events, and what is said of new categories."""
    with opened(folder, {"f": kind}, reference={"f": reference}) as installation:
        found = measured(installation, events_of(holding("f", *values)))
    return found["f", "overall"], found.get(("f", "new_categories"))


def test_missing_numbers_of_a_file_are_missing_in_categories_too_and_not_one_of_them(tmp_path: Path) -> None:
    overall, _ = overall_and_new(tmp_path, "categorical", pa.array([1.0, 2.0, NAN] * 100), 1, 2, None)

    assert (overall["verdict"], overall["n_reference"]) == ("no_drift", 200)


def test_missing_truths_of_a_file_are_missing(tmp_path: Path) -> None:
    overall, _ = overall_and_new(tmp_path, "boolean", pa.array([1.0, 0.0, NAN] * 100), True, False, None)

    assert (overall["verdict"], overall["n_reference"]) == ("no_drift", 200)


def test_dates_of_a_file_are_the_categories_that_events_write(tmp_path: Path) -> None:
    days = [date(2025, 1, 1), date(2025, 1, 2)] * 100

    overall, new = overall_and_new(tmp_path, "categorical", pa.array(days), "2025-01-01", "2025-01-02")

    assert overall["verdict"] == "no_drift"
    assert new is not None
    assert new["value"] == 0.0


def test_integers_beyond_what_doubles_hold_are_rounded_as_those_of_events_are(tmp_path: Path) -> None:
    large = [2**53 + 1, 2**53 + 3, 2**60 + 1]

    overall, _ = overall_and_new(tmp_path, "numeric", pa.array(large * 100), *large)

    assert (overall["verdict"], overall["n_reference"]) == ("no_drift", 300)


def test_the_end_of_all_time_is_an_instant(tmp_path: Path) -> None:
    never = datetime(9999, 12, 31, tzinfo=UTC)
    reference = {"f": [never] * 200, "predicted_at": [datetime(2025, 1, 1, tzinfo=UTC)] * 200}

    with opened(tmp_path, {"f": "datetime"}, reference=reference, drift={"independent_rows": True}) as installation:
        found = measured(installation, events_of(holding("f", "9999-12-31T00:00:00Z")))

    assert found["f: age", "overall"]["n_reference"] == 200


@pytest.mark.parametrize(
    ("of_file", "of_events"),
    [
        (["a" * 300, "b"], ["a" * 300, "b"]),  # events keep the beginning of long ones, and a hash
        ([1e20, 2.0], [1e20, 2]),
        ([NAN, 1.5], [None, 1.5]),
        ([date(2025, 1, 1), date(2025, 1, 2)], ["2025-01-01", "2025-01-02"]),
    ],
    ids=["long texts", "numbers", "missing numbers", "dates"],
)
def test_segments_of_a_file_are_those_that_events_write(tmp_path: Path, of_file: Any, of_events: Any) -> None:
    reference = {"x": np.arange(200.0) % 7, "part": pa.array(of_file * 100)}
    told = iter(of_events * 1000)

    def features(rng: np.random.Generator, _at: int) -> Event:
        part = next(told)
        return {"x": float(rng.integers(7)), **({} if part is None else {"part": part})}

    drift = {"segments": ["part"], **ALONE}
    with opened(tmp_path, {"x": "numeric"}, reference=reference, drift=drift, segments=["part"]) as installation:
        measured(installation, events_of(features))
        rows = measured_segments(installation)

    assert len(rows) == 2
    assert set(rows.values()) == {100}


def measured_segments(installation: Installation) -> dict[str, int]:
    rows = table_rows(installation, "drift")
    return {r["segment"]: r["n_reference"] for r in rows if r["segment"] != "all" and r["measure"] == "overall"}


def test_a_column_of_which_no_segment_can_be_made_is_named() -> None:
    rows = given_rows(pa.table({"x": [1.0] * 50, "part": [[1]] * 50}))

    with pytest.raises(MonitorError, match=r"column part of .* holds list<"):
        rows.of_segment(Segment(fields=("part",), values=("1",)))


def a_folder(path: Path) -> None:
    path.mkdir()
    pq.write_table(pa.table({"x": [1.0]}), path / "part.parquet")


def a_broken_footer(path: Path) -> None:
    pq.write_table(pa.table({"x": np.arange(5000.0)}), path)
    written = bytearray(path.read_bytes())
    written[-60:-10] = b"\xff" * 50
    path.write_bytes(bytes(written))


def two_columns_of_one_name(path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"]), path)


@pytest.mark.parametrize("make", [a_folder, os.mkfifo, a_broken_footer, two_columns_of_one_name])
def test_what_is_no_single_readable_file_is_refused_in_a_sentence(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "reference.parquet"
    make(path)

    with pytest.raises(MonitorError, match=r"reference\.parquet of model m (is no file|cannot be read as Parquet)"):
        file_reference(path, model_id="m")


def test_columns_of_one_name_are_refused_when_they_are_handed_in() -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])

    with pytest.raises(MonitorError, match="several columns named x"):
        given_rows(table)


def test_how_a_labelled_file_is_sorted_changes_nothing_if_it_tells_the_time() -> None:
    rng = np.random.default_rng(5)
    rows = MOST_SAMPLED_ROWS + 20_000
    table = pa.table(
        {
            "x": rng.normal(size=rows),
            "predicted_value": rng.normal(size=rows).round(1),
            "actual_value": rng.normal(size=rows).round(1),
            "predicted_at": START - HOUR_MICROS * rng.integers(1, 1000, rows),  # many rows of one instant
        }
    )
    model = Model.model_validate({"id": "m", "task": "regression", "features": {"x": "numeric"}})

    one, other = (labelled_rows(given_rows(t), model) for t in (table, table.take(pa.array(rng.permutation(rows)))))

    assert one is not None
    assert other is not None
    assert one.sample.table.equals(other.sample.table)
    streams = [prepared_stream(reference, Task.REGRESSION, 0.5) for reference in (one, other)]
    assert len({stream.last.tobytes() for stream in streams if stream is not None}) == 1


def test_ties_between_inputs_that_never_vary_are_not_said_to_lack_rows(tmp_path: Path) -> None:
    together, ties = "(inputs together)", "(ties between inputs)"
    constant = {"x": [1.0] * 300, "y": [2.0] * 300}
    drift = {"multivariate": ["reconstruction", "domain_classifier"]}

    with opened(tmp_path, {"x": "numeric", "y": "numeric"}, reference=constant, drift=drift) as installation:
        found = measured(installation, events_of(lambda _rng, _at: {"x": 1.0, "y": 2.0}))

    assert {found[name, "overall"]["reason"] for name in (together, ties)} == {"constant_reference"}
