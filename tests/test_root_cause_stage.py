"""The change of a stored metric, explained by the segments, the combinations and the versions of its model."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.performance.root_cause.values import Decomposition, NotDecomposed
from monitoring_pipeline.stages.explaining.explanation import Explanation
from monitoring_pipeline.stages.explaining.root_cause import explain, explainable_metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, Window
from tests.explain_examples import MONDAY, NEXT_MONDAY, Flight, installed, means_by, store, two_mondays

SPLITS = [("carrier",), ("origin",), ("carrier", "origin")]
BEFORE, AFTER = Window(MONDAY, Grain.DAY), Window(NEXT_MONDAY, Grain.DAY)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    opened = installed(tmp_path)
    yield opened
    opened.engine.dispose()


def model_of(installation: Installation) -> Model:
    [model] = installation.config.models
    return model


def explained(installation: Installation, **asked: object) -> Explanation:
    settings = {"model_id": "delay", "metric": "mae", "window": AFTER, **asked}
    found = explain(installation.pipeline, **settings)  # type: ignore[arg-type]  # a test's settings are mixed
    assert found is not None
    return found


def decomposition(found: Explanation, split: str) -> Decomposition:
    [parts] = [cause.found for cause in found.causes if cause.split == split]
    assert isinstance(parts, Decomposition)
    return parts


def test_the_combination_that_got_worse_is_named_first(installation: Installation) -> None:
    flights = two_mondays()
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = explained(installation)

    assert (found.environment, found.before.window, found.quantity) == ("production", BEFORE, "absolute error")
    assert found.causes[0].split == "carrier & origin"
    crossing = decomposition(found, "carrier & origin")
    assert crossing.contributions[0].segment == "carrier & origin=UA & EWR"
    assert crossing.contributions[0].within.significant
    assert found.warning is None


def test_every_split_sums_to_the_change_of_the_metric(installation: Installation) -> None:
    flights = two_mondays()
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = explained(installation)

    assert found.after.metric.value is not None
    assert found.before.metric.value is not None
    change = found.after.metric.value - found.before.metric.value
    assert len(found.causes) == 3
    for cause in found.causes:
        parts = decomposition(found, cause.split)
        addends = [part for c in parts.contributions for part in (c.mix.value, c.within.value)]
        assert math.fsum(addends) == parts.change == pytest.approx(change, rel=1e-9)


def test_the_means_are_those_of_the_rows(installation: Installation) -> None:
    flights = two_mondays()
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = decomposition(explained(installation), "carrier")

    truth = [means_by([f for f in flights if (f.hour >= NEXT_MONDAY) is late], "carrier") for late in (False, True)]
    for part in found.contributions:
        carrier = part.segment.removeprefix("carrier=")
        assert part.mean_before == pytest.approx(truth[0][carrier])
        assert part.mean_after == pytest.approx(truth[1][carrier])


def test_without_a_week_before_the_day_before_is_compared(installation: Installation) -> None:
    sunday = [replace(flight, hour=NEXT_MONDAY - DAY_MICROS) for flight in two_mondays()[:50]]
    late = [flight for flight in two_mondays() if flight.hour >= NEXT_MONDAY]
    store(installation.engine, model_of(installation), [*sunday, *late], splits=SPLITS)

    found = explained(installation)

    assert found.before.window == Window(NEXT_MONDAY - DAY_MICROS, Grain.DAY)


def test_a_week_before_without_truth_is_passed_over(installation: Installation) -> None:
    flights = [replace(f, error=None) if f.hour < NEXT_MONDAY else f for f in two_mondays()]
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    assert explain(installation.pipeline, model_id="delay", metric="mae", window=AFTER) is None


def test_one_hour_is_explained_by_the_same_hour_of_another_day(installation: Installation) -> None:
    store(installation.engine, model_of(installation), two_mondays(), splits=SPLITS)

    found = explained(installation, window=Window(NEXT_MONDAY + 5 * HOUR_MICROS, Grain.HOUR))

    assert found.before.window == Window(MONDAY + 5 * HOUR_MICROS, Grain.HOUR)
    assert (found.before.prediction_count, found.after.prediction_count) == (10, 10)


def test_a_new_version_is_a_cause_of_its_own(installation: Installation) -> None:
    flights = [
        replace(f, version="2", error=40.0 + i % 3) if f.hour >= NEXT_MONDAY and i % 3 == 0 else f
        for i, f in enumerate(two_mondays())
    ]
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = explained(installation)

    [new] = [c for c in decomposition(found, "model_version").contributions if c.segment == "model_version=2"]
    assert (new.count_before, new.within.value) == (0, 0)
    assert new.mix.significant


def test_environments_are_not_mixed(installation: Installation) -> None:
    staging = [replace(f, environment="staging", error=1000.0) for f in two_mondays()]
    store(installation.engine, model_of(installation), [*two_mondays(), *staging], splits=SPLITS)

    found, asked = explained(installation), explained(installation, environment="staging")

    assert found.after.metric.value is not None
    assert found.after.metric.value < 100
    assert (asked.environment, asked.after.metric.value) == ("staging", 1000.0)


def test_where_there_is_no_production_the_busiest_environment_is_explained(installation: Installation) -> None:
    flights = [replace(f, environment="shadow" if i % 3 else "canary") for i, f in enumerate(two_mondays())]
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    assert explained(installation).environment == "shadow"


def test_a_split_that_lacks_rows_is_left_out_and_says_so(installation: Installation) -> None:
    whole, part = two_mondays(), ("origin",)
    store(installation.engine, model_of(installation), whole, splits=[("carrier",), part])

    found = explained(installation)

    [crossing] = [cause for cause in found.causes if cause.split == "carrier & origin"]
    assert crossing.found is NotDecomposed.INCOMPLETE_SPLIT
    assert found.causes[-1] == crossing


def test_a_young_window_against_a_mature_one_carries_a_warning(installation: Installation) -> None:
    flights = [replace(f, error=None) if f.hour >= NEXT_MONDAY + DAY_MICROS / 2 else f for f in two_mondays()]
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = explained(installation)

    assert found.warning is not None
    assert "day 2013-06-24T00:00:00Z" in found.warning


@pytest.mark.parametrize(("metric", "why"), [("r2", "is no mean over rows"), ("recall", "is not one of its metrics")])
def test_a_metric_that_is_no_mean_is_refused_by_name(installation: Installation, metric: str, why: str) -> None:
    with pytest.raises(MonitorError, match=f"{why}; metrics that can be: mae, rmse, mape, bias"):
        explain(installation.pipeline, model_id="delay", metric=metric, window=AFTER)


def test_every_explainable_metric_of_a_regression_is_explained(installation: Installation) -> None:
    store(installation.engine, model_of(installation), two_mondays(), splits=SPLITS)

    for metric in explainable_metrics(model_of(installation)):
        found = explained(installation, metric=metric)

        parts = decomposition(found, "carrier")
        assert found.after.metric.value is not None
        power = 2 if metric == "rmse" else 1
        assert parts.mean_after == pytest.approx(found.after.metric.value**power)


def test_a_flight_without_a_carrier_is_a_segment_too(installation: Installation) -> None:
    flights = [
        Flight(hour=day, error=error, carrier=carrier)
        for day in (MONDAY, NEXT_MONDAY)
        for error, carrier in [(1.0, None), (2.0, "a & b=c"), (3.0, "")]
    ]
    store(installation.engine, model_of(installation), flights, splits=SPLITS)

    found = decomposition(explained(installation), "carrier")

    assert sorted(part.segment for part in found.contributions) == ["carrier=", "carrier=(none)", "carrier=a & b=c"]
