"""The page on drift of the real flights shows what the benchmark counted, and says of it what is so."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

# The benchmarks are run from the project's folder and never installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.flights_drift import BENCHMARK
from benchmarks.flights_page import PAGE, RULES, kept, put_in, tables
from benchmarks.measured.flights_drift import USUAL_RULES, Usual


@pytest.fixture(scope="module")
def watched() -> Mapping[str, Any]:
    found: Mapping[str, Any] = kept()["facts"]["watched"]
    return found


def days_with(watched: Mapping[str, Any], feature: str) -> set[str]:
    alarms = watched["rest of the year"]["day"]["ours"]
    return {alarm["window"][:10] for alarm in alarms if alarm["feature"] == feature}


def test_the_page_shows_the_kept_result() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text == put_in(text, tables(kept()))
    assert kept()["benchmark"] == BENCHMARK.name


def test_no_day_of_the_spring_is_flagged_and_the_usual_rules_flag_most_features_of_each(
    watched: Mapping[str, Any],
) -> None:
    spring = watched["spring"]["day"]

    assert spring["ours"] == []
    for rule in RULES:
        assert sum(row["alarms"] for row in spring["usual"] if row["rule"] == rule) > 11 / 2 * spring["windows"]


def test_the_days_that_the_page_names_are_those_that_were_flagged(watched: Mapping[str, Any]) -> None:
    weekdays = {day["day"]: day["weekday"] for day in kept()["facts"]["days"]}
    destinations = days_with(watched, "destination")

    assert min(destinations) == "2013-06-22"
    assert max(destinations) == "2013-08-24"
    assert {weekdays[day] for day in destinations} >= {"Saturday"}
    assert days_with(watched, "departure_hour") == {"2013-11-03", "2013-11-29"}
    assert days_with(watched, "temperature_f") == {"2013-10-26", "2013-12-31"}
    assert days_with(watched, "wind_speed_mph") == {"2013-08-23", "2013-10-26", "2013-12-31"}
    assert days_with(watched, "pressure_hpa") == set()


def test_a_handful_of_the_springs_hours_are_flagged_where_the_usual_rules_flag_about_half_of_all_features(
    watched: Mapping[str, Any],
) -> None:
    spring = watched["spring"]["hour"]

    assert 0 < len(spring["ours"]) <= 5
    for rule in RULES:
        assert sum(row["alarms"] for row in spring["usual"] if row["rule"] == rule) > 0.4 * 11 * spring["windows"]


def test_the_usual_rules_are_what_they_are_called() -> None:
    draw = np.random.default_rng(2013)
    numbers, few = draw.gamma(2.0, size=5_000).round(1), draw.gamma(2.2, size=80).round(1)
    categories, some = draw.integers(0, 5, size=5_000).astype(float), draw.integers(0, 5, size=80).astype(float)
    table = [np.bincount(sample.astype(int)) for sample in (categories, some)]

    of_numbers, of_categories = Usual.of(numbers, "distance_miles"), Usual.of(categories, "carrier")

    q, p = (counts / counts.sum() for counts in table)
    assert of_numbers.p_value(few) == pytest.approx(ks_2samp(numbers, few, method="asymp").pvalue)
    assert of_categories.p_value(some) == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    assert of_categories.psi(some) == pytest.approx(float(np.sum((p - q) * np.log(p / q))))
    assert of_numbers.psi(numbers) == pytest.approx(0.0)
    assert USUAL_RULES == RULES
