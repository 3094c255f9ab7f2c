"""The rows of each scenario: healthy before the onset, what was declared after it, the same bytes for the same seed."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from monitoring_pipeline.config.models import FeatureType, Task
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios import SCENARIOS, scenario_named
from monitoring_pipeline.simulation.scenarios.category_launch import NEW_CATEGORY
from monitoring_pipeline.simulation.scenarios.columns import Columns, profiles_of
from monitoring_pipeline.simulation.scenarios.data_quality import WRONG_NUMBER
from monitoring_pipeline.simulation.scenarios.events import actual_events, prediction_events
from monitoring_pipeline.simulation.scenarios.population import Bootstrap, Shop
from monitoring_pipeline.simulation.scenarios.rows import HourRows, World
from monitoring_pipeline.simulation.scenarios.ticks import tick_count, ticks

ONSET_DAY, DAYS = 3, 8
ONSET = 24 * ONSET_DAY
COLUMNS = ("seconds", "score", "confidence", "latency_ms", "actual", "label_delay_hours")
NAMES = sorted(SCENARIOS)
WITH_AN_ONSET = [name for name in NAMES if name not in ("healthy", "seasonal")]


def world(name: str, *, population: Any = None, **settings: Any) -> World:
    defaults = {"days": DAYS, "onset_day": ONSET_DAY, "rows_per_hour": 200, "reference_days": 7}
    return World(scenario=scenario_named(name, **{**defaults, **settings}), population=population or Shop())


def hours_of(somewhere: World, hours: range) -> list[HourRows]:
    return [somewhere.rows(index) for index in hours]


def column(rows: list[HourRows], name: str) -> NDArray[Any]:
    return np.concatenate([r.features[name] if name in r.features else getattr(r, name) for r in rows])


def bytes_of(somewhere: World, hours: range) -> bytes:
    task = somewhere.scenario.task
    return b"".join(
        orjson.dumps([list(prediction_events(rows, i, task)), [a.event for a in actual_events(rows, i, task)]])
        for i, rows in zip(hours, hours_of(somewhere, hours), strict=True)
    )


def same(a: HourRows, b: HourRows) -> bool:
    features = all(orjson.dumps(a.features[n].tolist()) == orjson.dumps(b.features[n].tolist()) for n in a.features)
    return features and all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in COLUMNS)


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_in_any_order_of_asking(name: str, task: Task) -> None:
    first, second = world(name, task=task), world(name, task=task)
    hours = range(ONSET - 2, ONSET + 3)
    second.rows(ONSET + 20)

    again = bytes_of(second, hours)

    assert bytes_of(first, hours) == again
    assert bytes_of(world(name, task=task, seed=7), hours) != again


@pytest.mark.parametrize("name", WITH_AN_ONSET)
def test_before_the_onset_every_scenario_is_the_healthy_one(name: str) -> None:
    healthy, injected = world("healthy", feature="plan"), world(name)

    before = [same(healthy.rows(i), injected.rows(i)) for i in (-24 * 7, -1, 0, ONSET - 1)]
    after = [same(healthy.rows(i), injected.rows(i)) for i in (ONSET, ONSET + 24 * 4)]

    assert all(before)
    assert not all(after)


def test_the_model_is_calibrated_while_nothing_happens() -> None:
    rows = hours_of(world("healthy"), range(24 * DAYS))
    score, actual = column(rows, "score"), column(rows, "actual")

    bins = np.digitize(score, np.quantile(score, np.linspace(0, 1, 11)[1:-1]))

    for i in range(10):
        chosen = bins == i
        deviation = abs(actual[chosen].mean() - score[chosen].mean())
        assert deviation < 4.5 * math.sqrt(0.25 / chosen.sum())
    assert 0.15 < actual.mean() < 0.5
    assert np.mean(score[actual == 1][:5000, None] > score[actual == 0][None, :5000]) > 0.75


def test_a_regression_model_is_unbiased_and_explains_most_of_the_variance() -> None:
    rows = hours_of(world("healthy", task="regression"), range(48))
    score, actual = column(rows, "score"), column(rows, "actual")

    residual = actual - score

    assert abs(residual.mean()) < 5 * residual.std() / math.sqrt(residual.size)
    assert residual.var() < 0.5 * actual.var()


def test_healthy_labels_come_after_a_random_delay_and_some_never() -> None:
    delays = column(hours_of(world("healthy", label_delay_hours=6.0), range(48)), "label_delay_hours")

    came = delays[~np.isnan(delays)]

    assert came.size / delays.size == pytest.approx(0.98, abs=0.01)
    assert np.median(came) == pytest.approx(6.0, rel=0.05)
    assert came.min() > 0
    assert np.quantile(came, 0.997) < 6.0 * 4.5


def test_the_invented_features_have_different_shapes() -> None:
    profiles = profiles_of(Shop().draw(20_000, np.random.default_rng(1)))

    kinds = [profile.kind for profile in profiles.values()]

    assert (kinds.count(FeatureType.NUMERIC), kinds.count(FeatureType.CATEGORICAL)) == (5, 2)
    assert kinds.count(FeatureType.BOOLEAN) == 1
    assert profiles["distance_km"].has_missing
    assert profiles["amount_usd"].high > profiles["amount_usd"].center + 6 * profiles["amount_usd"].scale


def moved_by(somewhere: World, hours: range, healthy: World, name: str) -> float:
    """In standard deviations of the healthy rows."""
    before, after = (column(hours_of(w, hours), name) for w in (healthy, somewhere))
    return float((after.mean() - before.mean()) / somewhere.profiles[name].scale)


def test_a_sudden_drift_moves_the_feature_by_its_size_and_no_other() -> None:
    healthy, drifted, hours = world("healthy"), world("sudden_drift", size=1.5), range(ONSET, ONSET + 24)

    moved = {name: moved_by(drifted, hours, healthy, name) for name in ("amount_usd", "tenure_months", "credit_points")}

    assert moved == pytest.approx({"amount_usd": 1.5, "tenure_months": 0.0, "credit_points": 0.0}, abs=1e-9)


def test_a_gradual_drift_rises_in_equal_steps() -> None:
    healthy, drifted = world("healthy"), world("gradual_drift", size=2.0, steps=4, over_days=4.0)
    days = [range(ONSET + 24 * d, ONSET + 24 * (d + 1)) for d in range(5)]

    moved = [moved_by(drifted, day, healthy, "amount_usd") for day in days]

    assert moved == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0], abs=1e-9)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_a_gradual_drift_never_falls_back_and_ends_at_its_size(steps: int) -> None:
    scenario = world("gradual_drift", steps=steps, over_days=2.0, size=3.0).scenario
    assert scenario.name == "gradual_drift"

    shifts = [scenario.shift(scenario.hour(i)) for i in range(ONSET - 1, ONSET + 60)]  # type: ignore[attr-defined]  # of this scenario only

    assert shifts == sorted(shifts)
    assert (shifts[0], shifts[1], shifts[-1]) == (0.0, 3.0 / steps, 3.0)
    assert len(set(shifts)) == steps + 1


def test_drift_of_a_category_takes_a_quarter_of_its_size_as_share() -> None:
    healthy, drifted, hours = world("healthy"), world("sudden_drift", feature="plan"), range(ONSET, ONSET + 24)

    shares = [np.mean(column(hours_of(w, hours), "plan") == "pro") for w in (healthy, drifted)]

    assert shares == pytest.approx([0.1, 0.1 + 0.9 * 0.5], abs=0.03)


def test_a_launched_category_grows_to_its_share() -> None:
    launched = world("category_launch", size=0.4, over_days=2.0)

    shares = [
        float(np.mean(column(hours_of(launched, range(ONSET + a, ONSET + b)), "channel") == NEW_CATEGORY))
        for a, b in ((-24, 0), (0, 24), (24, 48), (48, 72))
    ]

    assert shares == pytest.approx([0.0, 0.1, 0.3, 0.4], abs=0.02)


def test_bad_data_grows_and_the_model_saw_the_good() -> None:
    healthy, broken, hours = (
        world("healthy"),
        world("data_quality", size=0.4, over_days=1.0),
        range(ONSET + 24, ONSET + 48),
    )

    logged = column(hours_of(broken, hours), "amount_usd").tolist()
    shares = [
        np.mean([value is None for value in logged]),
        np.mean([value == WRONG_NUMBER for value in logged]),
        np.mean([isinstance(value, float) and value > broken.profiles["amount_usd"].high * 3 for value in logged]),
    ]

    assert shares == pytest.approx([0.4, 0.1, 0.1], abs=0.02)
    for name in ("score", "actual"):
        assert np.array_equal(column(hours_of(broken, hours), name), column(hours_of(healthy, hours), name))


@pytest.mark.parametrize(("feature", "kind"), [("plan", str), ("returning", bool)])
def test_bad_data_of_other_types_can_be_written_as_json(feature: str, kind: type) -> None:
    broken = world("data_quality", feature=feature, over_days=0.0)

    events = list(prediction_events(broken.rows(ONSET), ONSET, Task.BINARY))

    found = [event["features"][feature] for event in events]
    assert None in found
    assert any(isinstance(value, kind) for value in found)
    assert orjson.loads(orjson.dumps(events)) == events


def test_a_spike_of_latency_lasts_its_hours() -> None:
    healthy, slow = world("healthy"), world("latency_spike", size=5.0, spike_hours=2)

    ratios = [
        float(np.median(slow.rows(i).latency_ms / healthy.rows(i).latency_ms)) for i in range(ONSET - 1, ONSET + 4)
    ]

    assert ratios == pytest.approx([1.0, 5.0, 5.0, 1.0, 1.0])


def test_seasons_move_volume_and_values_in_the_reference_too() -> None:
    seasonal = world("seasonal", size=1.0)
    week, before = range(24 * 7), range(-24 * 7, 0)

    for hours in (week, before):
        rows = hours_of(seasonal, hours)
        count = np.array([r.seconds.size for r in rows]).reshape(7, 24)
        night = np.concatenate([rows[i].features["credit_points"] for i in range(24 * 5) if i % 24 < 6])
        day = np.concatenate([rows[i].features["amount_usd"] for i in range(24 * 5) if 6 <= i % 24 < 22])
        dark = np.concatenate([rows[i].features["amount_usd"] for i in range(24 * 5) if i % 24 < 6])
        assert count[:5, 14].mean() > 3 * count[:5, 2].mean()
        assert count[5:].mean() == pytest.approx(0.6 * count[:5].mean(), rel=0.1)
        assert (day.mean() - dark.mean()) / seasonal.profiles["amount_usd"].scale == pytest.approx(1.0, abs=0.1)
        assert night.mean() == pytest.approx(600, abs=5)


def test_labels_come_later_and_later_and_then_stop() -> None:
    healthy, late = world("healthy"), world("label_delay", size=9.0, over_days=2.0)

    def ratio(index: int) -> float:
        return float(np.nanmedian(late.rows(index).label_delay_hours / healthy.rows(index).label_delay_hours))

    assert ratio(ONSET - 1) == 1.0
    assert ratio(ONSET + 23) == pytest.approx(5.0)
    assert np.isnan(late.rows(ONSET + 47).label_delay_hours).all()
    assert not np.isnan(world("label_delay", stops=False).rows(ONSET + 100).label_delay_hours).all()


def test_early_labels_are_unrepresentative_and_late_ones_make_up_for_it() -> None:
    rows = hours_of(world("label_bias"), range(ONSET, ONSET + 48))
    actual, delay = column(rows, "actual"), column(rows, "label_delay_hours")

    early = actual[delay < 8.0].mean()
    ever = actual[~np.isnan(delay)].mean()

    assert early > ever + 0.3
    assert ever == pytest.approx(actual.mean(), abs=0.01)


def test_a_flipped_concept_turns_the_truth_where_the_feature_is_high_and_leaves_the_inputs() -> None:
    healthy, flipped, hours = world("healthy"), world("concept_flip"), range(ONSET, ONSET + 72)
    rows, center = hours_of(flipped, hours), flipped.profiles["amount_usd"].center
    score, actual, amount = (column(rows, name) for name in ("score", "actual", "amount_usd"))

    def association(chosen: NDArray[np.bool_]) -> float:
        return float(np.corrcoef(score[chosen], actual[chosen])[0, 1])

    assert association(amount <= center) > 0.3
    assert association(amount > center) < -0.3
    for name in healthy.profiles:
        assert orjson.dumps(column(rows, name).tolist()) == orjson.dumps(
            column(hours_of(healthy, hours), name).tolist()
        )


@pytest.mark.parametrize(("hours", "quiet"), [(0, {1, 2, 3}), (2, {1, 2})])
def test_a_silent_model_stops_for_its_hours(hours: int, quiet: set[int]) -> None:
    silent = world("silent_model", size=1.0, silent_hours=hours)

    counts = [silent.rows(ONSET - 1 + i).seconds.size for i in range(4)]

    assert {i for i, count in enumerate(counts) if count == 0} == quiet


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"days": 0}, "days is 0; allowed are 1 to 180"),
        ({"onset_day": 21.0}, "onset_day is 21; it is before the end, which is day 16"),
        ({"size": 0.0}, "size is 0 (standard deviations of the feature); allowed is more than 0"),
        ({"size": math.nan}, "size is nan"),
        ({"rows_per_hour": 10_001}, "rows_per_hour is 10001; allowed are 1 to 10,000"),
        ({"labelled_ratio": 0.0}, "labelled_ratio is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"task": "ranking"}, "task is ranking; allowed are binary and regression"),
        ({"task": "binry"}, "task is 'binry'; allowed are binary and regression"),
        ({"sise": 1.0}, "no setting 'sise'; did you mean 'size'?"),
    ],
)
def test_a_setting_out_of_its_range_is_one_plain_sentence(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(MonitorError) as refused:
        scenario_named("sudden_drift", **settings)

    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: scenario_named("suden_drift"), "did you mean 'sudden_drift'?"),
        (
            lambda: world("sudden_drift", feature="amount"),
            "there is no feature 'amount'; there are: amount_usd, channel",
        ),
        (lambda: world("category_launch", feature="amount_usd"), "cannot be applied on amount_usd, which is numeric"),
        (lambda: scenario_named("silent_model", silent_hours=-1), "silent_hours is -1"),
        (lambda: scenario_named("latency_spike", spike_hours=0), "spike_hours is 0"),
    ],
)
def test_what_cannot_be_injected_is_refused(make: Callable[[], object], part: str) -> None:
    with pytest.raises(MonitorError) as refused:
        make()

    assert part in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_prediction_comes_once_and_no_truth_comes_before_it_is_known(name: str) -> None:
    somewhere = world(name, rows_per_hour=5, label_delay_hours=4.0)
    seen: set[str] = set()
    labelled: list[str] = []

    for tick in ticks(somewhere):
        for event in tick.predictions:
            assert event["prediction_id"] not in seen
            seen.add(event["prediction_id"])
        for event in tick.actuals:
            assert event["prediction_id"] in seen
            labelled.append(event["prediction_id"])

    assert len(labelled) == len(set(labelled)) <= len(seen)
    assert tick_count(somewhere.scenario) == DAYS + 2


ODD: dict[str, Columns] = {
    "constant": {"x": np.zeros(50), "c": np.array(["a"] * 50, dtype=object)},
    "huge": {"x": np.array([1e308, -1e308] * 25), "c": np.array(["a", None] * 25, dtype=object)},
    "unknown": {"x": np.array([np.nan, np.inf, -np.inf, 1.0]), "c": np.array([None] * 4, dtype=object)},
    "one row": {"x": np.array([3.0]), "c": np.array([True], dtype=object)},
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "category_launch"])
def test_odd_rows_of_a_user_give_finite_scores(name: str, source: Columns) -> None:
    somewhere = world(name, population=Bootstrap(source=source), feature="x", rows_per_hour=20)

    rows = [somewhere.rows(i) for i in (-1, 0, ONSET + 80)]

    for hour in rows:
        assert np.isfinite(hour.score).all()
        assert np.isfinite(hour.latency_ms).all()
        assert len(list(prediction_events(hour, 0, Task.BINARY))) == hour.score.size
