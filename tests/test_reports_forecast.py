"""The forecast of a report beside the textbook's prediction interval, and where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.performance.registry import metric_names
from monitoring_pipeline.performance.values import Estimate, Interval
from monitoring_pipeline.reports.bounds import BOUNDS
from monitoring_pipeline.reports.forecast import forecast
from monitoring_pipeline.reports.pictures.scale import Scale

ANY = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("count", [4, 7, 14])
def test_where_scatter_decides_it_is_the_prediction_interval_of_a_regression_line(count: int) -> None:
    values = np.random.default_rng(count).normal(5, 2, count)
    x, new = np.arange(count), count + 2
    fitted = stats.linregress(x, values)
    s = np.sqrt(((values - fitted.intercept - fitted.slope * x) ** 2).sum() / (count - 2))
    spread = np.sqrt(1 + 1 / count + (new - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, count - 2) * s * spread

    found = forecast([Estimate(value=float(value)) for value in values], ahead=3)

    assert found is not None
    middle = fitted.intercept + fitted.slope * new
    assert found.ahead[-1] == pytest.approx((middle, middle - half, middle + half), abs=1e-9)


def test_where_the_windows_own_intervals_are_wider_they_decide() -> None:
    values = [5.0, 5.01, 4.99, 5.0, 5.01]
    wide = [Estimate(value=value, interval=Interval(lower=value - 1, upper=value + 1)) for value in values]

    alone, with_intervals = forecast([Estimate(value=value) for value in values], ahead=1), forecast(wide, ahead=1)

    assert alone is not None
    assert with_intervals is not None
    (value, lower, upper), (_, narrow_lower, narrow_upper) = with_intervals.ahead[0], alone.ahead[0]
    assert value - lower == pytest.approx(upper - value)
    assert upper - lower > 2 > narrow_upper - narrow_lower


def test_of_steady_series_the_next_windows_lie_within_it_in_about_95_percent_of_cases() -> None:
    rng = np.random.default_rng(11)
    series = rng.normal(0, 1, (1_500, 8))

    held = 0
    for row in series:
        found = forecast([Estimate(value=float(value)) for value in row[:7]], ahead=1)
        assert found is not None
        held += found.ahead[0][1] <= row[7] <= found.ahead[0][2]

    assert 0.93 < held / len(series) < 0.97


@pytest.mark.parametrize(
    ("metric", "values", "lowest", "highest"),
    [
        ("mae", [4.0, 2.9, 2.1, 0.9, 0.2], 0.0, np.inf),
        ("log_loss", [0.03, 0.5, 0.01, 0.4, 0.02], 0.0, np.inf),
        ("accuracy", [0.9, 0.95, 0.96, 0.99, 1.0], 0.0, 1.0),
        ("recall", [0.2, 0.1, 0.06, 0.01, 0.0], 0.0, 1.0),
        ("mcc", [0.7, 0.8, 0.9, 0.95, 1.0], -1.0, 1.0),
        ("r2", [0.7, 0.8, 0.9, 0.95, 1.0], -np.inf, 1.0),
    ],
)
def test_what_a_metric_cannot_be_is_not_foretold_and_the_rest_stays(
    metric: str, values: list[float], lowest: float, highest: float
) -> None:
    windows = [Estimate(value=value) for value in values]

    free, found = forecast(windows, ahead=7), forecast(windows, ahead=7, bounds=BOUNDS[metric])

    assert free is not None
    assert found is not None
    assert found.change == free.change
    np.testing.assert_array_equal(found.ahead, np.clip(free.ahead, lowest, highest))
    assert found.ahead != free.ahead


def test_the_bounds_of_every_metric_that_a_report_may_draw_are_known() -> None:
    drawn = {name for task in Task for name in metric_names(task.value)}

    assert drawn == set(BOUNDS)


@given(values=st.lists(ANY, max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_the_values_there_are_finite_numbers_or_none(values: list[float]) -> None:
    found = forecast([Estimate(value=value) for value in values], ahead=3)

    assert found is None or all(np.isfinite(point).all() and point[1] <= point[0] <= point[2] for point in found.ahead)


@given(values=st.lists(ANY, max_size=8))
@settings(max_examples=300, deadline=None)
def test_whatever_the_values_an_axis_holds_them_and_has_few_ticks(values: list[float]) -> None:
    scale = Scale.around(values, start=200, end=10)

    assert all(10 <= scale.place(value) <= 200 for value in values)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 12
    assert all(np.isfinite(ticks))
