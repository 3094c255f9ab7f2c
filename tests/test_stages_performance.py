"""What the performance stages do with odd segments, odd labels, and declarations that change."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assets.data_quality import SUITES
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.quality import check_quality
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.columns import LONGEST_SEGMENT_VALUE
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor, isoformat
from tests.conftest import NOON_MICROS, FixedClock

DAY = floor(NOON_MICROS, Grain.DAY) - DAY_MICROS
HOURS = [DAY + hour * HOUR_MICROS for hour in range(24)]

Event = dict[str, Any]


@pytest.fixture
def store(engine: Engine, tmp_path: Path, clock: FixedClock) -> "Store":
    return Store(engine, tmp_path, clock)


class Store:
    """A store whose declaration a test may change from step to step."""

    def __init__(self, engine: Engine, folder: Path, clock: FixedClock) -> None:
        self._engine, self._clock = engine, clock
        self._home = Home(root=folder / "home").ensure()
        self.declare()

    def declare(self, **model: Any) -> None:
        models = [{"id": "m", **model}] if model else []
        self._installation = Installation(
            config=MonitoringConfig.model_validate({"models": models}),
            config_file=None,
            home=self._home,
            engine=self._engine,
            clock=self._clock,
        )

    def put(self, *events: Event) -> None:
        """Predictions of the day's first hour unless they say otherwise, each with its actual."""
        for number, event in enumerate(events):
            hour, actual = event.pop("hour", 0), event.pop("actual", None)
            at = isoformat(DAY + hour * HOUR_MICROS + number)
            identity = {"model_id": "m", "prediction_id": f"{hour}-{number}-{event}"[:200]}
            self._land("predictions", {**identity, "timestamp": at, "predicted_value": 1.0, **event})
            if actual is not None:
                self._land("actuals", {**identity, "actual_value": actual, "timestamp": at})

    def _land(self, kind: Any, event: Event) -> None:
        config = self._installation.config
        report = ingest_rows(self._engine, [event], kind=kind, config=config, clock=self._clock)
        assert report.rejected == 0, report.samples

    def compute(self, *hours: int) -> StageReport:
        pipeline, starts = self._installation.pipeline, [HOURS[hour] for hour in hours] or HOURS
        log_predictions(pipeline, starts)
        join_predictions(pipeline, starts)
        check_quality(pipeline, starts, suites=SUITES)
        measure_hours(pipeline, starts)
        return merge_days(pipeline, [DAY])

    def read(self, metric: str, grain: Grain = Grain.DAY) -> dict[tuple[str, str], tuple[float | None, int, int]]:
        """By window and segment: value, predictions, labelled."""
        return {
            (row["window_start"][11:13], row["segment"]): (row["value"], row["prediction_count"], row["labelled_count"])
            for row in read_metrics(self._engine, grain=grain)
            if row["metric"] == metric
        }


def test_a_value_written_none_and_a_missing_value_are_one_group_that_loses_no_row(store: Store) -> None:
    store.declare(task="regression", segments=["plan"])
    store.put(*({"plan": "(none)", "actual": 2.0} for _ in range(3)), *({"actual": 5.0} for _ in range(5)))

    store.compute(0)

    assert store.read("mae")["00", "plan=(none)"] == ((3 * 1 + 5 * 4) / 8, 8, 8)


def test_each_row_says_for_itself_whether_its_segment_is_a_feature_or_a_field(store: Store) -> None:
    store.declare(task="regression", segments=["plan"])
    store.put({"features": {"plan": "a"}}, {"plan": "b"}, {"plan": "b"})

    store.compute(0)

    counts = {segment: counts[1] for (_, segment), counts in store.read("mae").items()}
    assert counts == {"all": 3, "plan=a": 1, "plan=b": 2}


def test_segment_values_too_long_for_an_index_are_told_apart(store: Store) -> None:
    store.declare(task="regression", segments=["plan"])
    store.put({"plan": "x" * 5000}, {"plan": "x" * 5000 + "y"}, {"plan": "x" * LONGEST_SEGMENT_VALUE})

    store.compute(0)

    segments = {segment for _, segment in store.read("mae")}
    assert len(segments) == 4
    assert max(map(len, segments)) < LONGEST_SEGMENT_VALUE + 20


def test_truth_of_the_wrong_kind_is_counted_as_unusable_and_not_as_missing(store: Store) -> None:
    # Nobody declared the model, so nothing could be refused when it came.
    store.put({"actual": 2.0}, {"actual": "yes"}, {})

    report = store.compute(0)

    assert report.outcomes[0].details["labelled but unusable"] == 1
    assert store.read("mae")["00", "all"] == (1.0, 3, 1)


def test_a_day_holds_one_threshold_also_when_the_config_changed_in_the_middle_of_it(store: Store) -> None:
    for hour, threshold in enumerate((0.5, 0.7)):
        store.declare(task="binary", threshold=threshold)
        store.put(*({"hour": hour, "prediction_proba": 0.6, "actual": 1} for _ in range(10)))
        store.compute(hour)

    hours = {window: counts[0] for (window, _), counts in store.read("recall", Grain.HOUR).items()}
    assert hours == {"00": 0.0, "01": 0.0}
    assert store.read("recall")["00", "all"] == (0.0, 20, 20)


def test_an_undeclared_model_that_turns_out_to_be_another_task_is_measured_anew(store: Store) -> None:
    store.put(*({"hour": 0, "predicted_value": 1.0, "actual": 1.0} for _ in range(4)))
    store.compute(0)
    store.put({"hour": 1, "prediction_proba": 0.9, "actual": 1.0})

    store.compute(1)

    assert store.read("accuracy")["00", "all"] == (1.0, 5, 5)
    assert store.read("mae", Grain.HOUR) == {}


def test_a_day_says_how_many_of_its_hours_were_left_out(store: Store) -> None:
    store.put({"hour": 0, "actual": 1.0}, {"hour": 0, "actual": 1.0})
    store.put({"hour": 1, "predicted_value": "a class", "actual": "a class"})
    store.declare(task="regression")

    report = store.compute(0, 1)

    assert report.outcomes[0].details["hours left out"] == 1
    assert store.read("mae")["00", "all"] == (0.0, 2, 2)


def test_what_a_person_sees_first_is_a_handful_of_metrics_while_the_results_hold_all(store: Store) -> None:
    store.declare(task="binary")
    store.put(*({"prediction_proba": 0.1 + 0.8 * (row % 2), "actual": row % 2} for row in range(8)))

    report = store.compute(0)

    shown = str(report.outcomes[0].details["metrics"])
    assert shown == "accuracy 1, precision 1, recall 1, roc_auc 1, log_loss 0.1054"
    assert store.read("brier")["00", "all"][1:] == (8, 8)
