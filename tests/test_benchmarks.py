"""The harness of the benchmarks runs on tiny sizes and keeps what it promises to; no duration is asserted."""

import json
import re
import socket
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Table, select

# The benchmarks are run from the project's folder and never installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.as_of import check_plan
from benchmarks.harness import ROOT, BenchmarkError, Figure, Scale, Session, Target
from benchmarks.late_truth_scale import slope_of
from benchmarks.measured import filled
from benchmarks.measured.workload import START, open_home
from benchmarks.report import as_result, table
from benchmarks.soak import first_and_last
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.tables import actuals, hour_revision, predictions
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS, isoformat

# What starts several processes, or Dagster or Great Expectations in some, takes long just for importing them.
QUICK = ["ingest"]
SLOW = [
    pytest.param(name, marks=pytest.mark.long)
    for name in (
        *("as_of", "dagster_runs", "days", "estimates", "flights_drift"),
        *("late_truth", "late_truth_scale", "one_hour", "pipes", "reconcile_sensor", "serving", "soak", "sums"),
    )
]
GROWTH = "MB/min"  # may be below zero
COUNTS = {"answers", "descriptors", "events lost", "feature-windows"}  # of what is wrong, so none is what one hopes for

KEYS = [
    "benchmark",
    "question",
    "scale",
    "date",
    "versions",
    "cores",
    "memory_bytes",
    "load_average_before",
    "synced_write_milliseconds",
    "million_additions_milliseconds",
    "load_average_after",
    "elapsed_seconds",
    "sizes",
    "figures",
    "facts",
]


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_a_benchmark_writes_figures_that_name_no_machine_and_no_folder(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--scale", "tiny", "--results", str(tmp_path), "--json"]) == 0

    text = (tmp_path / f"{name}.json").read_text(encoding="utf-8")
    result = json.loads(text)
    shown = capsys.readouterr()
    assert json.loads(shown.out) == [result]
    assert f"{name}: versions and disk" in shown.err
    assert list(result) == KEYS
    assert {"python", "dagster", "sqlalchemy", "pandas", "pyarrow"} <= result["versions"].keys()
    assert any(figure["name"].startswith("peak memory") for figure in result["figures"])
    for figure in result["figures"]:
        assert figure["min"] <= figure["median"] <= figure["max"], figure
        assert figure["min"] > 0 or figure["unit"] in {GROWTH, *COUNTS}, figure
        assert figure["runs"] >= 1
    for place in (str(ROOT), str(Path.home()), tempfile.gettempdir(), socket.gethostname()):
        assert f'"{place}' not in text
        assert f"{place}/" not in text


def test_the_table_shows_every_figure_with_its_target(tmp_path: Path) -> None:
    session = Session(name="sums", sizes={"rows": 1_400}, folder=tmp_path)
    session.add("compute", "ms", [40, 70, 45], target=Target(bound=50))
    session.add("landed", "events/s", [39_000], target=Target(bound=40_000, at_least=True))
    result = as_result(BENCHMARKS["sums"], session, scale=Scale.FULL, environment={}, elapsed_seconds=1)

    shown = table(result).splitlines()

    assert shown[1] == "  rows 1,400"
    assert shown[3].split() == ["compute", "ms", "3", "40", "45", "70", "≤", "50:", "met"]
    assert shown[4].split() == ["landed", "events/s", "1", "39,000", "39,000", "39,000", "≥", "40,000:", "MISSED"]


def test_an_unknown_name_is_refused_with_the_names_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["speed"])

    assert exit_.value.code == 2
    assert "no benchmark is called speed; there are ingest, serving, one_hour" in capsys.readouterr().err


def test_help_tells_what_every_benchmark_answers_and_what_the_long_ones_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])

    shown = capsys.readouterr().out
    assert exit_.value.code == 0
    for benchmark in BENCHMARKS.values():
        assert f"{benchmark.name} " in shown
        assert benchmark.question in shown
    for name in ("serving", "pipes", "soak"):
        assert re.fullmatch(r"\d+ to \d+ minutes and \d+ GB of disk", BENCHMARKS[name].takes)
        assert f"takes {BENCHMARKS[name].takes}\n" in shown


def test_a_burst_of_clients_is_no_growth_and_a_descriptor_left_open_by_each_is() -> None:
    minute = [40.0] * 12
    burst = [40.0] * 8 + [90.0] * 4

    assert first_and_last([*minute, *minute, *burst], every_seconds=5) == (40, 40)
    assert first_and_last([*burst, *minute, *minute], every_seconds=5) == (40, 40)
    assert first_and_last([40.0 + number for number in range(120)], every_seconds=5) == (45.5, 153.5)
    assert first_and_last([40.0, 42.0], every_seconds=1) == (40, 42)


def test_a_fill_that_the_disk_has_no_room_for_is_refused_before_it_begins(tmp_path: Path) -> None:
    session = Session(name="pipes", sizes={"rows": 10**12, "hours": 720, "databases": 1}, folder=tmp_path)

    with pytest.raises(BenchmarkError, match=r"filling needs 1200000 GB of disk; TMPDIR may name"):
        BENCHMARKS["pipes"].measure(session)


