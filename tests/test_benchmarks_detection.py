"""The benchmark of drift detection judges streams whose truth is known, by methods that are what they are called."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

# The benchmarks are run from the project's folder and never installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.__main__ import main as run_benchmarks
from benchmarks.detection import page, rivals
from benchmarks.detection.__main__ import PAGE
from benchmarks.detection.__main__ import main as run_detection
from benchmarks.detection.false_alarms import Alarms, Sizes, ours_at, shared_at, within_budget
from benchmarks.detection.plan import PLANS
from benchmarks.detection.power import Detection
from benchmarks.detection.streams import COLUMNS, SCENARIOS, Role, columns, drifted, texts
from benchmarks.harness import ROOT
from benchmarks.peers import PEERS

SIZES = Sizes(references=1, reference_rows=500, windows=4, rows=50)
FULL = PLANS["full"]


def test_every_column_and_scenario_is_judged_at_every_size_of_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_detection(["--scale", "tiny", "--alone", "--results", str(tmp_path)]) == 0

    result = json.loads((tmp_path / "detection.json").read_text(encoding="utf-8"))
    assert capsys.readouterr().out.rstrip() == page.tables(result)
    assert len(result["columns"]) == 20
    assert [part["rows"] for part in result["false_alarms"]] == [50]
    assert [part["scenario"] for part in result["detection"]] == [scenario.name for scenario in SCENARIOS]
    for part in result["detection"]:
        for figures in part["methods"].values():
            assert 0 <= figures["seen_at_once"] <= figures["ever_seen"] <= 1
            assert 1 <= figures["mean_windows"] <= part["windows_looked_at"] + 1
    assert str(ROOT) not in json.dumps(result)


def test_the_full_plan_has_the_sizes_that_windows_have_in_practice() -> None:
    small = [sizes for sizes in FULL.false_alarms if sizes.reference_rows == 5_000]

    assert [sizes.rows for sizes in small] == [30, 50, 100, 200, 500, 5_000, 100_000]
    assert all(sizes.references * sizes.windows == 500 for sizes in small if sizes.rows <= 5_000)
    assert {sizes.reference_rows for sizes in FULL.false_alarms} == {5_000, 50_000}
    assert [sizes.rows for sizes in FULL.false_alarms if FULL.streams(sizes) is not None] == [30, 100, 500, 5_000]


def test_the_same_rows_are_drawn_again_and_others_for_another_role() -> None:
    first = columns(Role.STATIONARY, 2, (50,), number=3)
    again = columns(Role.STATIONARY, 2, (50,), number=3)
    other = columns(Role.CALIBRATION, 2, (50,), number=3)

    for name in COLUMNS:
        assert first[name].shape == (2, 50)
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name], equal_nan=True)


def test_a_gradual_drift_grows_from_window_to_window_and_then_stays() -> None:
    scenario = next(scenario for scenario in SCENARIOS if "over 48 windows" in scenario.name)

    windows = drifted(scenario, 200, 50, number=0)

    means = windows.mean(axis=(0, 2))
    assert means[0] == pytest.approx(1 / 48, abs=0.05)
    assert means[23] == pytest.approx(0.5, abs=0.05)
    assert means[47:] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "share", "rows_that"),
    [
        ("shares 60:30:10 to 50:30:20", 0.2, lambda values: values == 2),
        ("new category, 5 %", 0.05, lambda values: values == 999),
        ("missing 10 to 25 %", 0.25, np.isnan),
    ],
)
def test_a_scenario_changes_the_share_of_rows_that_its_name_says(name: str, share: float, rows_that: object) -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)

    windows = drifted(scenario, 20, 100, number=0)

    assert callable(rows_that)
    assert float(np.mean(rows_that(windows))) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("name", [name for name, column in COLUMNS.items() if not column.categorical])
def test_the_rival_ks_and_wasserstein_are_those_of_scipy(name: str) -> None:
    reference = columns(Role.REFERENCE, 1, (300,), number=0, only=name)[name][0]
    windows = columns(Role.STATIONARY, 5, (40,), number=0, only=name)[name]

    p_values = rivals.p_values(name, reference, windows)
    distances = rivals.wasserstein(reference, windows, categorical=False)

    known = reference[~np.isnan(reference)]
    for p_value, distance, window in zip(p_values, distances, windows, strict=True):
        present = window[~np.isnan(window)]
        assert p_value == pytest.approx(ks_2samp(present, known, method="asymp").pvalue, rel=1e-9)
        assert distance == pytest.approx(wasserstein_distance(present, known) / known.std(), rel=1e-9)


@pytest.mark.parametrize("name", [name for name, column in COLUMNS.items() if column.categorical])
def test_the_rival_chi2_is_that_of_scipy(name: str) -> None:
    reference = columns(Role.REFERENCE, 1, (300,), number=0, only=name)[name][0]
    windows = columns(Role.STATIONARY, 5, (40,), number=0, only=name)[name]

    p_values = rivals.p_values(name, reference, windows)

    for p_value, window in zip(p_values, windows, strict=True):
        codes = np.union1d(reference, window)
        table = [[int(np.sum(rows == code)) for code in codes] for rows in (reference, window)]
        assert p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)


def test_psi_and_jensen_shannon_of_two_known_samples_are_those_worked_out_by_hand() -> None:
    reference, windows = np.array([0.0, 1.0]), np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, np.nan]])

    psi = rivals.psi(reference, windows, categorical=True)
    jensen_shannon = rivals.jensen_shannon(reference, windows, categorical=True)

    entropy = -(0.625 * np.log2(0.625) + 0.375 * np.log2(0.375))
    own = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert psi[0] == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5))
    assert psi[1] == pytest.approx((1 / 6) * np.log(2))
    assert jensen_shannon[0] == pytest.approx(np.sqrt(entropy - (1 + own) / 2))


def test_codes_become_texts_and_missing_ones_stay_missing() -> None:
    assert texts(np.array([0.0, 12.0, np.nan])) == ["c000", "c012", None]


def test_alarms_are_counted_by_feature_and_by_window() -> None:
    flags = np.zeros((4, 20), dtype=np.bool_)
    flags[1, 3] = flags[1, 7] = True

    row = Alarms(sizes=SIZES, flags={"any": flags}).rows()["any"]

    assert (row["alarms"], row["per_1000_feature_windows"], row["any_per_100_windows"]) == (2, 25.0, 25.0)
    assert [row["alarms_by_column"][place] for place in (3, 7, 8)] == [1, 1, 0]


def test_a_budget_is_broken_by_more_alarms_than_chance_brings() -> None:
    assert within_budget(0, 10_000, 5e-5)
    assert within_budget(3, 10_000, 5e-5)
    assert not within_budget(6, 10_000, 5e-5)


def test_a_method_that_breaks_its_budget_on_a_column_is_not_one_of_the_same_budget_there() -> None:
    flags = np.zeros((400, 20), dtype=np.bool_)
    flags[:5, list(COLUMNS).index("twenty_unequal")] = True
    alarms = Alarms(sizes=SIZES, flags={ours_at(0.001): ~flags & False, shared_at(0.001): flags})

    assert alarms.breaking("twenty_unequal") == {shared_at(0.001)}
    assert alarms.breaking("normal") == set()


def test_delay_counts_windows_and_says_when_half_of_the_streams_were_never_seen() -> None:
    firsts = {"seen": np.array([1, 1, 2, 4]), "missed": np.array([1, 0, 0, 3])}

    figures = Detection(scenario=SCENARIOS[0], rows=50, firsts=firsts, breaking=frozenset({"missed"})).figures()

    assert figures["seen"]["seen_at_once"] == 0.5
    assert (figures["seen"]["mean_windows"], figures["seen"]["median_windows"]) == (2.0, 1.5)
    assert figures["missed"]["ever_seen"] == 0.5
    assert (figures["missed"]["mean_windows"], figures["missed"]["median_windows"]) == (13.5, 14.0)
    assert [figures[name]["keeps_budget"] for name in firsts] == [True, False]


def test_the_page_keeps_what_people_wrote_around_the_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")

    written = page.put_in(text, "| a |")

    assert written.count(page.BEGIN) == written.count(page.END) == 1
    assert page.put_in(written, "| b |") == page.put_in(text, "| b |")
    assert written.split(page.BEGIN)[0] == text.split(page.BEGIN)[0]
    assert written.split(page.END)[1] == text.split(page.END)[1]


@pytest.mark.parametrize("name", PEERS.values())
def test_a_peer_is_locked_with_hashes_and_names_no_index(name: str) -> None:
    lock = (ROOT / "benchmarks/peers" / f"{name}.lock").read_text(encoding="utf-8")
    worker = (ROOT / "benchmarks/peers" / f"{name}_worker.py").read_text(encoding="utf-8")

    requirements = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock, re.DOTALL | re.MULTILINE)
    assert len(requirements) > 50
    assert all("==" in requirement and "--hash=sha256:" in requirement for requirement in requirements)
    assert "://" not in lock
    assert not re.search(r"^(from|import) (benchmarks|monitoring_pipeline)", worker, re.MULTILINE)
    assert re.search(r"os\.environ\[\"\w*(DO_NOT_TRACK|DISABLE)", worker)


@pytest.mark.long
def test_the_benchmark_of_speed_agrees_with_scipy_on_what_it_measures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_benchmarks(["drift_speed", "--scale", "tiny", "--results", str(tmp_path), "--json"]) == 0

    (result,) = json.loads(capsys.readouterr().out)
    names = [figure["name"] for figure in result["figures"]]
    assert result["facts"]["measures"] == {"this program": 98, "pandas + scipy": 98}
    assert "pandas + scipy ÷ this program" in names
    assert any(name.startswith("peak memory") for name in names)
