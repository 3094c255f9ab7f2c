"""The harness of the benchmarks runs on tiny sizes and keeps what it promises to; no duration is asserted."""

import json
import socket
import sys
import tempfile
from pathlib import Path

import pytest

# The benchmarks are run from the project's folder and never installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.harness import ROOT, BenchmarkError, Figure, Scale, Session, Target
from benchmarks.report import as_result, table

# What starts Dagster or Great Expectations in several processes takes long just for importing them.
QUICK = ["ingest", "sums", "reconcile_sensor"]
SLOW = [pytest.param(name, marks=pytest.mark.long) for name in ("one_hour", "dagster_runs", "late_truth", "estimates")]

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
        assert 0 < figure["min"] <= figure["median"] <= figure["max"], figure
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
    assert "no benchmark is called speed; there are ingest, one_hour" in capsys.readouterr().err


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