def test_a_measurement_that_fails_ends_with_what_it_said(tmp_path: Path) -> None:
    session = Session(name="sums", sizes={}, folder=tmp_path)

    with pytest.raises(BenchmarkError, match=r"(?s)sums: a missing file failed with exit code 1:.*FileNotFoundError"):
        session.apart("sums.compute", "a missing file", file=str(tmp_path / "none"), engine="pandas", runs=1)


def test_a_target_is_judged_by_the_median_and_only_at_the_sizes_that_it_is_about() -> None:
    figure = Figure(name="compute", unit="ms", values=[40, 70, 45], target=Target(bound=50))
    at_least = Figure(name="rate", unit="events/s", values=[39_000], target=Target(bound=40_000, at_least=True))

    assert figure.as_json(judged=True)["target"] == {"bound": "≤ 50", "met": True}
    assert figure.as_json(judged=False)["target"] == {"bound": "≤ 50"}
    assert at_least.as_json(judged=True)["target"] == {"bound": "≥ 40,000", "met": False}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_all_sizes_and_a_file_of_its_own_name(name: str) -> None:
    benchmark = BENCHMARKS[name]

    assert set(benchmark.sizes) == set(Scale)
    assert len({frozenset(sizes) for sizes in benchmark.sizes.values()}) == 1
    assert (ROOT / "benchmarks" / f"{name}.py").exists()


def test_a_filled_store_holds_what_ingest_would_have_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [str(tmp_path / name) for name in ("straight", "landed")]
    monkeypatch.setenv("MONITOR_HOME", homes[0])  # opening a home sets it: this puts it back afterwards
    for home in homes:
        filled.write_home(home, models=2, hours=3)

    late = filled.fill(homes[0], models=2, hours=3, rows_per_hour=4, late_hours=[1], late_every=2)

    straight, landed = (open_home(home, now=START + 3 * HOUR_MICROS) for home in homes)
    made, told = _rows(straight, predictions), _rows(straight, actuals)
    events = [{**_event(row), "features": json.loads(row["features"])} for row in made]
    _land(landed, "predictions", events)
    _land(landed, "actuals", [_event(row) for row in told])
    assert len(made) == 2 * 3 * 4
    assert _without_arrival(_rows(landed, predictions)) == _without_arrival(made)
    assert _without_arrival(_rows(landed, actuals)) == _without_arrival(told)
    assert [list(row.items())[:4] for row in _rows(landed, hour_revision)] == [
        list(row.items())[:4] for row in _rows(straight, hour_revision)
    ]
    assert list(late) == [1]
    assert {event["prediction_id"] for event in late[1]} == {row["prediction_id"] for row in made} - {
        row["prediction_id"] for row in told
    }


def _rows(installation: Installation, table: Table) -> list[dict[str, Any]]:
    with reading(installation.engine) as connection:
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    return sorted(rows, key=lambda row: (row["model_id"], row.get("prediction_id", ""), row.get("hour", 0)))


def _event(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in row.items() if value is not None}
    at = known.pop("predicted_at")
    gone = {"received_at", "batch_id", "revision", "observed_at"}
    return {"timestamp": isoformat(at), **{name: value for name, value in known.items() if name not in gone}}


def _land(installation: Installation, kind: Literal["predictions", "actuals"], events: list[dict[str, Any]]) -> None:
    report = ingest_rows(installation.engine, events, kind=kind, config=installation.config, clock=installation.clock)
    assert report.accepted == len(events)


def _without_arrival(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ("received_at", "batch_id")} for row in rows]


@pytest.mark.parametrize("hours", [1_440, 14_400])
def test_sets_of_touched_hours_are_scattered_apart_and_touch_as_many_days_in_any_history(hours: int) -> None:
    counts = [10, 30, 100, 300]

    sets = filled.scattered(hours, [*counts, hours // 10], per_day=10)

    together = [hour for of_set in sets for hour in of_set]
    days = [{hour // 24 for hour in of_set} for of_set in sets]
    assert len(together) == len(set(together)) == sum(counts) + hours // 10
    assert all(after - before >= 2 for of_set in sets for before, after in pairwise(of_set))
    assert [len(of_set) for of_set in days] == [1, 3, 10, 30, -(-hours // 100)]
    assert len(set.union(*days)) == sum(map(len, days))


def test_the_slope_is_the_cost_of_each_further_hour_without_the_fixed_cost() -> None:
    sets = [{"touched_hours": hours, "seconds": {"landing": 0.5, "join": 0.02 * hours}} for hours in (10, 30, 100, 300)]

    assert slope_of(sets) == pytest.approx(20)


def test_a_day_that_is_found_without_an_index_ends_the_measurement() -> None:
    check_plan("SQLite", "SEARCH metrics USING INDEX ix_metrics_history (model_id=?)", hours=48)
    check_plan("PostgreSQL", "Seq Scan on metrics", hours=48)

    with pytest.raises(BenchmarkError, match="on PostgreSQL a day is not found by an index: Seq Scan on metrics"):
        check_plan("PostgreSQL", "Seq Scan on metrics", hours=8_760)
