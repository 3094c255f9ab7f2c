"""Instants as ages and places in the day and week."""

import datetime as dt

import numpy as np
import pytest
from scipy.stats import ks_2samp

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.instants import InstantReference, age_seconds, instant_columns

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000


def predictions(generator: np.random.Generator, *, day: float, days: float, count: int) -> Floats:
    return START + np.floor(generator.uniform(day, day + days, count) * DAY)


def test_hours_and_weekdays_are_those_of_the_calendar_in_utc() -> None:
    generator = np.random.default_rng(1)
    values = generator.integers(-50_000 * DAY, 50_000 * DAY, size=200)

    columns = instant_columns(values, values)

    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    moments = [epoch + dt.timedelta(microseconds=value) for value in values.tolist()]
    assert columns.categories["hour"] == [f"{moment:%H}" for moment in moments]
    assert columns.categories["weekday"] == [f"{moment:%A}" for moment in moments]
    assert columns.age_seconds == pytest.approx(np.zeros(200))


def test_equal_ages_stay_equal_to_the_last_bit() -> None:
    predicted_at = START + np.arange(1000) * 1_234_567

    ages = age_seconds(predicted_at - 3_600_000_001, predicted_at)

    assert set(ages.tolist()) == {3600.000001}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, -1.0])
def test_any_number_has_an_age_or_none_and_a_place_in_the_calendar_only_if_it_lies_in_one(value: float) -> None:
    columns = instant_columns(np.array([value]), np.array([float(START)]))

    assert np.isnan(columns.age_seconds[0]) == (not np.isfinite(value))
    assert (
        (columns.categories["hour"] == [None]) == (columns.categories["weekday"] == [None]) == (not abs(value) < 1e17)
    )


def test_without_rows_there_are_columns_without_rows() -> None:
    empty = np.array([])

    reference = InstantReference.fit(empty, empty)

    assert reference.categories == ()
    assert reference.columns(empty, empty).age_seconds.shape == (0,)


def test_the_passing_of_time_is_no_drift_but_older_instants_are() -> None:
    generator = np.random.default_rng(2)
    then, later = (predictions(generator, day=day, days=30, count=2000) for day in (0, 100))
    ages = generator.exponential(10 * DAY, size=4000)
    reference = InstantReference.fit(then - ages[:2000], then)
    before = reference.reference_columns.age_seconds

    as_ever = reference.columns(later - ages[2000:], later).age_seconds
    older = reference.columns(later - 2 * ages[2000:], later).age_seconds

    assert ks_2samp(then - ages[:2000], later - ages[2000:]).pvalue < 1e-12  # what the instants themselves would say
    assert ks_2samp(before, as_ever).pvalue > 0.01
    assert ks_2samp(before, older).pvalue < 1e-12


@pytest.mark.parametrize(
    ("age", "names"),
    [
        (HOUR, ()),
        (3 * DAY, ("hour",)),
        (30 * DAY, ("hour", "weekday")),
        (-30 * DAY, ("hour", "weekday")),
    ],
)
def test_an_instant_close_to_its_prediction_is_not_compared_by_the_hour_it_shares_with_it(
    age: float, names: tuple[str, ...]
) -> None:
    predicted_at = predictions(np.random.default_rng(3), day=0, days=30, count=500)

    reference = InstantReference.fit(predicted_at - age, predicted_at)

    assert reference.categories == names
    assert tuple(reference.reference_columns.categories) == names
    assert tuple(reference.columns(predicted_at, predicted_at).categories) == names


def test_an_hour_that_never_varies_is_no_column() -> None:
    days = np.arange(400) * DAY
    midnight = days.astype(np.float64)

    reference = InstantReference.fit(midnight, midnight + 30 * DAY)

    assert reference.categories == ("weekday",)


def test_values_and_predictions_of_different_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="3 values but 2 instants of prediction"):
        age_seconds(np.zeros(3), np.zeros(2))
